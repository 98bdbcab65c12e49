/** What a cascaded pipeline works with, and what each of its stages takes of it. @module */
import type { LLM } from "../contracts/llm.ts";
import type { STT } from "../contracts/stt.ts";
import type { TTS } from "../contracts/tts.ts";
import type { VAD } from "../contracts/vad.ts";
import type { ReplyModel } from "../reply/reply_generator.ts";
import type { SynthesizerOptions } from "../speech/synthesizer.ts";
import type { ListeningComponents } from "../turns/speaker_listeners.ts";
import type { TurnOwner } from "../turns/turn_owner.ts";
import type { FailureOptions } from "./failure_options.ts";
import type { TurnHandlingOptions } from "./turn_handling_options.ts";

/** What a `CascadedPipeline` works with. */
export interface CascadedComponents {
  llm: LLM;
  stt: STT;
  tts: TTS;
  vad: VAD;
  /** What decides where turns end. */
  turnOwner: TurnOwner;
  textTransform?: SynthesizerOptions["textTransform"];
  pronunciations?: SynthesizerOptions["pronunciations"];
  onFailure?: FailureOptions;
  turnHandling?: TurnHandlingOptions;
}

/** What the model is told of the conversation. */
export function chatOptions({ llm, turnHandling = {} }: CascadedComponents) {
  const { historyLimit: limit, onHistoryFull } = turnHandling;
  return { llm, limit, onHistoryFull };
}

/** What generates the replies. */
export function modelOf({ llm, turnHandling = {} }: CascadedComponents): ReplyModel {
  return { llm, timeoutMs: turnHandling.llmTimeoutMs };
}

/** What speaks. */
export function voiceOf(
  { tts, textTransform, pronunciations, turnHandling = {} }: CascadedComponents,
): SynthesizerOptions {
  return { tts, textTransform, pronunciations, timeoutMs: turnHandling.ttsTimeoutMs };
}

const NO_OPTIONS = {};

/** What hears people. */
export function listeningComponents(
  { vad, stt, turnOwner, turnHandling = {} }: CascadedComponents,
): ListeningComponents {
  const { endpointing = NO_OPTIONS, userTurnLimit = NO_OPTIONS, vad: vadOptions = NO_OPTIONS } =
    turnHandling;
  const nearSpeakerOnly = turnHandling.interruption?.nearSpeakerOnly ?? false;
  const turnLimit = userTurnLimit;
  return { vad, stt, turnOwner, endpointing, turnLimit, vadOptions, nearSpeakerOnly };
}

/** Whether one of the values of these objects differs. */
export function differ<T extends object>(a: T, b: T): boolean {
  return Object.keys(a).some((key) => a[key as keyof T] !== b[key as keyof T]);
}
