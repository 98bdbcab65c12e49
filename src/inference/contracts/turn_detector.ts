/** The contract of a turn detector, and detectors by rule. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Participant } from "../../edge/types.ts";
import type { Component } from "./component.ts";
import type { ChatMessage } from "./messages.ts";
import { checkOptions } from "../../events/checks.ts";
import { checkDuration } from "../../events/waiting.ts";

/** A participant's turn at a pause. */
export interface TurnContext {
  /** The participant whose turn it is. */
  readonly participant: Participant;
  /** All that they have said in it so far. */
  readonly text: string;
  /** The language of the text as a BCP 47 tag, where the recogniser says which. */
  readonly language: string | undefined;
  /** The conversation before this turn. */
  readonly messages: readonly ChatMessage[];
  /**
   * The participant's latest audio, up to eight seconds of mono at 16 kHz. It is copied when it is
   * first read: read it before you wait for anything, and it ends with the pause.
   */
  readonly audio: PcmChunk;
}

/**
 * Decides how long a pause must be to end a turn: short after a whole sentence, long after "I think".
 */
export interface TurnDetector extends Component {
  /**
   * Whether it goes by the text. One that goes by the sound alone is asked as soon as the participant
   * pauses, while the recogniser is at work: `text` is what is known by then. Default `true`.
   */
  readonly needsText?: boolean;
  /**
   * Called once for each pause, as soon as the text is known. A detector that throws, takes longer
   * than five seconds or returns anything else is reported, and 800 is used. The signal is aborted
   * where the result is not needed any more: the participant speaks again.
   *
   * @returns how long the speaker must have been silent for the turn to be over, in milliseconds
   *   since their last sound: 0 to 30,000
   */
  endpointingDelayMs(
    turn: TurnContext,
    options: { readonly signal: AbortSignal },
  ): number | Promise<number>;
}

/** Options for {@linkcode punctuationEndpointing}. */
export interface PunctuationEndpointingOptions {
  /** Silence that ends a turn whose text ends like a sentence. Default 400. */
  completeMs?: number;
  /** Silence that ends any other turn. Default 1000. */
  openMs?: number;
}

/** The silence that ends a turn where nothing else is known of it. */
export const DEFAULT_SILENCE_MS = 800;

/**
 * Returns a {@linkcode TurnDetector} that always waits the same time.
 *
 * @example
 * ```ts
 * import { fixedEndpointing, type TurnHandlingOptions } from "@ringline/edge";
 *
 * const turnHandling: TurnHandlingOptions = { turnDetection: fixedEndpointing(1200) };
 * console.log(turnHandling); // new Agent({ ..., turnHandling })
 * ```
 *
 * @param silenceMs the silence that ends a turn, in milliseconds. Default 800.
 * @throws {RangeError} it is no number of milliseconds.
 */
export function fixedEndpointing(silenceMs = DEFAULT_SILENCE_MS): TurnDetector {
  checkDuration("silenceMs", silenceMs);
  return { name: "fixed-endpointing", endpointingDelayMs: () => silenceMs };
}

/**
 * Returns a {@linkcode TurnDetector} that goes by how the text ends; for recognisers that punctuate.
 *
 * Many end with a full stop whatever they are given, the first half of a sentence too: a pause of half
 * a second in the middle gets a reply then.
 *
 * @example
 * ```ts
 * import { punctuationEndpointing, type TurnHandlingOptions } from "@ringline/edge";
 *
 * const turnDetection = punctuationEndpointing({ completeMs: 700, openMs: 1500 });
 * const turnHandling: TurnHandlingOptions = { turnDetection };
 * console.log(turnHandling); // new Agent({ ..., turnHandling })
 * ```
 *
 * @throws {RangeError} an option is no number of milliseconds.
 */
export function punctuationEndpointing(options: PunctuationEndpointingOptions = {}): TurnDetector {
  checkOptions(
    options,
    "options",
    { completeMs: true, openMs: true },
    "an object like { openMs: 1000 }, or nothing",
  );
  const { completeMs = 400, openMs = 1000 } = options;
  checkDuration("completeMs", completeMs);
  checkDuration("openMs", openMs);
  return {
    name: "punctuation-endpointing",
    endpointingDelayMs: ({ text }) =>
      /[.!?。！？…]["'”’)\]]*$/u.test(text.trim()) && !/(\.\.\.|…)$/u.test(text.trim())
        ? completeMs
        : openMs,
  };
}
