/** Signals with known properties, and what is left of them. */

import type { KernelResampler } from "../../src/audio/kernel.ts";

/** A repeatable stream of numbers in [0, 1). */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Samples over the whole i16 range. */
export function noise(length: number, seed: number): Int16Array {
  const random = randomSource(seed);
  return Int16Array.from({ length }, () => Math.floor(random() * 65536) - 32768);
}

/** A sine wave of `frequency` Hz. */
export function tone(
  length: number,
  options: { frequency: number; sampleRate: number; amplitude?: number; phase?: number },
): Int16Array {
  const { frequency, sampleRate, amplitude = 16000, phase = 0.3 } = options;
  return Int16Array.from(
    { length },
    (_, n) => Math.round(amplitude * Math.sin(2 * Math.PI * frequency * n / sampleRate + phase)),
  );
}

/** Everything that `input` becomes, tail included, in chunks whose lengths `next` gives. */
export function resampleAll(
  resampler: KernelResampler,
  input: Int16Array,
  channels: 1 | 2,
  next: () => number = () => 960,
): Int16Array {
  const frames = input.length / channels;
  const output = new Int16Array(
    (resampler.maxOutputFrames(frames) + resampler.tailFrames + 64) * channels + 65536,
  );
  let written = 0;
  for (let start = 0; start < frames;) {
    const count = Math.min(frames - start, next());
    const chunk = input.subarray(start * channels, (start + count) * channels);
    written += resampler.process(chunk, output, written * channels);
    start += count;
  }
  written += resampler.flush(output, written * channels);
  return output.slice(0, written * channels);
}

/** The largest difference of any two samples; the lengths must be equal. */
export function largestDifference(a: Int16Array, b: Int16Array): number {
  if (a.length !== b.length) throw new Error(`lengths differ: ${a.length} and ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
