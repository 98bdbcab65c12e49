import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Component } from "./component.ts";

/** A piece of synthesised speech. */
export interface SpeechPart {
  /** PCM at any rate; valid until the next part is requested. */
  readonly pcm: PcmChunk;
  /**
   * How many characters of the text have been said when this part ends, where the voice knows.
   * Otherwise the words are assumed to be spread evenly.
   */
  readonly alignedChars?: number;
}

/**
 * Text to speech.
 *
 * @example A voice that beeps once for each word
 * ```ts
 * import type { TTS } from "@ringline/edge";
 * import { PcmChunk } from "@ringline/edge/audio";
 *
 * const beep: TTS = {
 *   name: "beep",
 *   async *synthesize(text) {
 *     const tone = Int16Array.from({ length: 2400 }, (_, n) => 8000 * Math.sin(n / 6));
 *     for (const _word of text.split(" ")) {
 *       yield { pcm: new PcmChunk(tone, { sampleRate: 24_000 }) };
 *     }
 *   },
 * };
 * ```
 */
export interface TTS extends Component {
  /**
   * Synthesises `text`, a sentence or two, and yields the audio as it comes. A promise of it is
   * awaited within the time for the first audio.
   */
  synthesize(text: string, options: { readonly signal: AbortSignal }): AsyncIterable<SpeechPart>;
}
