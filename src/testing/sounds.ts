/**
 * Sounds for participants in tests.
 *
 * @module
 */
import { PcmChunk } from "../audio/pcm_chunk.ts";
import { Random } from "./random.ts";
import { checkOptions, shown } from "../events/checks.ts";

/** Options for a sound. */
export interface SoundOptions {
  /** Samples per second. Default 16,000. */
  sampleRate?: number;
  /** The number of channels. Default 1. */
  channels?: number;
  /** The peak, of 32,767. Default 9,000. */
  amplitude?: number;
}

const OPTIONS = { sampleRate: true, channels: true, amplitude: true } as const;
const EXPECTED = "an object like { amplitude: 9000 }, or nothing";

/** Returns a sine tone. Default: 440 Hz. */
export function tone(
  durationMs: number,
  options: SoundOptions & { frequencyHz?: number } = {},
): PcmChunk {
  checkOptions(options, "options", { ...OPTIONS, frequencyHz: true }, EXPECTED);
  const { frequencyHz = 440, amplitude = 9000 } = options;
  return make(durationMs, options, (seconds) => {
    return amplitude * Math.sin(2 * Math.PI * frequencyHz * seconds);
  });
}

/** Returns silence. */
export function silence(durationMs: number, options: SoundOptions = {}): PcmChunk {
  checkOptions(options, "options", OPTIONS, EXPECTED);
  return make(durationMs, options, () => 0);
}

/**
 * Returns noise with the rhythm of speech: syllables of about 200 ms, voiced and unvoiced, never silent
 * for longer than a pause between words. The same seed gives the same samples.
 */
export function speechLike(
  durationMs: number,
  options: SoundOptions & { seed?: number } = {},
): PcmChunk {
  checkOptions(options, "options", { ...OPTIONS, seed: true }, EXPECTED);
  const { amplitude = 9000, seed = 1 } = options;
  const random = new Random(seed);
  let until = 0;
  let start = 0;
  let pitchHz = 120;
  let isVoiced = true;
  let low = 0;
  return make(durationMs, options, (seconds) => {
    if (seconds >= until) {
      start = seconds;
      until = seconds + random.between(0.12, 0.28);
      pitchHz = random.between(90, 180);
      isVoiced = random.chance(0.8);
    }
    const phase = (seconds - start) / (until - start);
    const envelope = 0.1 + 0.9 * Math.sin(Math.PI * phase);
    const noise = random.between(-1, 1);
    // A one-pole low-pass: the filtered noise sounds like breath.
    low += 0.3 * (noise - low);
    let buzz = 0;
    for (let harmonic = 1; harmonic <= 5; harmonic++) {
      buzz += Math.sin(2 * Math.PI * pitchHz * harmonic * seconds) / harmonic;
    }
    return amplitude * envelope * (isVoiced ? 0.45 * buzz + 0.1 * low : low);
  });
}

function make(
  durationMs: number,
  options: SoundOptions,
  value: (seconds: number) => number,
): PcmChunk {
  if (typeof durationMs !== "number" || !(durationMs >= 0 && durationMs < Infinity)) {
    throw new RangeError(`durationMs: expected a number >= 0, got ${shown(durationMs)}`);
  }
  const { sampleRate = 16_000, channels = 1 } = options;
  const frames = Math.round(durationMs * sampleRate / 1000);
  const samples = new Int16Array(frames * channels);
  for (let frame = 0; frame < frames; frame++) {
    const sample = Math.max(-32768, Math.min(32767, Math.round(value(frame / sampleRate))));
    samples.fill(sample, frame * channels, (frame + 1) * channels);
  }
  return new PcmChunk(samples, { sampleRate, channels });
}
