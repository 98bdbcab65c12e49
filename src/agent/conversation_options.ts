/** The options of an agent's conversation, and their checks. @module */
import type { LLM } from "../inference/contracts/llm.ts";
import type { RealtimeLLM } from "../inference/contracts/realtime_llm.ts";
import type { STT } from "../inference/contracts/stt.ts";
import { checkToolOptions, type Tool } from "../inference/contracts/tool.ts";
import type { TTS } from "../inference/contracts/tts.ts";
import type { VAD } from "../inference/contracts/vad.ts";
import { assertPcmChunk, type PcmChunk } from "../audio/pcm_chunk.ts";
import type { EncodeFrameOptions } from "../inference/vision/encode_frame.ts";
import type { BroadcastMetricsOptions } from "./conversation_metrics.ts";
import type { TurnHandlingOptions } from "../inference/pipelines/turn_handling_options.ts";
import type { ToolHooks } from "../inference/reply/tool_ledger.ts";
import { checkMethods, checkObject, checkOptions, shown } from "../events/checks.ts";
import { checkDuration } from "../events/waiting.ts";
import {
  checkFailureOptions,
  type FailureOptions,
} from "../inference/pipelines/failure_options.ts";
import { checkTurnHandling } from "../inference/pipelines/check_turn_handling.ts";
import {
  checkPreparedSpeech,
  type PreparedSpeech,
} from "../inference/pipelines/realtime/outage_message.ts";

/** Options for the frames of the routed video track that a model is shown, if it accepts images. */
export interface VisionOptions extends EncodeFrameOptions {
  /** Frames per second that the agent takes from the track. The model gets the latest. Default 2. */
  fps?: number;
}

/** Options for an agent's conversation: its models, its tools and how it takes turns. */
export interface ConversationOptions extends ToolHooks {
  /**
   * The model that replies: a text model needs `tts`, and `stt` to hear people; a realtime model needs
   * neither, and one that can reply in text takes `tts` as its voice. Without a model the agent says what
   * the application has it say, and transcribes.
   */
  llm?: LLM | RealtimeLLM;
  /** Speech to text. On its own it makes a transcriber, of as many people as there are. */
  stt?: STT;
  /** Text to speech. On its own it makes an announcer. */
  tts?: TTS;
  /**
   * Detects speech. Default: `neuralVad()`, a small network that hears in noise. A realtime model
   * takes none.
   */
  vad?: VAD;
  /**
   * Changes each sentence before it is spoken, for instance `$5` into `five dollars`: takes what is
   * left of it without Markdown, HTML and emoji, and returns what is to be spoken. What is shown and
   * remembered stays as the model wrote it. One that throws or returns no text is reported, and its
   * sentence is spoken as it is. A realtime model takes none.
   */
  textTransform?: (sentence: string) => string;
  /**
   * What is spoken for words, or phrases, that the voice gets wrong, e.g. `{ Nguyen: "Win" }`: by the
   * whole word, in this spelling. A realtime model takes none.
   */
  pronunciations?: Readonly<Record<string, string>>;
  /** A sound that is heard under the agent's voice and between its speeches, e.g. of an office. */
  backgroundSound?: PcmChunk;
  /**
   * A sound that is heard while the agent is about to reply or waits for a tool, e.g. of a keyboard.
   * It is faded out when the agent speaks or is interrupted, as `backgroundSound` is when the agent is
   * interrupted. Both are played again and again, at their own level.
   */
  thinkingSound?: PcmChunk;
  /** The tools that the model can call. */
  tools?: readonly Tool[];
  /**
   * When a turn is over, when the agent replies, and when it lets itself be interrupted. A realtime
   * model takes none but `{ turnDetection: "realtime" }`, its default.
   */
  turnHandling?: TurnHandlingOptions;
  /**
   * What people hear, once in each outage, while a realtime model cannot be reached for two seconds or
   * more. It is audio, since the voice is the model's. Default: nothing.
   */
  outageMessage?: PreparedSpeech;
  /**
   * What the agent says when a turn gets no reply because a model failed, e.g. `"One moment, please."`,
   * and what else it does. It is asked again once if that may help. Default: it says nothing. A realtime
   * model takes none.
   */
  onFailure?: string | FailureOptions;
  /**
   * After so many milliseconds without speech of a person or the agent the people are away: see
   * {@linkcode UserStateChangedEvent}. `Infinity` sets no limit. Default 15,000.
   */
  awayAfterMs?: number;
  /** The frames that the model is shown, if it accepts images. */
  vision?: VisionOptions;
  /**
   * Whether the agent sends all participants its reply latency and the metrics of its queues and
   * models, as a custom event `{ type: "metrics", ... }`, which LocalEdge's page shows. See
   * {@linkcode BroadcastMetricsOptions}. Default `false`.
   */
  broadcastMetrics?: boolean | BroadcastMetricsOptions;
}

/** Throws unless the options can be used: a TypeError or, for a value, a RangeError. */
export function checkConversationOptions(options: ConversationOptions): void {
  const { llm, stt, tts, vad, tools, vision, broadcastMetrics, outageMessage } = options;
  const check = (name: string, value: unknown, expected: string, method: string) => {
    if (value === undefined) return;
    checkMethods(value, name, expected, [method]);
    const { name: named } = value as { name?: unknown };
    if (typeof named === "string") return;
    throw new TypeError(`${name}: expected ${expected} with a name, got ${shown(named)}`);
  };
  const isConnecting = typeof llm === "object" && llm !== null && isRealtime(llm);
  check("llm", llm, "an LLM or a RealtimeLLM", isConnecting ? "connect" : "generate");
  check("stt", stt, "an STT, e.g. sttFromTranscriber({ ... })", "open");
  check("tts", tts, "a TTS, e.g. ttsFromSentences({ ... })", "open");
  check("vad", vad, "a VAD, e.g. neuralVad()", "open");
  const turnDetection = options.turnHandling?.turnDetection;
  if (typeof turnDetection !== "string") {
    check(
      "turnHandling.turnDetection",
      turnDetection,
      "a TurnDetector, e.g. fixedEndpointing()",
      "endpointingDelayMs",
    );
  }
  if (tools !== undefined && !Array.isArray(tools)) {
    throw new TypeError(`tools: expected an array, got ${shown(tools)}`);
  }
  for (const [index, tool] of (tools ?? []).entries()) {
    const name = `tools[${index}]`;
    check(name, tool, "a tool, e.g. defineTool({ ... })", "execute");
    checkObject(tool.parameters, `${name}.parameters`, "a JSON schema");
    if (!(tool.timeoutMs > 0)) {
      throw new RangeError(
        `${name}.timeoutMs: expected a number > 0, got ${shown(tool.timeoutMs)}`,
      );
    }
    checkToolOptions(name, tool);
  }
  for (const hook of ["onToolStarted", "onToolEnded"] as const) {
    const value = options[hook];
    if (value === undefined || typeof value === "function") continue;
    throw new TypeError(`${hook}: expected a function, got ${shown(value)}`);
  }
  for (const name of ["backgroundSound", "thinkingSound"] as const) {
    const sound = options[name];
    if (sound === undefined) continue;
    assertPcmChunk(sound, name);
    if (sound.frames === 0) throw new RangeError(`${name}: expected a sound, got one of 0 ms`);
  }
  const { textTransform, pronunciations } = options;
  if (textTransform !== undefined && typeof textTransform !== "function") {
    throw new TypeError(`textTransform: expected a function, got ${shown(textTransform)}`);
  }
  if (pronunciations !== undefined) {
    checkObject(pronunciations, "pronunciations", 'an object like { Nguyen: "Win" }');
    for (const [word, spoken] of Object.entries(pronunciations)) {
      if (word !== "" && typeof spoken === "string") continue;
      const name = `pronunciations[${JSON.stringify(word)}]`;
      throw new TypeError(`${name}: expected a text for a word, got ${shown(spoken)}`);
    }
  }
  checkFailureOptions(options.onFailure);
  if (options.awayAfterMs !== undefined) checkDuration("awayAfterMs", options.awayAfterMs);
  if (vision !== undefined) {
    checkOptions(vision, "vision", { fps: true, maxSide: true, encoder: true });
  }
  if (outageMessage !== undefined) checkPreparedSpeech("outageMessage", outageMessage);
  if (vision?.encoder !== undefined) {
    checkMethods(vision.encoder, "vision.encoder", "an ImageEncoder", ["encode"]);
  }
  if (broadcastMetrics !== undefined && typeof broadcastMetrics !== "boolean") {
    const expected = "true, false or { everyMs }";
    checkOptions(broadcastMetrics, "broadcastMetrics", { everyMs: true }, expected);
  }
  checkTurnHandling(options.turnHandling);
  checkComponents(options);
}

/** The options that a realtime model has no use for. */
const CASCADED_ONLY = ["stt", "vad", "turnHandling", "onFailure"] as const;
/** Those that it has no use for where it speaks itself. */
const VOICE_ONLY = ["tts", "textTransform", "pronunciations"] as const;

/** Throws a TypeError unless these components go together. */
function checkComponents(options: ConversationOptions): void {
  const { llm, tts, turnHandling } = options;
  if (!llm) return;
  if (!isRealtime(llm)) {
    if (!tts) throw new TypeError("an agent with an llm needs a voice: pass tts too");
    return;
  }
  const speaksItself = !tts || !llm.textOutput;
  const unexpected = [...CASCADED_ONLY, ...speaksItself ? VOICE_ONLY : []]
    .filter((name) => options[name] !== undefined)
    .filter((name) => name !== "turnHandling" || !onlyNamesRealtime(turnHandling!));
  if (unexpected.length === 0) return;
  const list = unexpected.join(" and no ");
  throw new TypeError(
    speaksItself
      ? `a realtime llm hears, takes turns and speaks itself: expected no ${list}`
      : `a realtime llm hears and takes turns itself: expected no ${list}`,
  );
}

/** Whether these options say no more than that the realtime model takes the turns. */
function onlyNamesRealtime(turnHandling: TurnHandlingOptions): boolean {
  const { turnDetection, ...others } = turnHandling;
  return turnDetection === "realtime" &&
    Object.values(others).every((value) => value === undefined);
}

export function isRealtime(llm: LLM | RealtimeLLM): llm is RealtimeLLM {
  return "connect" in llm;
}
