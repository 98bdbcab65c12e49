/** What a pipeline and its stages know of the agent and the call. @module */
import type { OutboundAudioTrack } from "../edge/audio_track.ts";
import type { Conversation } from "../edge/conversation.ts";
import type { Participant, User } from "../edge/types.ts";
import type { Clock } from "../events/clock.ts";
import type { Logger } from "../events/logger.ts";
import type { EncodedImage } from "./contracts/messages.ts";
import type { BackgroundSounds } from "./speech/background_track.ts";
import type { ToolLedger } from "./reply/tool_ledger.ts";
import type { Report } from "../events/user_code.ts";

/** What the models of a conversation were given, as services charge for it. */
export interface ModelUsage {
  /** Audio sent to the recogniser, of all speakers together, in milliseconds. */
  sttAudioMs: number;
  /** Characters sent to the voice. */
  ttsCharacters: number;
}

/** The agent and the call that a pipeline, and each of its stages, works for. */
export interface PipelineContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly agentUser: User;
  /** The name of the agent that has taken over, for the transcript; `undefined` before one has. */
  readonly agentName?: string;
  /** The instructions; an update changes them. */
  readonly instructions: string;
  /** The conversation that shows what is said. */
  readonly conversation: Conversation;
  /** The track that the agent speaks through; nothing but the pipeline writes to it. */
  readonly track: OutboundAudioTrack;
  /** Samples per second of the participants' audio. */
  readonly sampleRate: number;
  readonly toolLedger: ToolLedger;
  /** Counts what the models are given. */
  readonly usage: ModelUsage;
  /** Returns how many people are in the call. Default: as many as have spoken. */
  readonly countPeople?: () => number;
  /** Returns whether a participant is in the call. Default: they are. */
  readonly isHere?: (participant: Participant) => boolean;
  /**
   * Waits until there is a person to hear what the agent says; returns `undefined` where there is one
   * already. Default: what it says is played in any case.
   */
  readonly untilHeard?: (signal: AbortSignal) => Promise<unknown> | undefined;
  /** Sounds under the agent's voice. */
  readonly background?: BackgroundSounds;
  /** Returns the latest image of the routed video track, `undefined` where there is none. */
  readonly latestImage?: () => Promise<EncodedImage | undefined>;
  /** Takes how many things are being said, or are about to be. */
  readonly speechesChanged?: (count: number) => void;
  /** Emits one of the conversation's events. */
  readonly emit: (event: object) => void;
  /** Reports an error that the pipeline survives. */
  readonly report: Report;
}
