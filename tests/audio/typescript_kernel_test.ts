import { assert, assertEquals, assertThrows } from "@std/assert";
import { MAX_GAIN, typescriptKernel } from "../../src/audio/mod.ts";
import { noise, randomSource, resampleAll } from "./signals.ts";

const kernel = typescriptKernel();

Deno.test("where a stream is cut into chunks makes no difference to a sample", () => {
  const random = randomSource(1);
  for (const [inputRate, outputRate] of [[48_000, 16_000], [16_000, 48_000], [44_100, 48_000]]) {
    for (const channels of [1, 2] as const) {
      const options = { inputRate: inputRate!, outputRate: outputRate!, channels };
      const input = noise(5_000 * channels, 2);
      using whole = kernel.createResampler(options);
      using cut = kernel.createResampler(options);
      assertEquals(
        resampleAll(cut, input, channels, () => Math.floor(random() * 200)),
        resampleAll(whole, input, channels, () => 5_000),
      );
    }
  }
});

Deno.test("20 ms in give 20 ms out from the first chunk on", () => {
  for (const [inputRate, outputRate] of [[48_000, 16_000], [22_050, 48_000], [44_100, 16_000]]) {
    using resampler = kernel.createResampler({
      inputRate: inputRate!,
      outputRate: outputRate!,
    });
    const frames = outputRate! / 50;
    const output = new Int16Array(frames);
    for (let chunk = 0; chunk < 5; chunk++) {
      assertEquals(resampler.process(new Int16Array(inputRate! / 50), output), frames);
    }
  }
});

Deno.test("a constant comes out as it went in, at full scale too", () => {
  for (const value of [32767, -32768, 1]) {
    for (const [inputRate, outputRate] of [[48_000, 16_000], [16_000, 44_100], [8_000, 48_000]]) {
      using resampler = kernel.createResampler({ inputRate: inputRate!, outputRate: outputRate! });
      const output = resampleAll(resampler, new Int16Array(inputRate! / 10).fill(value), 1);
      const edge = Math.ceil(2 * resampler.latencyMs * outputRate! / 1000);
      const middle = output.subarray(edge, output.length - edge);
      assert(middle.length > 100 && middle.every((sample) => sample === value));
    }
  }
});

Deno.test("stereo channels do not hear each other", () => {
  const left = noise(2_000, 3), right = noise(2_000, 4);
  const both = new Int16Array(4_000);
  left.forEach((sample, n) => both[2 * n] = sample);
  right.forEach((sample, n) => both[2 * n + 1] = sample);
  const rates = { inputRate: 48_000, outputRate: 44_100 };
  using stereo = kernel.createResampler({ ...rates, channels: 2 });
  using mono = kernel.createResampler(rates);
  const output = resampleAll(stereo, both, 2);
  assertEquals(output.filter((_, n) => n % 2 === 0), resampleAll(mono, left, 1));
  assertEquals(output.filter((_, n) => n % 2 === 1), resampleAll(mono, right, 1));
});

Deno.test("all that is written comes out again: the input's length and the latency", () => {
  using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
  const output = resampleAll(resampler, new Int16Array(4_800).fill(1000), 1);
  assertEquals(output.length, 1_600 + resampler.latencyMs * 16);
  assertEquals(resampler.latencyMs, 1.75);
  assertEquals(resampler.flush(new Int16Array(100)), 0, "a second flush has nothing left");
});

Deno.test("reset forgets the past", () => {
  using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
  const output = new Int16Array(320);
  resampler.process(noise(960, 5), output);
  resampler.reset();
  resampler.process(new Int16Array(960), output);
  assert(output.every((sample) => sample === 0));
});

Deno.test("equal rates pass through untouched", () => {
  using resampler = kernel.createResampler({ inputRate: 44_100, outputRate: 44_100, channels: 2 });
  const input = noise(882, 6);
  const output = new Int16Array(1_000);
  assertEquals(resampler.process(input, output, 18), 441);
  assertEquals(output.subarray(18, 900), input);
  assertEquals(resampler.latencyMs, 0);
});

Deno.test("the history is the newest input, oldest first", () => {
  for (const outputRate of [16_000, 48_000]) {
    using resampler = kernel.createResampler({ inputRate: 48_000, outputRate, channels: 2 });
    const input = noise(400, 7);
    for (let start = 0; start < 400; start += 50) {
      resampler.process(input.subarray(start, start + 50), new Int16Array(200));
    }
    const history = new Int16Array(20);
    assertEquals(resampler.history(history), 10);
    assertEquals(history, input.slice(-20));
  }
});

Deno.test("a resampler refuses wrong lengths and rates and consumes nothing", () => {
  using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000, channels: 2 });
  const output = new Int16Array(640);
  assertThrows(() => resampler.process(new Int16Array(3), output), RangeError, "whole stereo");
  assertThrows(
    () => resampler.process(new Int16Array(1_920).fill(9), output.subarray(1)),
    RangeError,
    "expected room for 640 samples from 0 on, got 639",
  );
  for (const offset of [-1, 0.5, NaN, 1]) {
    assertThrows(() => resampler.process(new Int16Array(1_920), output, offset), RangeError);
  }
  assertThrows(() => resampler.flush(new Int16Array(3)), RangeError, "expected room");
  resampler.process(new Int16Array(1_920), output);
  assert(output.every((sample) => sample === 0), "nothing of the refused input is heard");

  for (const rate of [0, -1, NaN, Infinity, 1e9, 44_100.5]) {
    const good = 48_000;
    assertThrows(() => kernel.createResampler({ inputRate: rate, outputRate: good }), RangeError);
    assertThrows(() => kernel.createResampler({ inputRate: good, outputRate: rate }), RangeError);
    assertThrows(() => kernel.createResampler({ inputRate: rate, outputRate: rate }), RangeError);
  }
  assertThrows(
    () => kernel.createResampler({ inputRate: 383_999, outputRate: 384_000 }),
    RangeError,
    "simpler ratio",
  );
  const channels = 3 as unknown as 2;
  for (const inputRate of [48_000, 16_000]) {
    assertThrows(
      () => kernel.createResampler({ inputRate, outputRate: 48_000, channels }),
      RangeError,
      "channels: expected 1 or 2, got 3",
    );
  }
});

Deno.test("a mix is the exact sum, saturated once, whatever the order", () => {
  const rows = [[30_000, -30_000, 5], [30_000, -30_000, 6], [-30_000, 30_000, 7]];
  for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0]]) {
    const block = Int16Array.from(order.flatMap((row) => rows[row]!));
    const out = new Int16Array(3);
    kernel.mix(block, 3, 3, out);
    assertEquals([...out], [30_000, -30_000, 18]);
  }
  const out = Int16Array.of(7);
  kernel.mix(Int16Array.of(30_000, 30_000), 2, 1, out);
  assertEquals([...out], [32767]);
  kernel.mix(new Int16Array(0), 0, 1, out);
  assertEquals([...out], [0], "a mix of no inputs is silence");
});

Deno.test("mix-minus gives each row the sum of the others, and the total in a row more", () => {
  const block = Int16Array.of(30_000, 1, 20_000, 2, -10_000, 3);
  const out = new Int16Array(8);
  kernel.mixMinus(block, 3, 2, out);
  assertEquals([...out], [10_000, 5, 20_000, 4, 32767, 3, 32767, 6]);
  const exact = new Int16Array(6);
  kernel.mixMinus(block, 3, 2, exact);
  assertEquals([...exact], [...out.subarray(0, 6)]);
});

Deno.test("a gain scales a row, rounding to the nearest even", () => {
  const out = new Int16Array(4);
  kernel.mix(Int16Array.of(1, 3, 5, -3), 1, 4, out, Float32Array.of(0.5));
  assertEquals([...out], [0, 2, 2, -2]);
  const minus = new Int16Array(3);
  kernel.mixMinus(Int16Array.of(100, 200), 2, 1, minus, Float32Array.of(2, 0));
  assertEquals([...minus], [0, 200, 200], "a row hears neither itself nor what is turned off");
});

Deno.test("a gain that changes goes in a straight line to its end", () => {
  const out = new Int16Array(4);
  const row = new Int16Array(4).fill(1000);
  kernel.mix(row, 1, 4, out, Float32Array.of(1), Float32Array.of(0));
  assertEquals([...out], [250, 500, 750, 1000]);
});

Deno.test("a mix refuses lengths and gains that do not fit, and leaves its output alone", () => {
  const block = new Int16Array(6), out = new Int16Array(3).fill(7);
  const gains = (...values: number[]) => Float32Array.of(...values);
  const wrong: [() => void, string][] = [
    [() => kernel.mix(block, 3, 3, out), "block: expected 3 rows of 3"],
    [() => kernel.mix(block, 1, 4, out), "out: expected 1 rows of 4"],
    [() => kernel.mixMinus(block, 2, 3, out), "out: expected 2 rows of 3"],
    [() => kernel.mix(block, 1025, 0, out), "count"],
    [() => kernel.mix(block, -1, 1, out), "count"],
    [() => kernel.mix(block, 1, 1.5, out), "frames"],
    [() => kernel.mix(block, 2, 3, out, gains(1)), "gains: expected 2 gains, got 1"],
    [() => kernel.mix(block, 1, 3, out, gains(NaN)), "gains[0]: expected 0 to 32, got NaN"],
    [() => kernel.mix(block, 1, 3, out, gains(-1)), "got -1"],
    [() => kernel.mix(block, 1, 3, out, gains(MAX_GAIN * 2)), "got 64"],
    [() => kernel.mix(block, 1, 3, out, gains(1), gains(NaN)), "previousGains[0]"],
    [() => kernel.mix(block, 1, 3, out, undefined, gains(1)), "expected gains beside it"],
  ];
  for (const [call, message] of wrong) assertThrows(call, RangeError, message);
  assertEquals([...out], [7, 7, 7]);
});
