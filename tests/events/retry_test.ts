import { assertEquals, assertRejects } from "@std/assert";
import { backOffMs, retry } from "../../src/events/retry.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

/** Fails as often as told, and keeps when it was called. */
function failing(clock: VirtualClock, times: number) {
  const calledAt: number[] = [];
  const act = (): Promise<string> => {
    calledAt.push(clock.now());
    const isFailure = calledAt.length <= times;
    return isFailure
      ? Promise.reject(new Error(`failure ${calledAt.length}`))
      : Promise.resolve("done");
  };
  return { calledAt, act };
}

Deno.test("what fails is tried again after the wait that is asked for, until it succeeds", async () => {
  const clock = new VirtualClock();
  const { calledAt, act } = failing(clock, 3);
  const told: [string, number][] = [];
  const waitMs = (error: unknown, tries: number) => {
    told.push([(error as Error).message, tries]);
    return 100 * tries;
  };
  assertEquals(await clock.until(retry(act, { clock, waitMs })), "done");
  assertEquals(calledAt, [0, 100, 300, 600]);
  assertEquals(told, [["failure 1", 1], ["failure 2", 2], ["failure 3", 3]]);
  assertEquals(clock.pending, 0);
});

Deno.test("what is given up rejects with the last error, without another wait", async () => {
  const clock = new VirtualClock();
  const { calledAt, act } = failing(clock, Infinity);
  const waitMs = (_: unknown, tries: number) => tries < 3 ? 10 : undefined;
  await assertRejects(() => clock.until(retry(act, { clock, waitMs })), Error, "failure 3");
  assertEquals(calledAt, [0, 10, 20]);
  assertEquals(clock.pending, 0);
});

Deno.test("an abort ends the tries before the first, in one and between two", async () => {
  const clock = new VirtualClock();
  const reason = new Error("enough");
  const { calledAt, act } = failing(clock, Infinity);
  let asked = 0;
  const waitMs = () => {
    asked++;
    return 1000;
  };
  const between = new AbortController();
  const waiting = retry(act, { clock, waitMs, signal: between.signal });
  await clock.advance(500);
  between.abort(reason);
  assertEquals(await waiting.catch((error) => error), reason);
  assertEquals([calledAt.length, asked, clock.pending], [1, 1, 0]);

  const before = retry(act, { clock, waitMs, signal: AbortSignal.abort(reason) });
  assertEquals(await before.catch((error) => error), reason);
  assertEquals([calledAt.length, asked], [1, 1]);

  const within = new AbortController();
  const failed = retry(() => {
    within.abort(reason);
    return Promise.reject(new Error("cut off"));
  }, { clock, waitMs, signal: within.signal });
  assertEquals(await failed.catch((error) => error), reason);
  assertEquals([asked, clock.pending], [1, 0]);
});

Deno.test("waits double up to a limit, and are spread only where that is asked for", () => {
  const tries = [1, 2, 3, 4, 40];
  assertEquals(tries.map((n) => backOffMs(n, { firstMs: 250, maxMs: 1500 })), [
    250,
    500,
    1000,
    1500,
    1500,
  ]);
  assertEquals(backOffMs(0, { firstMs: 250 }), 250);
  const spread = [0, 0.5, 1].map((at) => backOffMs(2, { firstMs: 100, random: () => at }));
  assertEquals(spread, [150, 200, 250]);
});
