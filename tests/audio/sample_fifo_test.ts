import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { SampleFifo, type WhenFull } from "../../src/audio/sample_fifo.ts";

const numRuns = Number(Deno.env.get("FUZZ_RUNS") ?? 10_000) / 10;

type Step =
  | { do: "push" | "shift" | "peek" | "drop" | "replace" | "remove"; count: number; offset: number }
  | { do: "clear" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant("push" as const),
      count: fc.nat(30),
      offset: fc.nat(9),
    }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constantFrom(...["shift", "peek", "drop", "replace", "remove"] as const),
      count: fc.nat(30),
      offset: fc.nat(9),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const) }) },
);

Deno.test("SampleFifo does what an array of the same samples does", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 50 }),
      fc.constantFrom<WhenFull>("throw", "grow", "drop-oldest"),
      fc.array(step, { maxLength: 60 }),
      (capacity, whenFull, steps) => {
        const fifo = new SampleFifo(capacity, { whenFull });
        let model: number[] = [];
        let next = 0;
        const take = (count: number) => Int16Array.from({ length: count }, () => next++ % 1000);
        const out = new Int16Array(40);
        for (const one of steps) {
          if (one.do === "clear") {
            assertEquals(fifo.clear(), model.length);
            model = [];
          } else if (one.do === "push") {
            const samples = take(one.count);
            if (whenFull === "throw" && samples.length > capacity - model.length) {
              assertThrows(() => fifo.push(samples), RangeError, "expected at most");
            } else {
              fifo.push(samples);
              model.push(...samples);
              if (whenFull === "drop-oldest" && model.length > capacity) {
                model = model.slice(model.length - capacity);
              }
            }
          } else if (one.do === "drop") {
            fifo.drop(one.count);
            model = model.slice(one.count);
          } else if (one.do === "replace") {
            const samples = take(one.count);
            fifo.replace(samples, one.offset);
            const fitting = [...samples].slice(0, Math.max(0, model.length - one.offset));
            model.splice(one.offset, fitting.length, ...fitting);
          } else if (one.do === "remove") {
            const removed = model.splice(one.offset, one.count);
            assertEquals(fifo.remove(one.offset, one.count), removed.length);
          } else {
            const offset = one.do === "peek" ? one.offset : 0;
            const count = one.do === "peek"
              ? fifo.peek(out, one.count, offset)
              : fifo.shift(out, one.count);
            assertEquals([...out.subarray(0, count)], model.slice(offset, offset + one.count));
            if (one.do === "shift") model = model.slice(one.count);
          }
          assertEquals(fifo.length, model.length);
          if (whenFull !== "grow") assertEquals(fifo.free, capacity - model.length);
        }
      },
    ),
    { numRuns },
  );
});

Deno.test("SampleFifo keeps the latest samples when it drops the oldest", () => {
  const fifo = new SampleFifo(5, { whenFull: "drop-oldest" });
  const all = () => {
    const samples = new Int16Array(fifo.length);
    fifo.shift(samples);
    return [...samples];
  };
  fifo.push(Int16Array.of(1, 2, 3));
  fifo.push(Int16Array.of(4, 5, 6, 7));
  assertEquals(all(), [3, 4, 5, 6, 7]);
  assertEquals(all(), []);
  fifo.push(Int16Array.of(8, 9));
  assertEquals(all(), [8, 9]);
});

Deno.test("SampleFifo refuses a capacity that is no number of samples", () => {
  for (const value of [NaN, Infinity, -1, 1.5, 1e300, "1", null, {}, 1n]) {
    const capacity = value as number;
    assertThrows(() => new SampleFifo(capacity), RangeError, "capacity: expected a whole number");
  }
});
