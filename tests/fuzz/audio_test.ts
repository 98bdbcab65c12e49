/** Rings, WAV files and kernels, with anything in them. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { AudioKernel, KernelResampler } from "../../src/audio/kernel.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { RingBuffer } from "../../src/audio/ring_buffer.ts";
import { wasmKernel } from "../../src/native/wasm_kernel.ts";
import { readWav, writeWav } from "../../src/audio/wav.ts";
import { nativeKernel, oracle } from "../native/kernels.ts";
import { goneInt16, Memory, notInt16, outcome, unusualInt16 } from "../native/wrong_values.ts";
import { numRuns, withoutGrowth } from "./_fuzz.ts";

const RATES = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];

/** What may be done to a ring. */
const step = fc.oneof(
  fc.record({
    do: fc.constant("write" as const),
    frames: fc.nat(700),
    rate: fc.constantFrom(...RATES),
    channels: fc.constantFrom(1 as const, 2 as const),
    row: fc.option(fc.nat(1000), { nil: undefined }),
  }),
  fc.record({ do: fc.constantFrom("read" as const, "close" as const, "clear" as const) }),
  fc.record({ do: fc.constant("slot" as const), samples: fc.nat(400), row: fc.nat(1000) }),
);

Deno.test("RingBuffer accounts for every slot in any order of calls", () => {
  withoutGrowth(() =>
    fc.assert(
      fc.property(
        fc.constantFrom(8000, 16_000, 48_000),
        fc.integer({ min: 1, max: 8 }),
        fc.array(step, { maxLength: 25 }),
        (sampleRate, capacity, steps) => {
          using ring = new RingBuffer({ sampleRate, capacityMs: capacity * 20 });
          let [completed, taken, cleared] = [0, 0, 0];
          const slotSamples = sampleRate / 50;
          for (const one of steps) {
            const held = () => ring.length + ring.dropped + taken + cleared;
            const before = held();
            if (one.do === "write") {
              const samples = new Int16Array(one.frames * one.channels).fill(1000);
              const chunk = new PcmChunk(samples, { sampleRate: one.rate, channels: one.channels });
              completed += ring.write(chunk, { rowNumber: one.row });
            } else if (one.do === "read") {
              const slot = ring.read();
              if (slot === undefined) continue;
              taken++;
              assertEquals(slot.samples.length, slotSamples);
              assert(slot.samples.every((sample) => Math.abs(sample) <= 1500));
            } else if (one.do === "clear") {
              cleared += ring.length;
              ring.clear();
              assertEquals(ring.openMs, 0);
            } else {
              try {
                if (one.do === "slot") ring.writeSlot(new Int16Array(one.samples), one.row);
                else ring.closeSlot();
              } catch (error) {
                assert(error instanceof RangeError, String(error));
                assert(one.do === "slot" && one.samples !== slotSamples);
              }
              completed += held() - before;
            }
            assertEquals(held(), completed);
            assert(ring.length <= ring.capacity && ring.openMs < 20);
          }
        },
      ),
      { numRuns: numRuns / 2 },
    )
  );
});

Deno.test("readWav reads any bytes, or throws a RangeError", () => {
  const good = writeWav(new PcmChunk(new Int16Array(200), { sampleRate: 16_000 }));
  const spoilt = fc.tuple(
    fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 8 }),
    fc.nat(good.length),
    fc.uint8Array({ maxLength: 60 }),
  ).map(([changes, length, tail]) => {
    const bytes = new Uint8Array(length + tail.length);
    bytes.set(good.subarray(0, length));
    bytes.set(tail, length);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return bytes;
  });
  withoutGrowth(() =>
    fc.assert(
      fc.property(fc.oneof(spoilt, fc.uint8Array({ maxLength: 100 })), (bytes) => {
        try {
          const { samples, channels, sampleRate } = readWav(bytes);
          // No more comes out than was in it.
          assert(samples.length <= bytes.length && samples.length % channels === 0);
          assert(sampleRate > 0);
        } catch (error) {
          assert(error instanceof RangeError, String(error));
        }
      }),
      { numRuns },
    )
  );
});

/** An array of samples as a caller may hand it over; made anew for each kernel. */
type Samples = (memory: Memory, pool: Int16Array) => Int16Array;

const anySamples: fc.Arbitrary<Samples> = fc.oneof(
  { weight: 8, arbitrary: fc.nat(300).map((length): Samples => (memory) => memory.int16(length)) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(300), fc.nat(300)).map(
      ([start, length]): Samples => (_, pool) => pool.subarray(start, start + length),
    ),
  },
  fc.tuple(fc.constantFrom(...unusualInt16), fc.nat(300)).map(([[, make], length]): Samples => () =>
    make(new Int16Array(length))
  ),
  fc.constantFrom(...notInt16).map(([, make]) => make as Samples),
  fc.constantFrom(...goneInt16).map(([, make]) => make),
);

const anyGains: fc.Arbitrary<((memory: Memory, pool: Int16Array) => Float32Array) | undefined> = fc
  .oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    {
      weight: 3,
      arbitrary: fc.float32Array({ maxLength: 6, min: 0, max: 32, noNaN: true }).map(
        (gains) => () => gains.slice(),
      ),
    },
    fc.float32Array({ maxLength: 6 }).map((gains) => () => gains.slice()),
    fc.tuple(fc.nat(150), fc.nat(6)).map(([start, length]) => (_: Memory, pool: Int16Array) =>
      new Float32Array(pool.buffer, pool.byteOffset + 4 * start, length)
    ),
    anySamples.map((make) => make as unknown as () => Float32Array),
  );

function anyNumber(most: number): fc.Arbitrary<number> {
  const absurd = [-1, 0.5, NaN, 1025, 2 ** 31, 2 ** 32, 2 ** 32 + 2, 2 ** 53, Infinity, "1", null];
  return fc.oneof(
    { weight: 6, arbitrary: fc.nat(most) },
    fc.constantFrom(...absurd as number[], {} as number, undefined as unknown as number),
  );
}

/** A call, made ready; and the arrays that it reads and writes. */
interface Prepared {
  run(kernel: AudioKernel, resampler: KernelResampler): unknown;
  readonly arrays: Int16Array[];
  /** How far kernels may lie apart: they resample within 1 LSB of each other, and mix the same. */
  readonly tolerance: number;
}

type Call = (memory: Memory, pool: Int16Array) => Prepared;

const anyCall: fc.Arbitrary<Call> = fc.oneof(
  fc.record({
    method: fc.constantFrom("process" as const, "flush" as const, "history" as const),
    input: anySamples,
    output: anySamples,
    offset: anyNumber(20),
  }).map(({ method, input, output, offset }): Call => (memory, pool) => {
    const arrays = [input(memory, pool), output(memory, pool)] as const;
    return {
      run: (_, resampler) =>
        method === "process"
          ? resampler.process(...arrays, offset)
          : method === "flush"
          ? resampler.flush(arrays[1], offset)
          : resampler.history(arrays[1]),
      arrays: method === "process" ? [...arrays] : [arrays[1]],
      tolerance: 1,
    };
  }),
  fc.record({
    method: fc.constantFrom("mix" as const, "mixMinus" as const),
    block: anySamples,
    out: anySamples,
    count: anyNumber(5),
    frames: anyNumber(60),
    gains: anyGains,
    previousGains: anyGains,
  }).map(({ method, count, frames, ...make }): Call => (memory, pool) => {
    const block = make.block(memory, pool), out = make.out(memory, pool);
    const gains = make.gains?.(memory, pool), previous = make.previousGains?.(memory, pool);
    return {
      run: (kernel) => kernel[method](block, count, frames, out, gains, previous),
      arrays: [block, out],
      tolerance: 0,
    };
  }),
  fc.constant<Call>(() => ({
    run: (_, resampler) => resampler.reset(),
    arrays: [],
    tolerance: 0,
  })),
  fc.constant<Call>(() => ({
    run: (_, resampler) => resampler[Symbol.dispose](),
    arrays: [],
    tolerance: 0,
  })),
);

/** Calls, and sees that nothing was written around its arrays, nor in them if it failed. */
function tried(call: Call, kernel: AudioKernel, resampler: KernelResampler) {
  const memory = new Memory();
  const pool = memory.int16(700);
  const { run, arrays, tolerance } = call(memory, pool);
  memory.keep();
  const came = outcome(() => run(kernel, resampler));
  memory.assertGuards(kernel.name);
  const isRefused = typeof came === "string";
  if (isRefused) memory.assertUntouched(kernel.name);
  return { came, tolerance, arrays: isRefused ? [] : [pool, ...arrays] };
}

Deno.test("all kernels agree on any input, and write only their output", () => {
  const others = [wasmKernel(), ...nativeKernel ? [nativeKernel] : []];
  withoutGrowth(() =>
    fc.assert(
      fc.property(
        fc.constantFrom(...RATES),
        fc.constantFrom(...RATES),
        fc.constantFrom(1 as const, 2 as const),
        fc.array(anyCall, { minLength: 1, maxLength: 6 }),
        (inputRate, outputRate, channels, calls) => {
          const options = { inputRate, outputRate, channels };
          using reference = oracle.createResampler(options);
          const expected = calls.map((call) => tried(call, oracle, reference));
          for (const kernel of others) {
            using resampler = kernel.createResampler(options);
            for (const [n, call] of calls.entries()) {
              const { came, arrays } = tried(call, kernel, resampler);
              assertEquals(came, expected[n]!.came, kernel.name);
              for (const [index, array] of arrays.entries()) {
                const right = expected[n]!.arrays[index]!;
                const differs = (_: unknown, at: number) =>
                  Math.abs(array[at]! - right[at]!) > expected[n]!.tolerance;
                assert(!Array.from({ length: 700 }).some(differs), kernel.name);
              }
            }
          }
        },
      ),
      { numRuns: numRuns / 10 },
    )
  );
});
