/** Sources that end by a signal. */
import { assertEquals, assertRejects } from "@std/assert";
import { untilAborted } from "../../src/events/until_aborted.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { slipNames, slips, UnhandledRejections } from "../fixtures/slips.ts";

const places = {
  open: (slip) => slip,
  asyncIterator: (slip) => () => ({ [Symbol.asyncIterator]: slip }),
  next: (slip) => () => iterable(slip, () => undefined),
} satisfies Record<string, (slip: () => unknown) => () => unknown>;

function iterable(next: () => unknown, end: () => unknown) {
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}

type Open = () => AsyncIterable<number>;

Deno.test("a source of whatever kind ends with an error, or with the signal", async () => {
  using unhandled = new UnhandledRejections();
  const clock = new VirtualClock();
  for (const [place, make] of Object.entries(places)) {
    for (const slipName of slipNames) {
      const limit = new AbortController();
      clock.schedule(() => limit.abort(new Error("time is up")), 100);
      const open = make(slips[slipName]) as Open;
      const all = Array.fromAsync(untilAborted(open, "model.generate", limit.signal, clock));
      await assertRejects(() => clock.until(all), Error, undefined, `${place} ${slipName}`);
      await clock.advance(100);
      await unhandled.assertNone(`${place} ${slipName}`);
    }
  }
});

Deno.test("a source that is stopped may do whatever it likes", async () => {
  using unhandled = new UnhandledRejections();
  const clock = new VirtualClock();
  for (const slipName of slipNames) {
    const open = () => iterable(() => Promise.resolve({ value: 7 }), slips[slipName]);
    const { signal } = new AbortController();
    for await (const value of untilAborted(open as Open, "model.generate", signal, clock)) {
      assertEquals(value, 7);
      break;
    }
    await unhandled.assertNone(slipName);
  }
});

Deno.test("a promise of a source is waited for, and one that comes too late is stopped", async () => {
  const clock = new VirtualClock();
  const { signal } = new AbortController();
  async function* numbers() {
    yield 1;
    yield 2;
  }
  const open = () => Promise.resolve(numbers());
  assertEquals(await Array.fromAsync(untilAborted(open, "generate", signal, clock)), [1, 2]);

  const late = Promise.withResolvers<AsyncIterable<number>>();
  const limit = new AbortController();
  const all = Array.fromAsync(untilAborted(() => late.promise, "generate", limit.signal, clock));
  limit.abort(new Error("time is up"));
  await assertRejects(() => all, Error, "time is up");
  const stopped = Promise.withResolvers<void>();
  const end = () => stopped.resolve();
  late.resolve(iterable(() => new Promise(() => {}), end) as AsyncIterable<number>);
  await stopped.promise;
});
