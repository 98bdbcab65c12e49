/** Joins sounds to one. @module */
import { assertPcmChunk, PcmChunk } from "./pcm_chunk.ts";

/**
 * Returns sounds one after another.
 *
 * @example
 * ```ts
 * import { concatenate, PcmChunk } from "@ringline/edge/audio";
 *
 * const chunk = new PcmChunk(new Int16Array(320), { sampleRate: 16_000 });
 * console.log(concatenate(chunk, chunk).durationMs); // 40
 * ```
 *
 * @throws {RangeError} there is none, or they have different formats.
 * @throws {TypeError} one is no PcmChunk.
 */
export function concatenate(...sounds: PcmChunk[]): PcmChunk {
  for (const [index, sound] of sounds.entries()) assertPcmChunk(sound, `sounds[${index}]`);
  const [first] = sounds;
  if (!first) throw new RangeError("expected at least one sound, got none");
  for (const { sampleRate, channels } of sounds) {
    if (sampleRate === first.sampleRate && channels === first.channels) continue;
    throw new RangeError(
      `expected ${first.sampleRate} Hz and ${first.channels} channels, got ${sampleRate} Hz and ` +
        `${channels} channels`,
    );
  }
  const samples = new Int16Array(sounds.reduce((sum, one) => sum + one.samples.length, 0));
  let at = 0;
  for (const sound of sounds) {
    samples.set(sound.samples, at);
    at += sound.samples.length;
  }
  return new PcmChunk(samples, first);
}
