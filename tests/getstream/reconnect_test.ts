import { assert, assertEquals } from "@std/assert";
import { StreamDouble } from "./double/stream_double.ts";
import { TestCall } from "./harness.ts";
import { longestGap, medianFrequency, until } from "./listener.ts";

/** Targets are the benchmark's business: here, on whatever machine, twice as much is right. */
const SLACK = 2;

const FAST = 2, REJOIN = 3, MIGRATE = 4;

/** What one reconnection did to the sound, both ways. */
async function gapsOf(test: TestCall, trigger: () => Promise<void>, wait = 1500) {
  const count = test.reconnected.length;
  const from = performance.now();
  await trigger();
  const event = await until("reconnecting", () => test.reconnected[count], 25_000);
  const back = performance.now() - from;
  await new Promise((resolve) => setTimeout(resolve, wait));
  const to = performance.now() - 100;
  const heard = await test.heard();
  return {
    strategy: event.strategy,
    attempts: event.attempts,
    elapsedMs: event.elapsedMs,
    back,
    hears: longestGap(test.slots, from, to),
    isHeard: longestGap(heard, from, to),
    pitch: medianFrequency(test.slots.filter(({ at }) => at > to - 500)),
    itsPitch: medianFrequency(heard.filter(({ at }) => at > to - 500)),
  };
}

Deno.test("a lost socket is replaced and media goes on (FAST)", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const gaps = await gapsOf(test, () => test.command("dropSocket"));
  assertEquals(gaps.strategy, "fast");
  assert(gaps.hears <= 300 * SLACK, `the agent heard nothing for ${gaps.hears} ms`);
  assert(gaps.isHeard <= 300 * SLACK, `the agent was not heard for ${gaps.isHeard} ms`);
  const { joins, faults } = await double.report();
  assertEquals(joins.map(({ strategy }) => strategy), [0, FAST]);
  assertEquals(joins[0]!.sessionId, joins[1]!.sessionId);
  assertEquals(faults, []);
});

Deno.test("an SFU that orders it is joined anew (REJOIN)", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const gaps = await gapsOf(test, () => test.command("error", { strategy: REJOIN }));
  assertEquals(gaps.strategy, "rejoin");
  assert(gaps.hears <= 1500 * SLACK && gaps.isHeard <= 1500 * SLACK, JSON.stringify(gaps));
  const { joins, faults } = await double.report();
  assertEquals(joins.map(({ strategy }) => strategy), [0, REJOIN]);
  assertEquals(joins[1]!.previousSessionId, joins[0]!.sessionId);
  assertEquals(faults, []);
});

Deno.test("an SFU that goes away is left for another one without a gap (MIGRATE)", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const gaps = await gapsOf(test, () => test.command("goAway"));
  assertEquals(gaps.strategy, "migrate");
  assert(gaps.hears <= 100 * SLACK && gaps.isHeard <= 100 * SLACK, JSON.stringify(gaps));
  const { joins, faults } = await double.report();
  assertEquals(joins.map(({ strategy, edge }) => [strategy, edge]), [
    [0, "sfu-1"],
    [MIGRATE, "sfu-2"],
  ]);
  assertEquals(joins[1]!.sessionId, joins[0]!.sessionId);
  assertEquals(joins[1]!.fromSfuId, "sfu-1");
  assertEquals(faults, []);
});

Deno.test("an SFU's order to migrate is obeyed, from one SFU to the next and back", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  for (const edge of ["sfu-2", "sfu-1", "sfu-2"]) {
    const gaps = await gapsOf(test, () => test.command("error", { strategy: MIGRATE }), 1000);
    assertEquals(gaps.strategy, "migrate");
    assert(gaps.hears <= 200 && gaps.isHeard <= 200, JSON.stringify(gaps));
    const members = await double.sfu.command<{ userId: string; edges: string[] }[]>("members", {
      cid: "default:kitchen",
    });
    assertEquals(members.find(({ userId }) => userId === "bot")!.edges, [edge]);
  }
  assertEquals((await double.report()).faults, []);
});

Deno.test("an SFU that has forgotten us is joined anew", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const gaps = await gapsOf(test, () => test.command("forget"));
  assertEquals(gaps.strategy, "rejoin");
  assert(gaps.hears <= 1500 * SLACK && gaps.isHeard <= 1500 * SLACK, JSON.stringify(gaps));
  assert(Math.abs(gaps.pitch - 440) <= 50 && Math.abs(gaps.itsPitch - 660) <= 50);
  assertEquals((await double.report()).faults, []);
});

Deno.test("an SFU that dies is left for another one within 5 s", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const gaps = await gapsOf(test, () => double.sfu.command("killEdge", { edge: "sfu-1" }));
  assertEquals(gaps.strategy, "rejoin");
  assert(gaps.back <= 5000, `${gaps.back} ms`);
  const { joins, faults } = await double.report();
  assertEquals(joins.at(-1)!.edge, "sfu-2");
  assertEquals(faults, []);
});

Deno.test("a socket that falls silent is noticed and replaced", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silenceTimeoutMs: 1500 });
  const gaps = await gapsOf(test, () => test.command("silence"));
  assertEquals(gaps.strategy, "fast");
  assert(gaps.back <= 4000, `${gaps.back} ms`);
  assert(gaps.hears <= 600 && gaps.isHeard <= 600, JSON.stringify(gaps));
  assertEquals((await double.report()).faults, []);
});

Deno.test("a failed media connection is restarted, or the call joined anew", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const gaps = await gapsOf(test, () => test.command("closePeers"));
  assert(gaps.back <= 12_000, `${gaps.back} ms`);
  assertEquals(gaps.strategy, "rejoin");
  assertEquals((await double.report()).faults, []);
});
