import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { AudioKernel, KernelResampler } from "../../src/audio/kernel.ts";
import { noise } from "../audio/signals.ts";
import { nativeKernel, oracle, rustKernels } from "./kernels.ts";
import { goneInt16, Memory, notInt16, notOffset, outcome, unusualInt16 } from "./wrong_values.ts";

const kernels: (readonly [string, AudioKernel])[] = [["typescript", oracle], ...rustKernels()];

/** Every argument that is an array of samples, and a call that is right but for it. */
const samplesOf: [what: string, call: (kernel: AudioKernel, array: Int16Array) => unknown][] = [
  ...[16_000, 48_000].flatMap((outputRate): typeof samplesOf => {
    const using_ = (kernel: AudioKernel, use: (resampler: KernelResampler) => unknown) => {
      using resampler = kernel.createResampler({ inputRate: 48_000, outputRate });
      return use(resampler);
    };
    return [
      [
        "input",
        (kernel, array) => using_(kernel, (one) => one.process(array, new Int16Array(960))),
      ],
      [
        "output",
        (kernel, array) => using_(kernel, (one) => one.process(new Int16Array(960), array)),
      ],
      ["output", (kernel, array) => using_(kernel, (one) => one.flush(array))],
      ["out", (kernel, array) => using_(kernel, (one) => one.history(array))],
    ];
  }),
  ["block", (kernel, array) => kernel.mix(array, 2, 100, new Int16Array(100))],
  ["out", (kernel, array) => kernel.mix(new Int16Array(200), 2, 100, array)],
  ["block", (kernel, array) => kernel.mixMinus(array, 2, 100, new Int16Array(300))],
  ["out", (kernel, array) => kernel.mixMinus(new Int16Array(200), 2, 100, array)],
];

/** The same of gains. */
const gainsOf: [what: string, call: (kernel: AudioKernel, array: Float32Array) => unknown][] = [
  ["gains", (kernel, array) => kernel.mix(new Int16Array(200), 2, 100, new Int16Array(100), array)],
  [
    "gains",
    (kernel, array) => kernel.mixMinus(new Int16Array(200), 2, 100, new Int16Array(200), array),
  ],
  ["previousGains", (kernel, array) => {
    const gains = new Float32Array(2);
    kernel.mix(new Int16Array(200), 2, 100, new Int16Array(100), gains, array);
  }],
  ["previousGains", (kernel, array) => {
    const gains = new Float32Array(2);
    kernel.mixMinus(new Int16Array(200), 2, 100, new Int16Array(300), gains, array);
  }],
];

Deno.test("an array of another kind is a TypeError of every kernel, and nothing is written", () => {
  for (const [kernelName, kernel] of kernels) {
    for (const [what, call] of samplesOf) {
      for (const [name, make] of notInt16) {
        const memory = new Memory();
        const array = make(memory) as Int16Array;
        memory.keep();
        const expected = `TypeError: ${what}: expected an Int16Array, got ${name}`;
        assertEquals(outcome(() => call(kernel, array)), expected, kernelName);
        memory.assertUntouched(`${kernelName}: ${expected}`);
      }
    }
    for (const [what, call] of gainsOf) {
      for (const [name, make] of notInt16) {
        const isRight = name === "a Float32Array";
        const array = (isRight ? new Int16Array(960) : make(new Memory())) as Float32Array;
        const got = isRight ? "an Int16Array" : name;
        const expected = `TypeError: ${what}: expected a Float32Array, got ${got}`;
        assertEquals(outcome(() => call(kernel, array)), expected, kernelName);
      }
    }
  }
});

Deno.test("an array whose memory is gone is a TypeError of every kernel", () => {
  for (const [kernelName, kernel] of kernels) {
    for (const [what, call] of samplesOf) {
      for (const [name, make] of goneInt16) {
        const message = String(outcome(() => call(kernel, make())));
        assertStringIncludes(message, `TypeError: ${what}: expected an array with memory`, name);
        assertStringIncludes(message, "detached or too short now", kernelName);
      }
    }
    for (const [what, call] of gainsOf) {
      const gains = new Float32Array(2);
      gains.buffer.transfer();
      const message = String(outcome(() => call(kernel, gains)));
      assertStringIncludes(message, `TypeError: ${what}: expected an array with memory`);
    }
  }
});

Deno.test("an unusual Int16Array is as good as any, and as long as it is", () => {
  const samples = noise(960, 1);
  for (const [kernelName, kernel] of kernels) {
    for (const [name, make] of unusualInt16) {
      const what = `${kernelName}, ${name}`;
      for (const outputRate of [16_000, 48_000]) {
        const convert = (input: Int16Array, output: Int16Array) => {
          using resampler = kernel.createResampler({ inputRate: 48_000, outputRate });
          const frames = resampler.process(input, output);
          const history = make(new Int16Array(30));
          return [frames, resampler.history(history), [...numbers(history, 30)]];
        };
        const expected = new Int16Array(960), output = make(new Int16Array(960));
        assertEquals(convert(make(samples), output), convert(samples, expected), what);
        assertEquals(numbers(output, 960), numbers(expected, 960), what);
      }
      const expected = new Int16Array(480), output = make(new Int16Array(480));
      kernel.mix(samples, 2, 480, expected);
      kernel.mix(make(samples), 2, 480, output);
      assertEquals(numbers(output, 480), numbers(expected, 480), what);
      // What it claims counts for nothing: the real length does.
      const short = make(new Int16Array(100));
      assertEquals(
        outcome(() => kernel.mix(samples, 2, 480, short)),
        "RangeError: out: expected 1 rows of 480 samples, got 100 samples",
        what,
      );
    }
  }
});

/** Elements, one by one: what an array says of itself may be wrong. */
function numbers(array: Int16Array, length: number): number[] {
  return Array.from({ length }, (_, index) => array[index]!);
}

type Refused = [what: string, call: (kernel: AudioKernel, memory: Memory) => unknown];

/** Calls whose numbers or lengths are wrong, or that are wrong in more than one way. */
const refused: Refused[] = [
  ...notOffset.flatMap((offset): Refused[] => [
    [`process from ${typeof offset} ${offset}`, (kernel, memory) => {
      using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
      resampler.process(memory.int16(960), memory.int16(2000), offset as number);
    }],
    [`flush from ${typeof offset} ${offset}`, (kernel, memory) => {
      using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
      resampler.flush(memory.int16(2000), offset as number);
    }],
    [`pass through from ${typeof offset} ${offset}`, (kernel, memory) => {
      using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 48_000 });
      resampler.process(memory.int16(960), memory.int16(2000), offset as number);
    }],
    [`flush a pass through from ${typeof offset} ${offset}`, (kernel, memory) => {
      using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 48_000 });
      resampler.flush(memory.int16(2000), offset as number);
    }],
  ]),
  ...[2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53, 961].map((offset): Refused => [
    `an offset of ${offset}`,
    (kernel, memory) => {
      using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
      resampler.process(memory.int16(960), memory.int16(960), offset);
    },
  ]),
  ...[-1, 0.5, NaN, Infinity, 1025, 2 ** 32, 2 ** 32 + 1, 2 ** 53, "2", null, undefined, {}]
    .flatMap(
      (count): Refused[] => [
        [`${count} rows`, (kernel, memory) => {
          kernel.mix(memory.int16(200), count as number, 100, memory.int16(100));
        }],
        [`${count} rows for each`, (kernel, memory) => {
          kernel.mixMinus(memory.int16(200), count as number, 100, memory.int16(300));
        }],
      ],
    ),
  ...[-1, 0.5, NaN, Infinity, 101, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53, "100", null, {}].flatMap(
    (frames): Refused[] => [
      [`${frames} frames`, (kernel, memory) => {
        kernel.mix(memory.int16(200), 2, frames as number, memory.int16(100));
      }],
      [`${frames} frames for each`, (kernel, memory) => {
        kernel.mixMinus(memory.int16(200), 2, frames as number, memory.int16(300));
      }],
    ],
  ),
  ["frames that are too many for the total of no inputs", (kernel, memory) => {
    kernel.mix(memory.int16(0), 0, 2 ** 40, memory.int16(100));
  }],
  ...[0, NaN, -1, 999, 384_001, 1e9, 2 ** 32 + 48_000, 44_100.5, "48000", null, {}].flatMap(
    (rate): Refused[] =>
      [1, 3].flatMap((channels) => [
        [`from ${rate} Hz, ${channels} channels`, (kernel) => {
          const given = { inputRate: rate, outputRate: 48_000, channels };
          kernel.createResampler(given as { inputRate: number; outputRate: number; channels: 2 });
        }],
        [`to ${rate} Hz, ${channels} channels`, (kernel) => {
          const given = { inputRate: 48_000, outputRate: rate, channels };
          kernel.createResampler(given as { inputRate: number; outputRate: number; channels: 2 });
        }],
      ]),
  ),
  ...[0, -1, 3, 1.5, NaN, "1", null, 2 ** 32 + 1].flatMap((channels): Refused[] =>
    [16_000, 48_000].map((outputRate) => [`${channels} channels`, (kernel) => {
      kernel.createResampler({ inputRate: 48_000, outputRate, channels: channels as 1 });
    }])
  ),
  ["three channels and a ratio that needs too large a table", (kernel) => {
    kernel.createResampler({ inputRate: 383_999, outputRate: 384_000, channels: 3 as 1 });
  }],
  ["a disposed resampler, and wrong arrays", (kernel) => {
    const resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
    resampler[Symbol.dispose]();
    resampler.process(new Uint8Array(3) as unknown as Int16Array, new Int16Array(0));
  }],
  ["gains that are too few, and lie where they are written to", (kernel, memory) => {
    const gains = memory.float32(2);
    const out = new Int16Array(gains.buffer, gains.byteOffset, 4);
    kernel.mix(memory.int16(12), 3, 4, out, gains);
  }],
  ["gains that are too few", (kernel, memory) => {
    kernel.mix(memory.int16(200), 2, 100, memory.int16(100), memory.float32(1));
  }],
  ["no gains for two rows", (kernel, memory) => {
    kernel.mix(memory.int16(200), 2, 100, memory.int16(100), memory.float32(0));
  }],
  ["previous gains that are too few", (kernel, memory) => {
    const gains = memory.float32(2);
    kernel.mix(memory.int16(200), 2, 100, memory.int16(100), gains, memory.float32(0));
  }],
  ["an output inside of a block of no rows", (kernel, memory) => {
    const block = memory.int16(100);
    kernel.mixMinus(block, 0, 100, block.subarray(0, 50));
  }],
  ["previous gains alone", (kernel, memory) => {
    kernel.mix(memory.int16(200), 2, 100, memory.int16(100), undefined, memory.float32(2));
  }],
];

Deno.test("every kernel refuses wrong numbers in the same words, and writes nothing", () => {
  for (const [what, call] of refused) {
    const expected = outcome(() => call(oracle, new Memory()));
    assert(/^(Type|Range)Error: /.test(String(expected)), `${what}: ${expected}`);
    for (const [name, kernel] of kernels) {
      const memory = new Memory();
      assertEquals(outcome(() => call(kernel, memory)), expected, `${name}: ${what}`);
      memory.assertUntouched(`${name}: ${what}`);
    }
  }
});

/** Where an output may lie beside an input of 960 samples, and whether that is an overlap. */
const places: [what: string, start: number, overlaps: boolean][] = [
  ["the very same", 960, true],
  ["one sample into its end", 1919, true],
  ["one sample into its beginning", 1, true],
  ["right behind it", 1920, false],
  ["right before it", 0, false],
];

Deno.test("an output that overlaps what is read is a RangeError of every kernel", () => {
  for (const [kernelName, kernel] of kernels) {
    for (const [where, start, overlaps] of places) {
      const refuses = (whatElse: string, what: string, call: (memory: Int16Array) => unknown) => {
        const memory = new Int16Array(3000).fill(7);
        const came = outcome(() => call(memory));
        const message = `${kernelName}: ${what} ${where}`;
        if (!overlaps) return assert(!String(came).includes("Error"), `${message}: ${came}`);
        const expected = "expected memory of its own, got some that overlaps";
        assertEquals(came, `RangeError: ${what}: ${expected} ${whatElse}`, message);
        assert(memory.every((sample) => sample === 7), message);
      };
      for (const outputRate of [16_000, 48_000]) {
        refuses("the input", "output", (memory) => {
          using resampler = kernel.createResampler({ inputRate: 48_000, outputRate });
          const output = memory.subarray(start, start + 960);
          return resampler.process(memory.subarray(960, 1920), output);
        });
      }
      refuses("block", "out", (memory) => {
        const out = memory.subarray(start, start + 960);
        return kernel.mix(memory.subarray(960, 1920), 2, 480, out);
      });
      refuses("block", "out", (memory) => {
        const out = memory.subarray(start, start + 960);
        return kernel.mixMinus(memory.subarray(960, 1920), 2, 480, out);
      });
      for (const what of ["gains", "previousGains"]) {
        refuses(what, "out", (memory) => {
          const out = memory.subarray(start, start + 960);
          // The samples' 7 twice over is a gain of almost 0.
          const inside = new Float32Array(memory.buffer, 2 * 960, 480);
          const gains = what === "gains" ? inside : new Float32Array(480);
          const previous = what === "gains" ? undefined : inside;
          return kernel.mix(new Int16Array(2), 2, 1, out, gains, previous);
        });
      }
    }
    // Nothing lies nowhere: what is empty overlaps nothing.
    const memory = new Int16Array(100);
    using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
    assertEquals(resampler.process(memory.subarray(50, 50), memory), 0, kernelName);
    kernel.mix(memory.subarray(50, 50), 0, 100, memory);
    kernel.mix(new Int16Array(100), 1, 100, memory, undefined);
    const none = new Float32Array(memory.buffer, 100, 0);
    kernel.mix(memory.subarray(50, 50), 0, 100, memory, none, none);
  }
});

Deno.test({
  name:
    "the same memory behind two shared buffers is seen by the native library, if by no other kernel",
  ignore: nativeKernel === undefined,
  fn() {
    const memory = new SharedArrayBuffer(4000);
    const twin = structuredClone(memory);
    const out = new Int16Array(twin);
    using resampler = nativeKernel!.createResampler({ inputRate: 48_000, outputRate: 16_000 });
    const expected = "expected memory of its own, got some that overlaps the input";
    assertEquals(
      outcome(() => resampler.process(new Int16Array(memory), out)),
      `RangeError: output: ${expected}`,
    );
    assertEquals(
      outcome(() => nativeKernel!.mix(new Int16Array(memory), 2, 1000, out)),
      `RangeError: out: ${expected}`,
    );
  },
});

Deno.test("lengths that a signed 32-bit number cannot hold are refused by every kernel", () => {
  // Never touched, so it takes no memory.
  const large = new Int16Array(2 ** 31);
  for (const [name, kernel] of kernels) {
    for (const [what, call] of samplesOf) {
      assertEquals(
        outcome(() => call(kernel, large)),
        `RangeError: ${what}: expected at most 2147483647 elements, got 2147483648`,
        name,
      );
    }
    // The largest that is allowed, to its very end.
    using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
    const most = large.subarray(1);
    assertEquals(resampler.process(new Int16Array(960), most, most.length - 320), 320, name);
    assertEquals(resampler.flush(most, most.length - 28), 28, name);
    assertEquals(resampler.history(most), resampler.historyFrames, name);
  }
});

Deno.test("a refused call leaves a resampler as it was, and what others change of it does no harm", () => {
  const input = noise(960, 2);
  for (const [name, kernel] of kernels) {
    using one = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
    using other = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
    const out = new Int16Array(1000), expected = new Int16Array(1000);
    one.process(input, out);
    other.process(input, expected);
    const bytes = new Uint8Array(400) as unknown as Int16Array;
    outcome(() => one.process(input, bytes));
    outcome(() => one.process(bytes, out));
    outcome(() => one.process(input, input));
    outcome(() => one.flush(bytes));
    outcome(() => one.flush(out, -1));
    Object.assign(one, { tailFrames: -5, historyFrames: 1e9, maxOutputFrames: () => 0 });
    assertEquals(one.process(input, out), other.process(input, expected), name);
    const history = new Int16Array(1000);
    if (name !== "typescript") assertEquals(one.history(history), other.historyFrames, name);
    if (name !== "typescript") assertEquals(one.flush(out, 320), other.flush(expected, 320), name);
    assertEquals(out, expected, name);
  }
});

Deno.test("a mix takes what it uses: a small one of a block of any size, and none too large", () => {
  const block = new Int16Array(2 ** 31 - 1);
  block.set([1, 2, 30, 40]);
  const gains = new Float32Array(5_000_000).fill(1);
  for (const [name, kernel] of kernels) {
    const out = new Int16Array(2);
    kernel.mix(block, 2, 2, out, gains, gains);
    assertEquals([...out], [31, 42], name);
  }
  // More than a WASM module can hold, in numbers that would seem small or negative to it.
  const wasm = kernels.find(([name]) => name === "wasm")![1];
  const out = new Int16Array(block.length);
  assertEquals(
    outcome(() => wasm.mix(block, 1, block.length, out)),
    "RangeError: samples: expected what fits into memory, got 4294967294 bytes",
  );
  wasm.mix(block, 2, 2, out);
  assertEquals([...out.subarray(0, 2)], [31, 42]);
});
