import { assertEquals, assertRejects } from "@std/assert";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { sleep } from "../../src/events/waiting.ts";

Deno.test("VirtualClock runs timers in order of time, then of creation", async () => {
  const clock = new VirtualClock();
  const log: string[] = [];
  const at = (ms: number, what: string) =>
    clock.schedule(() => log.push(`${what}@${clock.now()}`), ms);
  at(30, "c");
  at(10, "a");
  at(30, "d");
  at(20, "b");
  at(25, "never")[Symbol.dispose]();
  await clock.advance(30);
  assertEquals(log, ["a@10", "b@20", "c@30", "d@30"]);
  assertEquals([clock.now(), clock.pending], [30, 0]);
});

Deno.test("VirtualClock lets each timer's promises settle before the next timer", async () => {
  const clock = new VirtualClock();
  const log: string[] = [];
  const work = async () => {
    await sleep(10, { clock });
    for (let hop = 0; hop < 10_000; hop++) await undefined;
    log.push(`worked@${clock.now()}`);
  };
  clock.schedule(() => log.push(`timer@${clock.now()}`), 11);
  void work();
  await clock.advance(20);
  assertEquals(log, ["worked@10", "timer@11"]);
});

Deno.test("VirtualClock.until advances only until the promise settles", async () => {
  const clock = new VirtualClock();
  assertEquals(await clock.until(sleep(70, { clock }).then(() => "done")), "done");
  assertEquals(clock.now(), 70);
  await assertRejects(() => clock.until(Promise.reject(new Error("no"))), Error, "no");
});

Deno.test("VirtualClock.until throws when nothing could settle the promise, or beyond its limit", async () => {
  const clock = new VirtualClock();
  const never = new Promise<void>(() => {});
  await assertRejects(() => clock.until(never), Error, "nothing is scheduled");
  clock.schedule(() => {}, 5000);
  await assertRejects(() => clock.until(never, 1000), Error, "within 1000 ms");
});

Deno.test("VirtualClock's wall clock can jump, its monotonic time cannot", async () => {
  const clock = new VirtualClock({ startEpochMs: 1_000_000 });
  await clock.advance(5);
  clock.jumpWallClock(-3600_000);
  assertEquals([clock.now(), clock.epochMs()], [5, 1_000_005 - 3600_000]);
});

Deno.test("VirtualClock.stall runs due timers late", async () => {
  const clock = new VirtualClock();
  const log: number[] = [];
  clock.schedule(() => log.push(clock.now()), 20);
  clock.schedule(() => log.push(clock.now()), 300);
  await clock.stall(200);
  assertEquals(log, [200]);
  await clock.advance(100);
  assertEquals(log, [200, 300]);
});
