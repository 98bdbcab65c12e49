/** Measurements on recorded sound, in plain arithmetic. Levels are in dB relative to full scale. */

/** A recording: mono samples between -1 and 1. */
export interface Recording {
  readonly sampleRate: number;
  readonly samples: Float32Array;
}

/** Root mean square of the samples, in dBFS; -Infinity for silence. */
export function levelDb(samples: Float32Array): number {
  let sum = 0;
  for (const value of samples) sum += value * value;
  return 10 * Math.log10(sum / Math.max(1, samples.length));
}

/** Level in dBFS of one frequency (Goertzel, Hann window). A full-scale sine has -3 dB. */
export function toneDb({ samples, sampleRate }: Recording, hz: number): number {
  const turn = (2 * Math.PI * hz) / sampleRate;
  let re = 0, im = 0, weight = 0;
  for (let i = 0; i < samples.length; i++) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / samples.length);
    re += window * samples[i]! * Math.cos(turn * i);
    im += window * samples[i]! * Math.sin(turn * i);
    weight += window;
  }
  const amplitude = 2 * Math.hypot(re, im) / weight;
  return 10 * Math.log10(amplitude * amplitude / 2);
}

/** The part of a recording between two times. */
export function cut({ samples, sampleRate }: Recording, fromMs: number, toMs: number): Recording {
  const at = (ms: number) => Math.round((ms * sampleRate) / 1000);
  return { sampleRate, samples: samples.subarray(at(fromMs), at(toMs)) };
}

/** Level in dBFS of each stretch of `windowMs`. */
function envelope({ samples, sampleRate }: Recording, windowMs = 20): Float64Array {
  const size = Math.round((sampleRate * windowMs) / 1000);
  const out = new Float64Array(Math.floor(samples.length / size));
  for (let i = 0; i < out.length; i++) {
    out[i] = Math.max(-120, levelDb(samples.subarray(i * size, (i + 1) * size)));
  }
  return out;
}

/** Every n-th sample after a plain average: enough to find where two recordings lie on each other. */
function decimate({ samples, sampleRate }: Recording, rate: number): Float32Array {
  const step = sampleRate / rate;
  const out = new Float32Array(Math.floor(samples.length / step));
  for (let i = 0; i < out.length; i++) {
    const from = Math.floor(i * step), to = Math.floor((i + 1) * step);
    let sum = 0;
    for (let k = from; k < to; k++) sum += samples[k]!;
    out[i] = sum / (to - from);
  }
  return out;
}

/** The normalised correlation of `a` with `b` from `lag` on, and the energy of `b` there. */
function correlate(a: Float32Array, b: Float32Array, lag: number): [number, number] {
  let dot = 0, energyA = 0, energyB = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!, y = b[lag + i] ?? 0;
    dot += x * y;
    energyA += x * x;
    energyB += y * y;
  }
  const norm = Math.sqrt(energyA * energyB);
  return [norm === 0 ? 0 : dot / norm, energyB];
}

/**
 * Finds `wanted` inside `heard`, piece by piece of 100 ms: a jitter buffer on a busy machine moves
 * pieces by some milliseconds, which is no fault of the waveform. Quiet pieces do not count.
 *
 * Returns the median correlation of the pieces (1 is the same waveform, whatever the level), and the
 * level of what was heard relative to what was wanted.
 */
export function findIn(
  wanted: Recording,
  heard: Recording,
): { correlation: number; gainDb: number } {
  const rate = 8000, size = rate / 10, reach = rate / 4;
  const a = decimate(wanted, rate), b = decimate(heard, rate);
  const best = (part: Float32Array, from: number, to: number) => {
    let found = { lag: from, correlation: -1, energy: 0 };
    for (let lag = Math.max(0, from); lag <= Math.min(to, b.length - part.length); lag++) {
      const [correlation, energy] = correlate(part, b, lag);
      if (correlation > found.correlation) found = { lag, correlation, energy };
    }
    return found;
  };
  const whole = best(a, 0, b.length);
  const loudest = Math.max(...envelope({ samples: a, sampleRate: rate }, 100));
  const correlations: number[] = [];
  let energyA = 0, energyB = 0;
  for (let from = 0; from + size <= a.length; from += size) {
    const part = a.subarray(from, from + size);
    if (levelDb(part) < loudest - 20) continue;
    const found = best(part, whole.lag + from - reach, whole.lag + from + reach);
    correlations.push(found.correlation);
    for (const value of part) energyA += value * value;
    energyB += found.energy;
  }
  correlations.sort((x, y) => x - y);
  return {
    correlation: correlations[correlations.length >> 1] ?? 0,
    gainDb: 10 * Math.log10(energyB / energyA),
  };
}

/** 16-bit PCM as floats, channels averaged. */
export function toFloats(samples: Int16Array, channels = 1): Float32Array {
  const out = new Float32Array(samples.length / channels);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += samples[i * channels + c]!;
    out[i] = sum / channels / 32768;
  }
  return out;
}
