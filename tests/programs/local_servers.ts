/**
 * `deno task adapters:programs`: conversations with a real recogniser, Whisper behind OpenAI's interface,
 * and a real language model, in a browser in which a person's recorded phrases are said. Not in CI: the first
 * run downloads a gigabyte, and on a busy machine a phrase takes seconds to recognise.
 */
import { assert, assertEquals } from "@std/assert";
import { BargeInEvent, PcmChunk, silentLogger } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { openAICompatible } from "@ringline/edge/openai";
import { RulesLLM } from "../../examples/lib/rules_llm.ts";
import { localAssistant } from "../../examples/local_assistant.ts";
import { transcribed } from "../adapters/_stt.ts";
import { Example } from "../e2e/_example.ts";
import { browserTest, Guest, until } from "../e2e/_fixture.ts";
import { levelDb } from "../e2e/_signal.ts";
import { startLlama } from "./_llama.ts";
import { phrase, startWhisper } from "./_whisper.ts";

/** What is said in the recordings, in words without case and punctuation. */
const PHRASES = {
  "hello-world": "hello world",
  "queue-thankyou": "thank you for your patience",
  "conf-onlyperson": "you are currently the only person in this conference",
  "conf-invalidpin": "that pin is invalid for this conference",
  "vm-goodbye": "goodbye",
};
type Phrase = keyof typeof PHRASES;

const STORY =
  "Once upon a time there was a small radio that had no listeners. Every night it sang " +
  "to the lamp, and the lamp grew warm. One day a child came in, and turned the radio up.";
/** On a machine that does much else. */
const LIMIT_MS = 60_000;

const words = (text: string) => text.toLowerCase().match(/[a-z']+/g)?.join(" ");

/** Says a phrase in the page. */
async function say(guest: Guest, name: Phrase): Promise<void> {
  const { samples, sampleRate } = await phrase(name);
  const bytes = new Uint8Array(samples.slice().buffer);
  await guest.run("speak", [bytes.toBase64(), sampleRate, 1]);
}

async function* pieces({ samples, sampleRate }: PcmChunk): AsyncGenerator<PcmChunk> {
  const size = sampleRate / 50;
  for (let at = 0; at < samples.length; at += size) {
    yield new PcmChunk(samples.slice(at, at + size), { sampleRate });
  }
}

Deno.test("openAICompatible understands recorded phrases word for word by a real recogniser", async () => {
  await using whisper = await startWhisper();
  const stt = openAICompatible({ baseUrl: whisper.baseUrl }).stt({
    model: "whisper",
    language: "en",
  });
  for (const [name, expected] of Object.entries(PHRASES)) {
    const { items, error } = await transcribed(stt, pieces(await phrase(name)));
    assertEquals(error, undefined);
    assertEquals(words(items.at(-1)!.text), expected);
  }
});

browserTest("an agent with a real recogniser takes turns, and is interrupted", async (browser) => {
  await using whisper = await startWhisper();
  await using edge = new LocalEdge({ logger: silentLogger });
  const agent = localAssistant(edge, {
    stt: openAICompatible({ baseUrl: whisper.baseUrl }).stt({ model: "whisper", language: "en" }),
    llm: new RulesLLM([
      { when: /hello/, then: () => "Hello! What can I do for you?" },
      { when: /patience/, then: () => STORY },
      { when: /pin/, then: () => "Which pin do you mean?" },
      { when: /goodbye/, then: () => "See you." },
    ], "I did not understand that."),
  });
  let bargeIns = 0;
  agent.events.subscribe(BargeInEvent, () => void bargeIns++);
  const call = await agent.createCall("default", "assistant");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
  const guest = await Guest.join(browser, await edge.callLink(call), { name: "Ada" });
  const messages = () => agent.conversation!.messages;
  const replied = (text: string) =>
    until(
      `the reply "${text}"`,
      () => messages().some((one) => one.role === "assistant" && one.text === text && one.complete),
      LIMIT_MS,
    );
  const isHeard = async () => levelDb((await guest.hear(300)).samples) > -40;

  await say(guest, "hello-world");
  await replied("Hello! What can I do for you?");
  await say(guest, "queue-thankyou");
  await until("the story is heard", isHeard, LIMIT_MS);
  await say(guest, "conf-invalidpin");
  await until("the interruption", () => bargeIns === 1, LIMIT_MS);
  await replied("Which pin do you mean?");
  await say(guest, "vm-goodbye");
  await replied("See you.");

  const told = messages().find(({ interrupted }) => interrupted);
  assert(told && STORY.startsWith(told.text.trim().slice(0, 20)), JSON.stringify(messages()));
  assert(told.text.length < STORY.length, "only what was heard is remembered");
  assertEquals(messages().filter(({ role }) => role === "user").map(({ text }) => words(text)), [
    "hello world",
    "thank you for your patience",
    "that pin is invalid for this conference",
    "goodbye",
  ]);
  await guest.leave();
});

browserTest("local_assistant.ts hears by a local server", async (browser) => {
  await using whisper = await startWhisper();
  await using assistant = await Example.start("local_assistant.ts", {
    args: ["--stt", whisper.baseUrl],
  });
  const guest = await Guest.join(browser, await assistant.link(), { name: "Ada" });
  const shown = async () =>
    (await guest.events("event")).map(({ data }) => data)
      .filter(({ type, complete }) => type === "transcript" && complete)
      .map(({ name, text }) => `${name}: ${text}`);
  await until("the greeting", async () => (await shown()).length === 1, LIMIT_MS);
  await say(guest, "hello-world");
  const lines = await until("the reply", async () => {
    const all = await shown();
    return all.length >= 3 && all;
  }, LIMIT_MS);
  assertEquals(lines, [
    "Robin: Hello, I am Robin.",
    "Ada: Hello world!",
    "Robin: Hello! What can I do for you?",
  ]);
  await guest.leave();
});

browserTest("local_assistant.ts hears and thinks by local servers", async (browser) => {
  await using whisper = await startWhisper();
  await using llama = await startLlama();
  await using assistant = await Example.start("local_assistant.ts", {
    args: ["--stt", whisper.baseUrl, "--llm", llama.baseUrl],
  });
  const guest = await Guest.join(browser, await assistant.link(), { name: "Ada" });
  // The model says something else each time, and as long as it likes.
  const lines = async (name: string, complete = true) =>
    (await guest.events("event")).map(({ data }) => data)
      .filter((one) => one.type === "transcript" && one.name === name)
      .filter((one) => one.complete || !complete)
      .map(({ text }) => text as string);
  await until("the greeting", async () => (await lines("Robin")).length === 1, LIMIT_MS);
  await say(guest, "hello-world");
  await until("it is understood", async () => (await lines("Ada")).length === 1, LIMIT_MS);
  assertEquals((await lines("Ada")).map(words), ["hello world"]);
  const reply = await until("the reply", async () => {
    const latest = (await lines("Robin", false)).at(-1)!;
    return /\w/.test(latest) && latest !== "Hello, I am Robin." && latest;
  }, LIMIT_MS);
  await until(
    `"${reply}" is heard`,
    async () => levelDb((await guest.hear(300)).samples) > -40,
    LIMIT_MS,
  );
  assertEquals(assistant.stderr, "");
  await guest.leave();
});
