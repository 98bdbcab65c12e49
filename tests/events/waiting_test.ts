import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DropCounter } from "../../src/events/drop_counter.ts";
import { checkDuration, limitTime, sleep, waitFor } from "../../src/events/waiting.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

Deno.test("a wait gives what the promise gives and leaves no timer behind", async () => {
  const clock = new VirtualClock();
  const promise = Promise.withResolvers<number>();
  const waiting = waitFor(promise.promise, "it", { timeoutMs: 100, clock });
  assertEquals(clock.pending, 1);
  promise.resolve(7);
  assertEquals(await waiting, 7);
  assertEquals(clock.pending, 0);
});

Deno.test("a wait that takes too long rejects with a TimeoutError that says what it was", async () => {
  const clock = new VirtualClock();
  const never = new Promise<void>(() => {});
  const error = await assertRejects(
    () => clock.until(waitFor(never, "the bell ringing", { timeoutMs: 250, clock })),
    DOMException,
    "the bell ringing did not happen within 250 ms",
  );
  assertEquals(error.name, "TimeoutError");
  assertEquals(clock.now(), 250);
});

Deno.test("a wait is given up with the signal's reason, before and meanwhile", async () => {
  const clock = new VirtualClock();
  const reason = new Error("enough");
  const never = new Promise<void>(() => {});
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = waitFor(never, "it", { timeoutMs: 100, signal, clock });
  controller.abort(reason);
  assertEquals(await waiting.catch((error) => error), reason);
  assertEquals(await waitFor(never, "it", { signal, clock }).catch((error) => error), reason);
  assertEquals(await sleep(5, { signal, clock }).catch((error) => error), reason);
  assertEquals(clock.pending, 0);
});

Deno.test("a rejection that comes after the wait was given up troubles no caller", async () => {
  const clock = new VirtualClock();
  const late = Promise.withResolvers<void>();
  const waiting = waitFor(late.promise, "it", { timeoutMs: 1, clock });
  await assertRejects(() => clock.until(waiting));
  late.reject(new Error("late"));
  await clock.advance(10);
});

Deno.test("sleeping takes the clock's time and can be aborted", async () => {
  const clock = new VirtualClock();
  await clock.until(sleep(40, { clock }));
  assertEquals(clock.now(), 40);
  const controller = new AbortController();
  const sleeping = sleep(40, { clock, signal: controller.signal });
  controller.abort();
  await assertRejects(() => sleeping, DOMException);
  assertEquals(clock.pending, 0);
});

Deno.test("a duration is a number of at least 0", () => {
  checkDuration("x", 0);
  checkDuration("x", Infinity);
  for (const wrong of [-1, NaN, "5", undefined]) {
    assertThrows(() => checkDuration("waitMs", wrong as number), RangeError, "waitMs");
  }
});

Deno.test("drops are counted one by one and told at most once a second", async () => {
  const clock = new VirtualClock();
  const told: [number, number][] = [];
  const drops = new DropCounter(clock, (dropped, total) => told.push([dropped, total]));
  for (let n = 0; n < 50; n++) {
    drops.add();
    await clock.advance(100);
  }
  assertEquals(drops.total, 50);
  assertEquals(told, [[1, 1], [10, 11], [10, 21], [10, 31], [10, 41]]);
  assertEquals(clock.pending, 0);
});

Deno.test("a time limit aborts its signal with a TimeoutError, or as another signal is", async () => {
  const clock = new VirtualClock();
  using limit = limitTime("it", { timeoutMs: 100, clock });
  const controller = new AbortController();
  using either = limitTime("it", { timeoutMs: 100, signals: [controller.signal], clock });
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(either.signal.reason, reason);
  await clock.advance(99);
  assertEquals(limit.signal.aborted, false);
  await clock.advance(1);
  assertEquals(limit.signal.reason.name, "TimeoutError");
  assertEquals(either.signal.reason, reason);
});

Deno.test("a time limit that is disposed leaves no timer behind, and its signal to the others", () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const limit = limitTime("it", { timeoutMs: 100, signals: [controller.signal], clock });
  limit[Symbol.dispose]();
  assertEquals(clock.pending, 0);
  assertEquals(limit.signal.aborted, false);
  controller.abort();
  assertEquals(limit.signal.aborted, true);
});
