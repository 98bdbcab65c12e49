import { assert, assertEquals, assertThrows } from "@std/assert";
import type { AudioKernel } from "../../src/audio/kernel.ts";
import { largestDifference, noise, randomSource, resampleAll } from "../audio/signals.ts";
import { oracle, rustKernels } from "./kernels.ts";

const RATES = [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

function vectors(frames: number): Int16Array[] {
  return [
    noise(frames, 1),
    new Int16Array(frames).fill(32767),
    new Int16Array(frames).map((_, n) => Math.floor(n / 37) % 2 === 0 ? 32767 : -32768),
    new Int16Array(frames),
    new Int16Array(frames).map((_, n) => n < frames / 3 ? 0 : -32768),
  ];
}

function forEachPair(run: (inputRate: number, outputRate: number) => void): void {
  for (const inputRate of RATES) for (const outputRate of RATES) run(inputRate, outputRate);
}

Deno.test("every kernel equals the oracle within 1 LSB, at all rates, cut anywhere, mono and stereo", () => {
  const random = randomSource(1);
  const kernels = rustKernels();
  const inputs = { 1: vectors(1_201), 2: vectors(2_402) };
  forEachPair((inputRate, outputRate) => {
    for (const channels of [1, 2] as const) {
      for (const input of inputs[channels]) {
        const options = { inputRate, outputRate, channels };
        using reference = oracle.createResampler(options);
        const expected = resampleAll(reference, input, channels);
        for (const [name, kernel] of kernels) {
          using mine = kernel.createResampler(options);
          const what = `${name} ${inputRate} ${outputRate} ${channels}`;
          assertEquals(mine.latencyMs, reference.latencyMs, what);
          assertEquals(mine.tailFrames, reference.tailFrames, what);
          const difference = largestDifference(
            resampleAll(mine, input, channels, () => Math.floor(random() * 700)),
            expected,
          );
          assert(difference <= 1, `${what}: ${difference}`);
        }
      }
    }
  });
});

Deno.test("where a stream is cut makes no difference to a sample of any kernel", () => {
  const random = randomSource(2);
  for (const [name, kernel] of rustKernels()) {
    forEachPair((inputRate, outputRate) => {
      const options = { inputRate, outputRate, channels: 2 } as const;
      const input = noise(2 * 3_000, inputRate + outputRate);
      using whole = kernel.createResampler(options);
      using cut = kernel.createResampler(options);
      const difference = largestDifference(
        resampleAll(cut, input, 2, () => 1 + Math.floor(random() * 2 ** (random() * 11))),
        resampleAll(whole, input, 2, () => 3_000),
      );
      assertEquals(difference, 0, `${name} ${inputRate} ${outputRate}`);
    });
  }
});

Deno.test("every kernel mixes exactly as the oracle does, with gains and ramps too", () => {
  const random = randomSource(3);
  for (const [name, kernel] of rustKernels()) {
    for (const count of [0, 1, 2, 5, 32]) {
      for (const frames of [0, 1, 15, 160, 333, 960]) {
        const block = noise(count * frames, count + frames);
        if (random() < 0.5) block.forEach((sample, n) => block[n] = sample >> 4);
        const gains = Float32Array.from({ length: count }, () => random() * 3);
        const previous = Float32Array.from({ length: count }, () => random() * 3);
        const ways: [Float32Array?, Float32Array?][] = [[], [gains], [gains, previous]];
        for (const [to, from] of ways) {
          const expected = new Int16Array((count + 1) * frames);
          const out = new Int16Array((count + 1) * frames);
          const what = `${name} ${count} ${frames} ${to && "gains"} ${from && "ramp"}`;
          oracle.mixMinus(block, count, frames, expected, to, from);
          kernel.mixMinus(block, count, frames, out, to, from);
          assertEquals(out, expected, what);
          const total = new Int16Array(frames);
          kernel.mix(block, count, frames, total, to, from);
          assertEquals(total, expected.subarray(count * frames), what);
        }
      }
    }
  }
});

Deno.test("every kernel knows its newest input", () => {
  for (const [name, kernel] of rustKernels()) {
    for (const outputRate of [16_000, 44_100, 48_000]) {
      using resampler = kernel.createResampler({ inputRate: 48_000, outputRate, channels: 2 });
      const input = noise(400, 5);
      resampler.process(input.subarray(0, 100), new Int16Array(400));
      resampler.process(input.subarray(100), new Int16Array(400));
      const history = new Int16Array(21);
      assertEquals(resampler.history(history), 10, name);
      assertEquals(history.subarray(0, 20), input.subarray(380), name);
      resampler.reset();
      resampler.history(history);
      assert(history.subarray(0, 20).every((sample) => sample === 0), name);
    }
  }
});

/** Calls that must be refused by every kernel, in the same words. */
const refused: [string, (kernel: AudioKernel) => void][] = [
  ["an odd number of stereo samples", (kernel) => {
    using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 8_000, channels: 2 });
    resampler.process(new Int16Array(3), new Int16Array(99));
  }],
  ["too short an output", (kernel) => {
    using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
    resampler.process(new Int16Array(960), new Int16Array(319));
  }],
  ["an offset beyond the output", (kernel) => {
    using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
    resampler.process(new Int16Array(3), new Int16Array(10), 10);
  }],
  ["a negative offset", (kernel) => {
    using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
    resampler.process(new Int16Array(3), new Int16Array(10), -1);
  }],
  ["too short an output of the tail", (kernel) => {
    using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
    resampler.flush(new Int16Array(27));
  }],
  ["a rate of 0", (kernel) => kernel.createResampler({ inputRate: 0, outputRate: 48_000 })],
  ["no rate", (kernel) => kernel.createResampler({ inputRate: 48_000, outputRate: NaN })],
  ["a ratio that needs too large a table", (kernel) => {
    kernel.createResampler({ inputRate: 383_999, outputRate: 384_000 });
  }],
  ["three channels", (kernel) => {
    const channels = 3 as unknown as 2;
    kernel.createResampler({ inputRate: 48_000, outputRate: 16_000, channels });
  }],
  ["a short block", (kernel) => kernel.mix(new Int16Array(5), 2, 3, new Int16Array(3))],
  ["a short mix", (kernel) => kernel.mix(new Int16Array(6), 2, 3, new Int16Array(2))],
  ["a short mix-minus", (kernel) => kernel.mixMinus(new Int16Array(6), 2, 3, new Int16Array(5))],
  ["too many rows", (kernel) => kernel.mix(new Int16Array(6), 1_025, 0, new Int16Array(6))],
  ["a negative count", (kernel) => kernel.mix(new Int16Array(6), -1, 1, new Int16Array(6))],
  ["too few gains", (kernel) => {
    kernel.mix(new Int16Array(6), 2, 3, new Int16Array(3), new Float32Array(1));
  }],
  ["a gain that is no number", (kernel) => {
    kernel.mix(new Int16Array(6), 1, 3, new Int16Array(3), Float32Array.of(NaN));
  }],
  ["a previous gain that is too high", (kernel) => {
    const gains = Float32Array.of(1), previous = Float32Array.of(33);
    kernel.mix(new Int16Array(6), 1, 3, new Int16Array(3), gains, previous);
  }],
  ["a previous gain without a gain", (kernel) => {
    kernel.mix(new Int16Array(6), 1, 3, new Int16Array(3), undefined, Float32Array.of(1));
  }],
];

Deno.test("every kernel refuses the same, in the same words", () => {
  for (const [what, call] of refused) {
    const expected = assertThrows(() => call(oracle), RangeError, undefined, what);
    for (const [name, kernel] of rustKernels()) {
      assertThrows(() => call(kernel), RangeError, expected.message, `${name}: ${what}`);
    }
  }
});
