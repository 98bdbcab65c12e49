/** What the agent says: its queue, its voice, and what is remembered of it. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import type { InferenceError } from "../../src/inference/contracts/errors.ts";
import { AgentSpeechEndedEvent, BargeInEvent } from "../../src/inference/contracts/events.ts";
import type { LLM, LLMPart } from "../../src/inference/contracts/llm.ts";
import { SpeechHandle } from "../../src/inference/speech/speech_handle.ts";
import { SpeechQueue } from "../../src/inference/speech/speech_queue.ts";
import { PlaybackReference } from "../../src/inference/echo/playback_reference.ts";
import type { SpeechPart, TTS } from "../../src/inference/contracts/tts.ts";
import { ttsFromSentences } from "../../src/inference/contracts/tts_from_sentences.ts";
import { Fixture } from "./_fixture.ts";

const SPEECH = "One two three four five six seven eight nine ten.";

/** 50 ms of sound for each character. */
function sound(text: string): { pcm: PcmChunk } {
  const samples = new Int16Array(800 * text.length).fill(500);
  return { pcm: new PcmChunk(samples, { sampleRate: 16_000 }) };
}

function voice(synthesize: (text: string) => AsyncIterable<SpeechPart>): TTS {
  return ttsFromSentences({ name: "voice", synthesize });
}

function model(generate: LLM["generate"]): LLM {
  return { name: "model", generate };
}

/** Nothing comes, and no end. */
function endless(): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
}

Deno.test("what was said before anything of it was heard leaves no message", async () => {
  await using fixture = await Fixture.set();
  void fixture.agent.say("Good morning.");
  await fixture.clock.advance(0);
  assertEquals(fixture.conversation, ["agent: Good morning...."]);
  await fixture.agent.interrupt();
  assertEquals(fixture.conversation, []);
});

Deno.test("what is said while the agent is cut off is said after it", async () => {
  await using fixture = await Fixture.set();
  const { agent, clock } = fixture;
  const first = agent.say(SPEECH);
  await clock.advance(1000);
  agent.interrupt();
  const second = agent.say("Sorry.");
  await clock.advance(2000);
  assertEquals(await clock.until(second), { text: "Sorry.", interrupted: false });
  assertEquals((await first).interrupted, true);
  assertEquals(fixture.conversation.at(-1), "agent: Sorry.");
});

Deno.test("what is said when the agent was interrupted is said, however it was interrupted", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Stop that now."],
    agent: { turnHandling: { shouldReply: () => false } },
  });
  const { agent, clock } = fixture;
  agent.events.subscribe(AgentSpeechEndedEvent, ({ interrupted }) => {
    if (interrupted) agent.say("Sorry.");
  });
  agent.say(SPEECH);
  await clock.advance(1000);
  await fixture.hear(900, 3000);
  assertEquals(fixture.tts.sentences, [SPEECH, "Sorry."]);
  assertEquals(fixture.events(AgentSpeechEndedEvent).at(-1)?.text, "Sorry.");
  // The queue is empty again.
  await clock.until(agent.say("Go on."));
});

Deno.test("a second interruption drops what came since the first, and nothing stays silent", async () => {
  await using fixture = await Fixture.set();
  const { agent, clock } = fixture;
  agent.say(SPEECH);
  await clock.advance(1000);
  const first = agent.interrupt();
  const dropped = agent.say("Sorry.");
  await clock.until(Promise.all([first, agent.interrupt()]));
  assertEquals(await clock.until(dropped), { text: "", interrupted: true });
  assertEquals(await clock.until(agent.say("Well.")), { text: "Well.", interrupted: false });
});

Deno.test("closing in the middle of an interruption leaves no speech pending", async () => {
  const fixture = await Fixture.set();
  const { agent, clock } = fixture;
  agent.say(SPEECH);
  await clock.advance(1000);
  agent.interrupt();
  const never = agent.say("Sorry.");
  await fixture[Symbol.asyncDispose]();
  assertEquals(await clock.until(never), { text: "", interrupted: true });
});

Deno.test("a voice that never makes a sound is given up, and the next answer is spoken", async () => {
  const stopped: boolean[] = [];
  let asked = 0;
  const tts = ttsFromSentences({
    name: "voice",
    async *synthesize(text, { signal }) {
      signal.addEventListener("abort", () => stopped.push(true));
      if (asked++ === 0) yield* endless();
      else yield sound(text);
    },
  });
  await using fixture = await Fixture.set({ agent: { tts } });
  const { agent, clock } = fixture;
  const outcome = agent.say("Hello there. And more.");
  await clock.advance(9_900);
  assertEquals(fixture.errors, []);
  const error = await assertRejects(() => clock.until(outcome));
  const [event] = fixture.errors;
  assertEquals(event?.error, error);
  assertEquals([(event?.error as Error).name, event?.context], ["TimeoutError", "speaking"]);
  assertEquals([asked, stopped], [1, [true]]);
  assertEquals((await clock.until(agent.say("Well."))).text, "Well.");
});

Deno.test("a voice whose sound is no chunk is reported by its name, and the next answer is spoken", async () => {
  let asked = 0;
  const tts = ttsFromSentences({
    name: "voice",
    async *synthesize(text) {
      const pcm = { samples: new Uint8Array(960), sampleRate: 24_000, channels: 1, frames: 960 };
      if (asked++ === 0) yield { pcm: pcm as unknown as PcmChunk };
      else yield sound(text);
    },
  });
  await using fixture = await Fixture.set({ agent: { tts } });
  const { agent, clock } = fixture;
  const error = await assertRejects(() => clock.until(agent.say("Hello there.")));
  assertEquals(fixture.errors[0]?.error, error);
  const told = `${error}`;
  assertStringIncludes(
    told,
    "voice.synthesize returned a part whose pcm is wrong: expected a PcmChunk",
  );
  assertEquals((await clock.until(agent.say("Well."))).text, "Well.");
});

Deno.test("a voice that falls silent in a sentence is given up; what was heard is remembered", async () => {
  const tts = voice(async function* (text) {
    yield sound("Here we go.");
    if (text.startsWith("And")) yield* endless();
  });
  await using fixture = await Fixture.set({
    replies: ["Here we go. And then it is over.", "Yes."],
    agent: { tts, turnHandling: { ttsTimeoutMs: 2000 } },
  });
  const { agent, clock } = fixture;
  const outcome = await clock.until(agent.generateReply("Go."));
  assertEquals(outcome, { text: "Here we go. And then it", interrupted: true });
  assertEquals(fixture.errors.map(({ error }) => (error as Error).name), ["TimeoutError"]);
  agent.generateReply("And?");
  await clock.advance(100);
  assertEquals(fixture.told, ["user: Go.", "assistant: Here we go. And then it", "user: And?"]);
});

Deno.test("how long a voice is played does not count against its time, and it may have any", async () => {
  for (const ttsTimeoutMs of [100, Infinity]) {
    await using fixture = await Fixture.set({ agent: { turnHandling: { ttsTimeoutMs } } });
    const outcome = await fixture.clock.until(fixture.agent.say(SPEECH));
    assertEquals(outcome, { text: SPEECH, interrupted: false });
    assertEquals(fixture.errors, []);
  }
});

Deno.test("a model whose answer cannot be spoken is stopped, and writes no more", async () => {
  await using fixture = await Fixture.set({
    replies: [{ text: "A bad one. And so it goes on for ever and ever.", tokenMs: 100 }],
    voice: { failures: { bad: new Error("refused") } },
  });
  const reply = fixture.agent.generateReply("Go.");
  await assertRejects(() => fixture.clock.until(reply), Error, "refused");
  await fixture.clock.advance(5000);
  assertEquals(fixture.llm.aborted, 1);
  assertEquals(fixture.conversation, ["agent: Go."]);
});

const LINK =
  "The [manual](https://example.com/a/very/long/path/that/has/no/place/in/speech) says " +
  "**yes** and that all is well.";

Deno.test("what is remembered of a text with marks for the eye is what was heard of it", async () => {
  await using fixture = await Fixture.set({ replies: [LINK, "Ok."] });
  const { agent, clock } = fixture;
  agent.generateReply("Go.");
  // "The manual says yes and that all is well.", 50 ms a character.
  await clock.advance(50 * "The manual says".length + 60);
  await clock.until(agent.interrupt());
  assertEquals(fixture.conversation.at(-1), `agent: ${LINK.slice(0, LINK.indexOf(" **yes"))}/`);
});

Deno.test("a voice that tells its words tells those of the text that it was given", async () => {
  const tts = voice(async function* (text) {
    for (let chars = 1; chars <= text.length; chars++) {
      yield { ...sound("x"), alignment: [{ chars, atMs: 50 * chars }] };
    }
  });
  await using fixture = await Fixture.set({
    replies: ["**Very** *important* **things** `are` said here, my friend."],
    agent: { tts },
  });
  const { agent, clock } = fixture;
  agent.generateReply("Go.");
  await clock.advance(50 * "Very important things".length + 60);
  await clock.until(agent.interrupt());
  assertEquals(fixture.conversation.at(-1), "agent: **Very** *important* **things**/");
});

Deno.test("what was heard of a script of syllables is told while the voice still speaks", async () => {
  const text = "今天天气很好我们可以一起去公园散步然后再去吃一点东西你觉得怎么样呢。";
  await using fixture = await Fixture.set({ replies: [text], voice: { msPerChar: 200, speed: 1 } });
  const { agent, clock } = fixture;
  agent.generateReply("Go.");
  await clock.advance(2000);
  await clock.until(agent.interrupt());
  const heard = fixture.conversation.at(-1)!.slice("agent: ".length, -1);
  assert(heard.length >= 7 && heard.length <= 10, heard);
  assert(text.startsWith(heard));
});

for (const [what, parts] of [["nothing", []], ["no samples", [sound("")]]] as const) {
  Deno.test(`a voice that gives ${what} for a sentence is reported, and that one is not remembered`, async () => {
    const tts = voice(async function* (text) {
      yield* text.startsWith("Two") ? parts : [sound(text)];
    });
    await using fixture = await Fixture.set({
      replies: ["One is. Two is. Three is.", "Ok."],
      agent: { tts },
    });
    const { agent, clock } = fixture;
    const outcome = await clock.until(agent.generateReply("Go."));
    assertEquals(outcome, { text: "One is. Three is.", interrupted: true });
    assertEquals(fixture.errors.map(({ error }) => (error as InferenceError).code), ["no-sound"]);
    agent.generateReply("And?");
    await clock.advance(100);
    assertEquals(fixture.told, ["user: Go.", "assistant: One is. Three is.", "user: And?"]);
  });
}

const BROKEN: [string, unknown][] = [
  ["a tool call without a call", { type: "tool-call" }],
  ["a tool call without a name", { type: "tool-call", call: { id: "1" } }],
  ["text without a text", { type: "text" }],
  ["nothing", undefined],
];
for (const [what, part] of BROKEN) {
  Deno.test(`a model that gives ${what} is reported, and its answer ends`, async () => {
    const llm = model(async function* () {
      yield { type: "text", text: "So far. " };
      yield part as LLMPart;
    });
    await using fixture = await Fixture.set({ agent: { llm } });
    const { agent, clock } = fixture;
    const outcome = await clock.until(agent.generateReply("Go."));
    assertEquals(outcome, { text: "So far. ", interrupted: true });
    assert(fixture.errors[0]?.error instanceof TypeError);
    assertEquals(fixture.conversation.at(-1), "agent: So far. /");
  });
}

Deno.test("what fails when a speech begins or ends is reported and stops no other", async () => {
  const clock = new VirtualClock();
  const errors: unknown[] = [];
  const track = {
    playedMs: 0,
    bufferedMs: 0,
    heardMs: 0,
    resume() {},
    flush: () => Promise.resolve({ discardedMs: 0 }),
    drain: () => Promise.resolve(),
    write(pcm: PcmChunk): Promise<void> {
      this.heardMs = this.playedMs += pcm.durationMs;
      return new Promise((resolve) => void clock.schedule(resolve, pcm.durationMs));
    },
  };
  const queue = new SpeechQueue({
    track: track as never,
    clock,
    playback: new PlaybackReference(),
    report: (error) => void errors.push((error as Error).message),
  });
  const fail = (what: string) => (): never => {
    throw new Error(what);
  };
  const made = (): SpeechHandle =>
    new SpeechHandle({
      async *audio({ spoken }) {
        spoken.say("Hello.");
        yield sound("Hello.").pcm;
      },
      onPlaybackStarted: fail("started"),
      onStopped: fail("stopped"),
      onEnded: fail("ended"),
    });
  const [first, second, third] = [made(), made(), made()];
  for (const speech of [first!, second!, third!]) queue.add(speech);
  assertEquals(await clock.until(first!.done), { text: "Hello.", interrupted: false });
  await clock.until(queue.interrupt());
  assertEquals((await second!.done).interrupted, true);
  assertEquals((await third!.done).interrupted, true);
  assertEquals(errors, ["started", "ended", "stopped", "stopped", "ended", "ended"]);
});

Deno.test("what there is no room for is neither asked, nor shown, nor remembered", async () => {
  await using fixture = await Fixture.set({ replies: ["Yes."] });
  const { agent, clock } = fixture;
  const answers = Array.from({ length: 33 }, () => agent.generateReply("Question"));
  await assertRejects(() => agent.generateReply("Too much"), RangeError);
  await assertRejects(() => agent.say("Too much"), RangeError);
  await clock.until(Promise.all(answers));
  assertEquals(fixture.llm.requests.length, 33);
  assertEquals(fixture.conversation.filter((one) => /Too much|\.\.\.$/.test(one)), []);
});

Deno.test("a turn that there is no room to answer is reported and remembered, and asks nothing", async () => {
  await using fixture = await Fixture.set({ transcripts: ["Stop that now."] });
  const { agent, clock } = fixture;
  agent.events.subscribe(BargeInEvent, () => {
    for (let n = 0; n < 33; n++) agent.say(SPEECH);
  });
  agent.say(SPEECH);
  await clock.advance(1000);
  await fixture.hear(900, 1000);
  assertEquals(fixture.llm.requests.length, 0);
  assertEquals(fixture.errors.map(({ context }) => context), ["replying to a turn"]);
  await clock.until(agent.interrupt());
  await clock.until(agent.generateReply("Well?"));
  assert(fixture.told.includes("user: Stop that now."));
});
