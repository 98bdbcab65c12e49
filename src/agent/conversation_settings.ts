/** What an agent converses with at a time, and what follows from it. @module */
import type { Component } from "../inference/contracts/component.ts";
import type { LLM } from "../inference/contracts/llm.ts";
import type { RealtimeLLM } from "../inference/contracts/realtime_llm.ts";
import type { Tool } from "../inference/contracts/tool.ts";
import type { CascadedComponents } from "../inference/pipelines/cascaded_components.ts";
import type { RealtimeComponents } from "../inference/pipelines/realtime/components_in_use.ts";
import { type FailureOptions, failureOptions } from "../inference/pipelines/failure_options.ts";
import { noLLM, noSTT, noTTS } from "../inference/pipelines/missing_components.ts";
import { type TurnOwner, turnOwnerOf } from "../inference/turns/turn_owner.ts";
import { neuralVad } from "../inference/vad/neural_vad.ts";
import {
  checkConversationOptions,
  type ConversationOptions,
  isRealtime,
} from "./conversation_options.ts";

/** The components of a conversation at a time: an update, or a handoff, puts others in their place. */
export interface ConversationSettings {
  readonly options: ConversationOptions;
  readonly llm: LLM | RealtimeLLM;
  readonly instructions: string;
  /** The name of the agent that has taken over; `undefined` before one has. */
  readonly agentName: string | undefined;
  /** What decides where turns end; `undefined` with a realtime model. */
  readonly turnOwner: TurnOwner | undefined;
  readonly failure: FailureOptions;
}

/**
 * Returns the settings of these options, with as many components of those before as have not changed.
 *
 * @throws {TypeError | RangeError} an option cannot be used.
 */
export function settingsOf(
  options: ConversationOptions,
  { instructions, agentName, before }: {
    instructions: string;
    agentName?: string;
    before?: ConversationSettings;
  },
): ConversationSettings {
  checkConversationOptions(options);
  const { llm = noLLM, stt, turnHandling, onFailure } = options;
  const isSame = (name: keyof ConversationOptions) => before?.options[name] === options[name];
  const { turnDetection, endpointing } = turnHandling ?? {};
  const turnOwner = isRealtime(llm)
    ? undefined
    : before?.turnOwner && isSame("stt") && isSame("turnHandling")
    ? before.turnOwner
    : turnOwnerOf(turnDetection, { stt: stt ?? noSTT, endpointing });
  return {
    options: isRealtime(llm) ? options : { ...options, vad: options.vad ?? neuralVad() },
    llm,
    instructions,
    agentName,
    turnOwner,
    failure: before && isSame("onFailure") ? before.failure : failureOptions(onFailure),
  };
}

/** Returns the components that these settings use. */
export function componentsOf({ options, llm, turnOwner }: ConversationSettings): Component[] {
  const { stt, tts } = options;
  // Nothing is detected in what no recogniser hears.
  const vad = stt && options.vad;
  const detector = typeof turnOwner === "string" ? undefined : turnOwner;
  const model = llm === noLLM ? undefined : llm;
  return [model, stt, tts, vad, detector].filter((one) => one !== undefined);
}

const NO_TOOLS: readonly Tool[] = [];

/** Returns what a realtime pipeline works with. */
export function realtimeComponents(
  { llm, instructions, options }: ConversationSettings,
): RealtimeComponents {
  const { tts, textTransform, pronunciations, tools = NO_TOOLS } = options;
  return { llm: llm as RealtimeLLM, tts, textTransform, pronunciations, instructions, tools };
}

/** Returns what a cascaded pipeline works with. */
export function cascadedComponents(
  { options, llm, turnOwner, failure: onFailure }: ConversationSettings,
): CascadedComponents {
  const { stt = noSTT, tts = noTTS, vad, textTransform, pronunciations, turnHandling } = options;
  return {
    llm: llm as LLM,
    stt,
    tts,
    vad: vad!,
    turnOwner: turnOwner!,
    textTransform,
    pronunciations,
    onFailure,
    turnHandling,
  };
}
