/**
 * `deno task adapters:check`: checks the adapters against a real service, with your own key.
 *
 * The service synthesises a sentence, transcribes it, calls a tool and replies with its realtime
 * model, for about a cent. Needs `OPENAI_API_KEY`; `OPENAI_BASE_URL` names another service, and
 * `TTS_MODEL`, `STT_MODEL`, `LLM_MODEL` and `REALTIME_MODEL` its models.
 *
 * @module
 */
import { OPENAI_MODELS, openAICompatible } from "../src/adapters/openai/mod.ts";
import { openAIRealtime } from "../src/adapters/openai/realtime.ts";
import type { PcmChunk } from "../src/audio/pcm_chunk.ts";
import { systemClock } from "../src/events/clock.ts";
import { silentLogger } from "../src/events/logger.ts";

const apiKey = Deno.env.get("OPENAI_API_KEY");
const baseUrl = Deno.env.get("OPENAI_BASE_URL");
if (!apiKey && !baseUrl) {
  console.error(
    "adapters:check: set OPENAI_API_KEY (or OPENAI_BASE_URL for a service without one)",
  );
  Deno.exit(2);
}
const model = (name: string, standard: string): string => Deno.env.get(name) ?? standard;
const service = openAICompatible({ apiKey, baseUrl });
const { signal } = new AbortController();
const SENTENCE = "The quick brown fox jumps over the lazy dog.";
let failures = 0;

async function check(name: string, run: () => Promise<string>): Promise<void> {
  const from = performance.now();
  try {
    const found = await run();
    console.log(`ok      ${name}: ${found} (${Math.round(performance.now() - from)} ms)`);
  } catch (error) {
    failures++;
    console.log(`FAILED  ${name}: ${error instanceof Error ? error.message : error}`);
  }
}

const spoken: PcmChunk[] = [];

await check("speech", async () => {
  const tts = service.tts({ model: model("TTS_MODEL", OPENAI_MODELS.speech), voice: "marin" });
  let ms = 0;
  await using session = tts.open({ clock: systemClock, logger: silentLogger });
  const stream = session.speak();
  stream.sendText(SENTENCE);
  stream.end();
  for await (const { pcm } of stream) {
    if (!pcm) continue;
    spoken.push(pcm.clone());
    ms += pcm.durationMs;
  }
  if (ms < 1000) throw new Error(`expected at least 1000 ms of audio, got ${ms} ms`);
  return `${Math.round(ms)} ms of audio`;
});

await check("transcription", async () => {
  const stt = service.stt({ model: model("STT_MODEL", OPENAI_MODELS.transcription) });
  const { sampleRate } = spoken[0]!;
  await using session = stt.open({
    speakerId: "",
    sampleRate,
    clock: systemClock,
    logger: silentLogger,
    continuous: false,
  });
  for (const pcm of spoken) session.sendAudio(pcm);
  session.end();
  for await (const event of session) {
    if (event.type === "error") throw event.error;
    if (event.type !== "transcript" || !event.final) continue;
    if (/fox/i.test(event.text)) return event.text;
    throw new Error(`expected a text with "fox", got "${event.text}"`);
  }
  throw new Error("no text");
});

await check("chat with a tool", async () => {
  const llm = service.llm({ model: model("LLM_MODEL", OPENAI_MODELS.chat) });
  const tools = [{
    name: "look_up",
    description: "Looks up a word",
    parameters: {
      type: "object" as const,
      properties: { word: { type: "string" as const } },
      required: ["word"],
    },
  }];
  const messages = [{ role: "user" as const, text: "Look up the word fox with the tool." }];
  for await (const part of llm.generate({ messages, tools, signal })) {
    if (part.type === "tool-call") return JSON.stringify(part.call.input);
  }
  throw new Error("the tool was not called");
});

async function replyAloud(): Promise<string> {
  const llm = openAIRealtime({
    apiKey,
    baseUrl,
    model: model("REALTIME_MODEL", OPENAI_MODELS.realtime),
  });
  await using session = await llm.connect({
    clock: systemClock,
    logger: silentLogger,
    signal,
    instructions: "Reply in three words.",
    tools: [],
    history: [],
  });
  session.sendText("Say hello.", {});
  session.requestReply({ id: "hello" });
  let ms = 0, text = "";
  for await (const event of session) {
    if (event.type === "audio") ms += event.pcm.durationMs;
    else if (event.type === "text") text += event.text;
    else if (event.type === "error") throw event.error;
    else if (event.type === "reply-ended") break;
  }
  if (ms === 0) throw new Error("no audio");
  return `${text} (${Math.round(ms)} ms of audio)`;
}

// Few other services have a realtime model.
if (baseUrl && !Deno.env.get("REALTIME_MODEL")) {
  console.log(
    "-       realtime: skipped; set REALTIME_MODEL if the service has a realtime model",
  );
} else await check("realtime", replyAloud);

Deno.exit(failures > 0 ? 1 : 0);
