/** The network that detects speech, in every kernel that has it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { AudioKernel } from "../../src/audio/kernel.ts";
import { noise, randomSource } from "../audio/signals.ts";
import { oracle, rustKernels } from "./kernels.ts";
import { goneInt16, Memory, notInt16, outcome } from "./wrong_values.ts";

/** Returns the probability after each 20 ms. */
function detect(kernel: AudioKernel, samples: Int16Array): number[] {
  using detector = kernel.createSpeechDetector!();
  return Array.from(
    { length: Math.floor(samples.length / 320) },
    (_, n) => detector.process(samples.subarray(320 * n, 320 * n + 320)),
  );
}

Deno.test("the speech detectors of all kernels agree within a thousandth", () => {
  const samples = noise(16_000, 3).map((value, n) => value * Math.sin(n / 900) ** 2);
  const [[, first], ...others] = [...rustKernels()] as [[string, AudioKernel]];
  const expected = detect(first, samples);
  assert(expected.every((one) => one >= 0 && one <= 1));
  assert(new Set(expected).size > 20, "it changes");
  for (const [name, kernel] of others as [string, AudioKernel][]) {
    const found = detect(kernel, samples);
    const difference = Math.max(...found.map((one, n) => Math.abs(one - expected[n]!)));
    assert(difference < 0.001, `${name}: ${difference}`);
  }
});

Deno.test("a speech detector does not depend on how the stream is cut, and reset forgets it", () => {
  const random = randomSource(1);
  const samples = noise(8000, 1);
  for (const [name, kernel] of rustKernels()) {
    using whole = kernel.createSpeechDetector!();
    using cut = kernel.createSpeechDetector!();
    const expected = whole.process(samples);
    for (let turn = 0; turn < 2; turn++) {
      let last = 0;
      for (let at = 0; at < samples.length;) {
        const length = Math.floor(random() * 700);
        last = cut.process(samples.subarray(at, at += length));
      }
      assertEquals(last, expected, name);
      cut.reset();
    }
  }
});

Deno.test("a speech detector rejects what is no Int16Array and what comes after its disposal", () => {
  for (const [name, kernel] of rustKernels()) {
    const detector = kernel.createSpeechDetector!();
    for (const [what, make] of notInt16) {
      const memory = new Memory();
      const array = make(memory) as Int16Array;
      const expected = `TypeError: samples: expected an Int16Array, got ${what}`;
      assertEquals(outcome(() => detector.process(array)), expected, name);
    }
    for (const [, make] of goneInt16) {
      assertThrows(() => detector.process(make()), TypeError, "samples: expected an array", name);
    }
    detector[Symbol.dispose]();
    detector[Symbol.dispose]();
    // Its place is used again; the old one must not reach the new one.
    using next = kernel.createSpeechDetector!();
    assertThrows(() => detector.process(new Int16Array(320)), TypeError, "this is disposed", name);
    assertThrows(() => detector.reset(), TypeError, "this is disposed", name);
    detector[Symbol.dispose]();
    assert(next.process(new Int16Array(320)) >= 0);
  }
  assertEquals(oracle.createSpeechDetector, undefined);
});
