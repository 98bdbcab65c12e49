/** What is tried on a service: it speaks, recognises, replies and converses, with the adapters. @module */
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { Resampler } from "../../src/audio/resampler.ts";
import { typescriptKernel } from "../../src/audio/typescript_kernel.ts";
import type { Participant } from "../../src/edge/types.ts";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { sleep } from "../../src/events/waiting.ts";
import type { LLM } from "../../src/inference/contracts/llm.ts";
import type { ChatMessage, ToolCall } from "../../src/inference/contracts/messages.ts";
import type { RealtimeLLM } from "../../src/inference/contracts/realtime_llm.ts";
import type { STT } from "../../src/inference/contracts/stt.ts";
import type { TTS } from "../../src/inference/contracts/tts.ts";
import { concatenate } from "../../src/audio/concatenate.ts";

/** The sentence that is said and recognised; {@linkcode WORD} is a word of it. */
export const SENTENCE = "The quick brown fox jumps over the lazy dog.";
const WORD = /fox/i;
const PIECE_MS = 20;
/** Samples a second of what an agent hears. */
const HEARD_RATE = 16_000;
/** The longest silence after the sentence in which a service may find the end of the turn. */
const SILENCE_MS = 5000;
/** The shortest sound that can be the sentence. */
const MIN_SPEECH_MS = 1000;

/** What a round gets. */
export interface RoundContext {
  /** Aborted when the time is up, and by Ctrl-C. */
  readonly signal: AbortSignal;
  /** The sentence, once a voice of the service has said it. */
  speech: PcmChunk | undefined;
}

const common = { clock: systemClock, logger: silentLogger };
const now = () => performance.now();
const ms = (value: number) => `${Math.round(value)} ms`;

/** Has a voice say the sentence. */
export async function speaks(tts: TTS, context: RoundContext): Promise<string> {
  await using session = tts.open(common);
  using _end = closedOnAbort(session, context.signal);
  const from = now();
  let firstAt = 0;
  let isAligned = false;
  const heard: PcmChunk[] = [];
  const stream = session.speak();
  stream.sendText(SENTENCE);
  stream.end();
  for await (const { pcm, alignment, unspoken } of stream) {
    if (unspoken) throw unspoken.error;
    isAligned ||= alignment !== undefined && alignment.length > 0;
    if (!pcm) continue;
    firstAt ||= now();
    heard.push(pcm.clone());
  }
  context.signal.throwIfAborted();
  const nothing = new PcmChunk(new Int16Array(0), heard[0] ?? { sampleRate: HEARD_RATE });
  const speech = concatenate(nothing, ...heard);
  if (speech.durationMs < MIN_SPEECH_MS) {
    throw new Error(
      `expected at least ${ms(MIN_SPEECH_MS)} of sound, got ${ms(speech.durationMs)}`,
    );
  }
  context.speech = speech;
  const times = isAligned ? ", with the times of its text" : "";
  return `${ms(speech.durationMs)} of sound, the first after ${ms(firstAt - from)}${times}`;
}

/** Has a recogniser hear the sentence as an agent hears it: 20 ms at a time, at 16 kHz. */
export async function recognises(stt: STT, { speech, signal }: RoundContext): Promise<string> {
  if (!speech) throw new Error("not tried: no voice of the service has said the sentence");
  const continuous = stt.detectsTurns === true;
  const options = { speakerId: "", sampleRate: HEARD_RATE, continuous };
  await using session = stt.open({ ...common, ...options });
  using _end = closedOnAbort(session, signal);
  const turn = new AbortController();
  let saidAt = Infinity;
  void talk((pcm) => session.sendAudio(pcm), speech, {
    rate: HEARD_RATE,
    signal: AbortSignal.any([signal, turn.signal]),
    onSaid: () => {
      saidAt = now();
      if (!continuous) session.commit();
    },
  }).catch(() => {}); // It is over when the turn is, or with the round.
  let [interim, finalAt, turnAt] = [0, 0, 0];
  const texts: string[] = [];
  for await (const event of session) {
    if (event.type === "error") throw event.error;
    if (event.type === "transcript" && !event.final) interim++;
    if (event.type === "transcript" && event.final && event.text !== "") {
      finalAt = now();
      texts.push(event.text.trim());
    }
    if (event.type !== "turn-ended" && event.type !== "committed") continue;
    turnAt = now();
    turn.abort();
    session.end();
  }
  signal.throwIfAborted();
  const text = texts.join(" ");
  if (!WORD.test(text)) throw new Error(`expected a text with ${WORD.source}, got "${text}"`);
  const after = (at: number) => ms(Math.max(0, at - saidAt));
  const turned = continuous ? `, the end of the turn after ${after(turnAt)}` : "";
  return `"${text}" ${after(finalAt)} after the last sound, ${interim} interim${turned}`;
}

/** Has a language model call a tool, and reply with the tool's result. */
export async function callsTool(llm: LLM, { signal }: RoundContext): Promise<string> {
  const tools = [{
    name: "look_up",
    description: "Looks up a word in a dictionary",
    parameters: {
      type: "object" as const,
      properties: { word: { type: "string" as const } },
      required: ["word"],
    },
  }];
  const messages: ChatMessage[] = [
    {
      role: "user",
      text: "Look up the word fox with the tool, and say what it means in one line.",
    },
  ];
  const ask = async () => {
    const from = now();
    let [text, firstAt] = ["", 0];
    const toolCalls: ToolCall[] = [];
    for await (const part of llm.generate({ messages, tools, signal })) {
      firstAt ||= now();
      if (part.type === "text") text += part.text;
      if (part.type === "tool-call") toolCalls.push(part.call);
    }
    return { text, toolCalls, firstMs: firstAt - from };
  };
  const first = await ask();
  const [call] = first.toolCalls;
  if (!call) throw new Error(`the tool was not called; the reply was "${first.text}"`);
  messages.push({ role: "assistant", text: first.text, toolCalls: [call] });
  const { id: callId, name } = call;
  messages.push({
    role: "tool",
    callId,
    name,
    text: "A small animal with a red coat.",
    isError: false,
  });
  const second = await ask();
  if (second.text.trim() === "") throw new Error("no reply after the tool's result");
  const line = second.text.trim().replaceAll(/\s+/g, " ");
  return `${JSON.stringify(call.input)}, then "${line}", the first part after ${
    ms(second.firstMs)
  }`;
}

const PERSON: Participant = {
  original: undefined,
  userId: "verify",
  id: "verify",
  name: "",
  kind: "person",
};

/** Has a realtime model say the sentence, and then hear it from a person: it transcribes and replies. */
export async function converses(llm: RealtimeLLM, { signal }: RoundContext): Promise<string> {
  const instructions = "You are on a call. Reply in a few words.";
  const options = { ...common, signal, instructions, tools: [], history: [] };
  await using session = await llm.connect(options);
  using _end = closedOnAbort(session, signal);
  const talking = new AbortController();
  const from = now();
  let [said, heard] = ["", ""];
  let [saidAt, firstAt, replies] = [Infinity, 0, 0];
  const audio: PcmChunk[] = [];
  session.requestReply({ id: "said", say: SENTENCE });
  for await (const event of session) {
    if ("error" in event && event.error) throw event.error;
    if (event.type === "user-transcript") heard = event.text;
    if (event.type === "text" && replies === 0) said += event.text;
    if (event.type === "audio" && replies === 0) {
      firstAt ||= now();
      audio.push(event.pcm.clone());
    }
    if (event.type === "speech-stopped" && event.awaitsReply) session.requestReply({ id: "heard" });
    if (event.type === "reply-ended" && ++replies === 1) {
      if (audio.length === 0) throw new Error(`no sound; the reply's text was "${said}"`);
      void talk((pcm) => session.sendAudio(pcm, PERSON), concatenate(...audio), {
        rate: llm.inputRate,
        signal: AbortSignal.any([signal, talking.signal]),
        onSaid: () => saidAt = now(),
      }).catch(() => {}); // It is over when the reply is, or with the round.
    }
    if (replies > 1 && WORD.test(heard)) break;
  }
  const repliedMs = now() - saidAt;
  talking.abort();
  signal.throwIfAborted();
  if (replies < 2 || !WORD.test(heard)) {
    throw new Error(`the session ended after ${replies} replies; it understood "${heard}"`);
  }
  return `said "${said.trim()}", the first sound after ${ms(firstAt - from)}; understood ` +
    `"${heard.trim()}", and had replied ${ms(Math.max(0, repliedMs))} after it`;
}

/** Says the sentence as a person does, and is then silent. */
async function talk(
  send: (pcm: PcmChunk) => void,
  speech: PcmChunk,
  { rate, signal, onSaid }: { rate: number; signal: AbortSignal; onSaid: () => void },
): Promise<void> {
  for await (const pcm of paced(pieces(speech, rate), signal)) send(pcm);
  onSaid();
  for await (const pcm of paced(silence(rate), signal)) send(pcm);
}

/** Closes a session when the signal is aborted, so that the iteration of it ends. */
function closedOnAbort(session: AsyncDisposable, signal: AbortSignal): Disposable {
  const close = () => void Promise.resolve(session[Symbol.asyncDispose]()).catch(() => {});
  if (signal.aborted) close();
  signal.addEventListener("abort", close, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", close) };
}

/** Yields speech at a rate, 20 ms at a time. */
function* pieces(speech: PcmChunk, sampleRate: number): Generator<PcmChunk> {
  const options = { inputRate: speech.sampleRate, outputRate: sampleRate };
  using resampler = new Resampler(typescriptKernel(), options);
  const { samples } = resampler.convert(speech);
  const size = sampleRate * PIECE_MS / 1000;
  for (let at = 0; at < samples.length; at += size) {
    yield new PcmChunk(samples.slice(at, at + size), { sampleRate });
  }
}

/** Yields silence, 20 ms at a time. */
function* silence(sampleRate: number): Generator<PcmChunk> {
  const samples = new Int16Array(sampleRate * PIECE_MS / 1000);
  for (let at = 0; at < SILENCE_MS; at += PIECE_MS) yield new PcmChunk(samples, { sampleRate });
}

/** Yields each piece at its time. */
async function* paced(
  all: Iterable<PcmChunk>,
  signal: AbortSignal,
): AsyncGenerator<PcmChunk, void, void> {
  const from = now();
  let at = 0;
  for (const pcm of all) {
    const waitMs = from + at - now();
    if (waitMs > 0) await sleep(waitMs, { signal });
    signal.throwIfAborted();
    yield pcm;
    at += PIECE_MS;
  }
}
