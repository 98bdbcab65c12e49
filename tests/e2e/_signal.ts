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

/** Level in dBFS of one frequency (Goertzel, Hann window). A full-scale sine gives -3 dB. */
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
export function envelope({ samples, sampleRate }: Recording, windowMs = 20): Float64Array {
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

/**
 * Finds `wanted` inside `heard`: the normalised correlation at the best lag (1 is the same
 * waveform, whatever the level), the lag, and the level of what was heard there relative to what
 * was wanted.
 */
export function findIn(
  wanted: Recording,
  heard: Recording,
): { correlation: number; atMs: number; gainDb: number } {
  const rate = 8000;
  const a = decimate(wanted, rate), b = decimate(heard, rate);
  let energyA = 0;
  for (const value of a) energyA += value * value;
  let best = { correlation: -1, lag: 0, energyB: 0 };
  const correlate = (lag: number, step: number) => {
    let dot = 0, energyB = 0;
    for (let i = 0; i < a.length; i += step) {
      const y = b[lag + i] ?? 0;
      dot += a[i]! * y;
      energyB += y * y;
    }
    const norm = Math.sqrt((energyA / step) * energyB);
    return { correlation: norm === 0 ? 0 : dot / norm, energyB: energyB * step };
  };
  const last = Math.max(0, b.length - a.length);
  for (let lag = 0; lag <= last; lag++) {
    const { correlation, energyB } = correlate(lag, 4);
    if (correlation > best.correlation) best = { correlation, lag, energyB };
  }
  const near = best.lag;
  best = { correlation: -1, lag: near, energyB: 0 };
  for (let lag = Math.max(0, near - 8); lag <= Math.min(last, near + 8); lag++) {
    const { correlation, energyB } = correlate(lag, 1);
    if (correlation > best.correlation) best = { correlation, lag, energyB };
  }
  return {
    correlation: best.correlation,
    atMs: (best.lag * 1000) / rate,
    gainDb: 10 * Math.log10(best.energyB / energyA),
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
