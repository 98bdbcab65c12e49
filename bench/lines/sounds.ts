/**
 * The noises of a line, the same for the same seed, and speech in them.
 *
 * @module
 */
import { Random } from "../../src/testing/random.ts";

/** A noise of so many samples, at any level. */
export type Noise = (length: number, sampleRate: number, seed: number) => Float64Array;

/** The noises that need no recording. */
export type NoiseName = "pink" | "brown" | "music" | "keys";

/** Returns a noise whose power falls by 3 dB an octave: rain, a crowd far away. */
const pink: Noise = (length, _sampleRate, seed) => {
  const random = new Random(seed);
  let [a, b, c] = [0, 0, 0];
  return Float64Array.from({ length }, () => {
    const white = random.between(-1, 1);
    a = 0.99765 * a + white * 0.099046;
    b = 0.963 * b + white * 0.2965164;
    c = 0.57 * c + white * 1.0526913;
    return a + b + c + white * 0.1848;
  });
};

/** Returns a noise whose power falls by 6 dB an octave: a car, an air conditioner. */
const brown: Noise = (length, _sampleRate, seed) => {
  const random = new Random(seed);
  let low = 0;
  return Float64Array.from({ length }, () => low = 0.995 * low + random.between(-1, 1));
};

/** Returns chords with overtones, two in a second, and a drum on every other one. */
const music: Noise = (length, sampleRate, seed) => {
  const random = new Random(seed);
  const sound = new Float64Array(length);
  const scale = [0, 2, 4, 5, 7, 9, 11];
  const beat = sampleRate / 2;
  for (let n = 0; n * beat < length; n++) {
    const start = n * beat;
    const end = Math.min(length, start + 0.9 * sampleRate);
    const root = scale[Math.floor(random.between(0, 7))]!;
    for (const interval of [0, 4, 7, 12]) {
      const step = 2 * Math.PI * 220 * 2 ** ((root + interval) / 12) / sampleRate;
      for (let overtone = 1; overtone < 8; overtone++) {
        const amplitude = 1 / overtone ** 1.3;
        const phase = random.between(0, 6);
        for (let at = start; at < end; at++) {
          const seconds = (at - start) / sampleRate;
          const envelope = Math.min(1, seconds / 0.01) * Math.exp(-2.5 * seconds);
          sound[at]! += envelope * amplitude * Math.sin(step * overtone * (at - start) + phase);
        }
      }
    }
    if (n % 2 === 0) continue;
    for (let at = start; at < Math.min(length, start + 0.15 * sampleRate); at++) {
      sound[at]! += random.between(-5, 5) * Math.exp(-(at - start) / (0.025 * sampleRate));
    }
  }
  return sound;
};

/** Returns the clicks of a keyboard, pressed and released, some six in a second. */
const keys: Noise = (length, sampleRate, seed) => {
  const random = new Random(seed);
  const sound = new Float64Array(length);
  const click = (start: number, gain: number, resonance: number) => {
    const last = Math.min(length, start + Math.floor(0.05 * sampleRate));
    let [low, band] = [0, 0];
    for (let at = start; at < last; at++) {
      const burst = random.between(-1, 1) * Math.exp(-(at - start) / (0.006 * sampleRate));
      low += resonance * band;
      band += resonance * (burst - low - 0.8 * band);
      sound[at]! += gain * band;
    }
  };
  for (let at = 0; at < length;) {
    const resonance = 2 * Math.sin(Math.PI * random.between(800, 3000) / sampleRate);
    const gain = random.between(0.5, 1.5);
    click(at, gain, resonance);
    click(at + Math.floor(0.07 * sampleRate), 0.4 * gain, resonance);
    const pause = -0.14 * Math.log(random.between(1e-6, 1)) + 0.05 + (random.chance(0.05) ? 1 : 0);
    at += Math.floor(pause * sampleRate);
  }
  return sound;
};

/** The noises by name. */
export const lineNoises: Readonly<Record<NoiseName, Noise>> = { pink, brown, music, keys };

/** Returns a street: twenty people talking, each with phrases in a row, over a low rumble. */
export function streetOf(phrases: readonly Int16Array[]): Noise {
  return (length, sampleRate, seed) => {
    const random = new Random(seed);
    const sound = new Float64Array(length);
    for (let talker = 0; talker < 20; talker++) {
      const gain = 10 ** (random.between(-6, 0) / 20);
      for (let at = Math.floor(random.between(0, sampleRate)); at < length;) {
        const phrase = phrases[Math.floor(random.between(0, phrases.length))]!;
        const share = gain / activeLevel(phrase);
        const count = Math.min(phrase.length, length - at);
        for (let n = 0; n < count; n++) sound[at + n]! += share * phrase[n]!;
        at += phrase.length + Math.floor(random.between(0, 0.5) * sampleRate);
      }
    }
    const rumble = brown(length, sampleRate, seed + 1);
    const share = 0.7 * level(sound) / level(rumble);
    return sound.map((value, n) => value + share * rumble[n]!);
  };
}

/** Returns speech with a noise so many decibels below the level that it has while there is speech. */
export function mixAt(speech: Int16Array, noise: Float64Array, snrDb: number): Int16Array {
  const gain = activeLevel(speech) / level(noise) / 10 ** (snrDb / 20);
  return speech.map((value, n) => clamp(value + gain * noise[n]!));
}

/** Returns a noise at a level, the root of its mean square. */
export function atLevel(noise: Float64Array, rms: number): Int16Array {
  const gain = rms / level(noise);
  return Int16Array.from(noise, (value) => clamp(gain * value));
}

/** Returns the level of speech without its pauses. */
export function activeLevel(samples: Int16Array): number {
  const blocks = [];
  for (let at = 0; at + 160 <= samples.length; at += 160) {
    blocks.push(level(samples.subarray(at, at + 160)) ** 2);
  }
  const loudest = Math.max(...blocks);
  const active = blocks.filter((power) => power > loudest / 100);
  return Math.sqrt(active.reduce((sum, power) => sum + power, 0) / active.length);
}

function level(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let n = 0; n < samples.length; n++) sum += samples[n]! ** 2;
  return Math.sqrt(sum / samples.length);
}

function clamp(value: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(value)));
}
