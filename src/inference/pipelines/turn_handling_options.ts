/** The option `turnHandling` of an agent. @module */
import type { Participant } from "../../edge/types.ts";
import type { HistoryHook } from "../history/chat_context.ts";
import type { UserTurnHook } from "../reply/turn_completion.ts";
import type { InterruptionOptions } from "../turns/interruption_handler.ts";
import type { EndpointingOptions, TurnDetection } from "../turns/turn_owner.ts";
import type { UserTurnLimitOptions } from "../turns/user_turn_limit.ts";
import type { VadOptions } from "../turns/vad_options.ts";

/** Options for when an agent listens, is interrupted, and replies. */
export interface TurnHandlingOptions {
  /**
   * What decides where a turn ends. Default: a realtime model, or a recogniser that detects turns,
   * does; otherwise silence, `"vad"`.
   */
  turnDetection?: TurnDetection;
  /** How long a pause must be that ends a turn. */
  endpointing?: EndpointingOptions;
  /** How much a participant may say in one turn. Default: there is no limit, as dictation needs. */
  userTurnLimit?: UserTurnLimitOptions;
  /** When speech starts and stops. */
  vad?: VadOptions;
  /**
   * Whether all participants are transcribed as one stream, which needs one recogniser however many
   * they are; the loudest participant of a turn counts as its speaker. Default `false`: each
   * participant has a transcript and turns of their own.
   */
  mixSpeakers?: boolean;
  /** When speech over the agent interrupts it. */
  interruption?: InterruptionOptions;
  /**
   * Whether the model is asked as soon as a participant pauses, or the recogniser says that their turn
   * is probably over, before it is certain; the reply is discarded when they resume. Faster, and some
   * replies are paid for and never used. Default `false`.
   */
  preemptiveGeneration?: boolean;
  /**
   * Decides whether the agent replies to a turn: returns `true` or `false`, and no promise. A turn
   * that gets no reply is remembered all the same, as is one for which this throws or returns
   * anything else, which is reported. Default: the agent replies to all.
   */
  shouldReply?: (turn: { readonly participant: Participant; readonly text: string }) => boolean;
  /**
   * Called when a turn is over, before the model is asked: look things up, change or drop the turn, or
   * add to what the model is told. It is awaited for at most five seconds; what is said meanwhile comes
   * after it. The preemptive reply is used only where nothing is changed.
   */
  onUserTurnCompleted?: UserTurnHook;
  /**
   * The most messages that the model is sent of the conversation: an integer of at least 1. Where there
   * are more, the first two and the latest are kept. Default 200.
   */
  historyLimit?: number;
  /**
   * Called with the older half of the history when it is full, without the first two messages: returns a
   * summary, which takes their place, or `undefined`. Until it does, within 20 seconds, nothing is
   * given up. Default: no summary.
   */
  onHistoryFull?: HistoryHook;
  /** How long the model may be silent before it is given up; `Infinity` sets no limit. Default 30,000. */
  llmTimeoutMs?: number;
  /**
   * How long the voice may take for its next audio before it is given up; `Infinity` sets no limit.
   * The speech ends with what was heard of it. Default 10,000.
   */
  ttsTimeoutMs?: number;
}
