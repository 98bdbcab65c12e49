/**
 * A contender of the audio benchmark, and how it runs.
 *
 * @module
 */
import type { Rates } from "./quality.ts";

/** One stream of a contender's. */
export interface Stream {
  /** Converts a chunk into `output`; returns the frames written. */
  process(input: Int16Array, output: Int16Array): number;
  close(): void;
}

/** A conversion that is ready to be timed. */
export interface Runner {
  /** Nanoseconds of one 20 ms chunk, over `calls` chunks that go round the streams. */
  time(calls: number): number | Promise<number>;
  /** A whole signal through a fresh stream, in chunks of 20 ms, without the tail. */
  convert(input: Int16Array): Int16Array | Promise<Int16Array>;
  close(): void;
}

/** A resampler that is measured. */
export interface Contender {
  readonly name: string;
  /** Whether it is measured with other rates and many streams too. */
  readonly main?: boolean;
  /** Gets ready; rejects, saying why, where it cannot run here. */
  open(rates: Rates, streams: number): Runner | Promise<Runner>;
}

/** A runner over streams that live in this process. */
export function streamRunner(rates: Rates, streams: number, open: () => Stream): Runner {
  const input = testSignal(rates.inputRate / 50);
  const output = new Int16Array(rates.outputRate);
  const all = Array.from({ length: streams }, open);
  let next = 0;
  return {
    time(calls) {
      const start = performance.now();
      for (let call = 0; call < calls; call++) {
        all[next]!.process(input, output);
        next = next + 1 === streams ? 0 : next + 1;
      }
      return (performance.now() - start) * 1e6 / calls;
    },
    convert(signal) {
      const stream = open();
      const step = rates.inputRate / 50;
      const result = new Int16Array(Math.ceil(signal.length * rates.outputRate / rates.inputRate));
      let written = 0;
      for (let start = 0; start + step <= signal.length; start += step) {
        const frames = stream.process(signal.subarray(start, start + step), output);
        result.set(output.subarray(0, Math.min(frames, result.length - written)), written);
        written = Math.min(result.length, written + frames);
      }
      stream.close();
      return result.subarray(0, written);
    },
    close() {
      for (const stream of all) stream.close();
    },
  };
}

/** How long input waits in a stream at worst, in milliseconds, apart from the filter's delay. */
export async function worstHoldMs(runner: Runner, rates: Rates): Promise<number> {
  // Where a whole second went in, what is missing at the end is being held back.
  const output = await runner.convert(testSignal(rates.inputRate));
  return Math.max(0, (rates.outputRate - output.length) * 1000 / rates.outputRate);
}

/** Samples that no contender has a short cut for. */
export function testSignal(length: number): Int16Array {
  return Int16Array.from({ length }, (_, n) => ((n * 40_503) >> 3) % 20_000);
}
