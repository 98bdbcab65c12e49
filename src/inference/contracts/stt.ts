import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Component } from "./component.ts";

/** What was understood so far of one stretch of speech. */
export interface Transcript {
  /** All of the text of this stretch; it replaces what came before. */
  readonly text: string;
  /** Whether it stays as it is. A stretch ends with one final transcript. */
  readonly final: boolean;
  /** BCP 47, where it was recognised. */
  readonly language?: string;
}

/** How speech is to be transcribed. */
export interface TranscribeOptions {
  /** Aborted when nobody wants the text any more. */
  readonly signal: AbortSignal;
  /** Who speaks, for recognisers that keep something for each speaker. */
  readonly speakerId?: string;
}

/**
 * Speech to text.
 *
 * It is called once for each stretch of speech, of one speaker: from a moment before the first
 * sound until the pause that ends it. Recognisers that work on whole stretches read the audio to
 * its end and give one final transcript; those that stream give partial ones on the way.
 *
 * @example
 * ```ts
 * import type { STT } from "@ringline/edge";
 *
 * const counter: STT = {
 *   name: "counter",
 *   async *transcribe(audio) {
 *     let ms = 0;
 *     for await (const pcm of audio) ms += pcm.durationMs;
 *     yield { text: `${ms} milliseconds`, final: true };
 *   },
 * };
 * ```
 */
export interface STT extends Component {
  /**
   * Transcribes one stretch.
   *
   * A promise of the transcripts is waited for, as long as for the transcripts themselves.
   *
   * @param audio mono, at the rate that the agent hears; the chunks may be kept
   */
  transcribe(audio: AsyncIterable<PcmChunk>, options: TranscribeOptions): AsyncIterable<Transcript>;
}
