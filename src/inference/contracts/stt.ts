import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Component } from "./component.ts";

/** The transcript so far of one speech segment. */
export interface Transcript {
  /** All of the text of this segment; it replaces what came before. */
  readonly text: string;
  /** Whether it is final. A segment ends with one final transcript. */
  readonly final: boolean;
  /** The recognised language as a BCP 47 tag, where known. */
  readonly language?: string;
}

/** Options for `transcribe`. */
export interface TranscribeOptions {
  /** Aborted when the text is no longer wanted. */
  readonly signal: AbortSignal;
  /** The speaker, for recognisers that keep state per speaker. */
  readonly speakerId?: string;
}

/**
 * Speech to text.
 *
 * It is called once for each speech segment of one speaker: from a moment before the first sound
 * until the pause that ends it. Recognisers that work on whole segments read the audio to its end
 * and yield one final transcript; those that stream yield partial ones on the way.
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
   * Transcribes one segment.
   *
   * A promise of the transcripts is awaited, for as long as the transcripts themselves.
   *
   * @param audio mono, at the rate that the agent hears; the chunks may be kept
   */
  transcribe(audio: AsyncIterable<PcmChunk>, options: TranscribeOptions): AsyncIterable<Transcript>;
}
