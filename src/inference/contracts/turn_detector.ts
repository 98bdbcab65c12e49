import type { Participant } from "../../edge/types.ts";
import type { Component } from "./component.ts";
import type { ChatMessage } from "./messages.ts";
import { checkObject } from "../../events/checks.ts";

/** Somebody's turn, when he has paused. */
export interface TurnContext {
  /** Whose turn it is. */
  readonly participant: Participant;
  /** All that he said in it so far. */
  readonly text: string;
  /** The conversation before this turn. */
  readonly messages: readonly ChatMessage[];
}

/**
 * Decides how long a pause ends somebody's turn: short after a whole sentence, long after "I think".
 */
export interface TurnDetector extends Component {
  /**
   * Asked once for each pause, as soon as the text is known. One that throws, takes longer than
   * five seconds or gives no such number is reported, and taken for 600.
   *
   * @returns how long the speaker must have been silent for the turn to be over, in milliseconds
   *   since his last sound: 0 to 30,000
   */
  endpointingDelayMs(
    turn: TurnContext,
    options: { readonly signal: AbortSignal },
  ): number | Promise<number>;
}

/** Options of {@linkcode punctuationEndpointing}. */
export interface PunctuationEndpointingOptions {
  /** Silence that ends a turn whose text ends like a sentence. Default 400. */
  completeMs?: number;
  /** Silence that ends any other turn. Default 1000. */
  openMs?: number;
}

/** A {@linkcode TurnDetector} that always waits as long. */
export function fixedEndpointing(silenceMs = 600): TurnDetector {
  if (!(silenceMs >= 0)) throw new RangeError(`silenceMs must be >= 0, got ${silenceMs}`);
  return { name: "fixed-silence", endpointingDelayMs: () => silenceMs };
}

/** A {@linkcode TurnDetector} that goes by how the text ends; for recognisers that punctuate. */
export function punctuationEndpointing(options: PunctuationEndpointingOptions = {}): TurnDetector {
  checkObject(options, "options", "an object like { openMs: 1000 }, or nothing");
  const { completeMs = 400, openMs = 1000 } = options;
  return {
    name: "punctuation-turns",
    endpointingDelayMs: ({ text }) =>
      /[.!?。！？…]["'”’)\]]*$/u.test(text.trim()) && !/(\.\.\.|…)$/u.test(text.trim())
        ? completeMs
        : openMs,
  };
}
