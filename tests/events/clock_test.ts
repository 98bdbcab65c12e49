import { assertEquals } from "@std/assert";
import { systemClock } from "../../src/events/clock.ts";

Deno.test("a timer for ever, or for longer than the runtime's hold, does not fire immediately", async () => {
  const fired: number[] = [];
  const timers = [Infinity, 2 ** 31, 1e12].map((ms) =>
    systemClock.schedule(() => fired.push(ms), ms)
  );
  // The runtime makes 1 ms of what is too long for it.
  const { promise, resolve } = Promise.withResolvers<void>();
  systemClock.schedule(resolve, 5);
  await promise;
  assertEquals(fired, []);
  for (const timer of timers) timer[Symbol.dispose]();
});

Deno.test("systemClock's timers never fire before their time, which may be a fraction", async () => {
  const early: number[] = [];
  await Promise.all(Array.from({ length: 200 }, (_, index) => {
    const ms = 5 + index * 0.137;
    const due = systemClock.now() + ms;
    return new Promise<void>((resolve) =>
      systemClock.schedule(() => {
        if (systemClock.now() < due) early.push(ms);
        resolve();
      }, ms)
    );
  }));
  assertEquals(early, []);
});
