import { assertEquals } from "@std/assert";
import { IceConsentMonitor } from "../../../../src/edges/getstream/child/sfu/ice_consent_monitor.ts";
import { IceRestart } from "../../../../src/edges/getstream/child/sfu/ice_restart.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

function repair(restart: () => Promise<void> = () => Promise.resolve()) {
  const clock = new VirtualClock();
  const log: string[] = [];
  const it = new IceRestart({
    clock,
    restart: (peer) => {
      log.push(`restart ${peer} at ${clock.now()}`);
      return restart();
    },
    onLost: (peer) => void log.push(`lost ${peer} at ${clock.now()}`),
    onError: () => void log.push("error"),
  });
  return { clock, log, it };
}

Deno.test("a connection that comes back by itself is left alone", async () => {
  const { clock, log, it } = repair();
  it.onState("subscriber", "disconnected");
  await clock.advance(1000);
  it.onState("subscriber", "connected");
  await clock.advance(10_000);
  assertEquals([log, clock.pending], [[], 0]);
});

Deno.test("a connection that stays away is restarted once, then lost", async () => {
  const { clock, log, it } = repair();
  it.onState("subscriber", "disconnected");
  await clock.advance(10_000);
  assertEquals(log, ["restart subscriber at 1500", "lost subscriber at 5500"]);
});

Deno.test("a restart that helps is the end of it, and the next failure is restarted anew", async () => {
  const { clock, log, it } = repair();
  for (let round = 0; round < 2; round++) {
    it.onState("publisher", "failed");
    await clock.advance(500);
    it.onState("publisher", "connected");
    await clock.advance(9500);
  }
  assertEquals(log, ["restart publisher at 0", "restart publisher at 10000"]);
});

Deno.test("a connection that fails again during its restart is lost immediately", async () => {
  const { clock, log, it } = repair();
  it.onState("publisher", "failed");
  await clock.advance(500);
  it.onState("publisher", "failed");
  assertEquals(log, ["restart publisher at 0", "lost publisher at 500"]);
});

Deno.test("a restart that is refused is told and the connection lost", async () => {
  const { clock, log, it } = repair(() => Promise.reject(new Error("no")));
  it.onState("publisher", "failed");
  await clock.advance(0);
  assertEquals(log, ["restart publisher at 0", "error", "lost publisher at 0"]);
});

Deno.test("nothing happens any more once it is stopped", async () => {
  const { clock, log, it } = repair();
  it.onState("publisher", "disconnected");
  it.stop();
  it.onState("subscriber", "failed");
  await clock.advance(10_000);
  assertEquals([log, clock.pending], [[], 0]);
});

/** A path whose questions and answers are counted as the test says. */
function path() {
  const clock = new VirtualClock();
  const counts = { requestsSent: 0, responsesReceived: 0 };
  let dead = 0;
  let alive = 0;
  const watch = new IceConsentMonitor({
    clock,
    stats: () => Promise.resolve([{ type: "candidate-pair", ...counts }, { type: "codec" }]),
    onDead: () => dead++,
    onAlive: () => alive++,
  });
  /** Lets seconds pass with a question each, answered or not. */
  const pass = async (seconds: number, options: { answered: boolean }) => {
    for (let second = 0; second < seconds; second++) {
      counts.requestsSent++;
      if (options.answered) counts.responsesReceived++;
      await clock.advance(1000);
    }
  };
  return { clock, counts, watch, pass, dead: () => dead, alive: () => alive };
}

Deno.test("a path whose questions are answered lives", async () => {
  const { pass, dead, watch } = path();
  await pass(60, { answered: true });
  assertEquals(dead(), 0);
  watch.stop();
});

Deno.test("a path whose questions are not answered for 5 s is dead, and is told once", async () => {
  const { pass, dead, alive, watch, clock } = path();
  await pass(3, { answered: true });
  await pass(5, { answered: false });
  assertEquals(dead(), 1);
  await pass(20, { answered: false });
  assertEquals([dead(), alive()], [1, 0]);
  await pass(3, { answered: true });
  assertEquals([dead(), alive()], [1, 1]);
  await pass(6, { answered: false });
  assertEquals(dead(), 2, "it lived again in between");
  watch.stop();
  await clock.advance(5000);
  assertEquals(clock.pending, 0);
});

Deno.test("a path without requests says nothing", async () => {
  const { pass, dead, watch, clock } = path();
  await pass(2, { answered: true });
  await clock.advance(60_000);
  assertEquals(dead(), 0);
  watch.stop();
});

Deno.test("a restart, which counts anew, is no life until it is answered", async () => {
  const { pass, dead, alive, counts, watch } = path();
  await pass(5, { answered: true });
  await pass(6, { answered: false });
  counts.requestsSent = counts.responsesReceived = 0;
  await pass(2, { answered: false });
  assertEquals([dead(), alive()], [1, 0]);
  await pass(1, { answered: true });
  assertEquals([dead(), alive()], [1, 1]);
  watch.stop();
});
