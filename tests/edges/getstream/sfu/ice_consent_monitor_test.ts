import { assertEquals } from "@std/assert";
import { IceConsentMonitor } from "../../../../src/edges/getstream/child/sfu/ice_consent_monitor.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

/** A path whose statistics the test sets. */
function path() {
  const clock = new VirtualClock();
  const counts = { id: "first", requestsSent: 0, responsesReceived: 0 };
  let dead = 0;
  let alive = 0;
  const monitor = new IceConsentMonitor({
    clock,
    stats: () => Promise.resolve([{ type: "candidate-pair", ...counts }, { type: "codec" }]),
    onDead: () => dead++,
    onAlive: () => alive++,
  });
  /** Lets seconds pass with a request each, with a response or not. */
  const pass = async (seconds: number, options: { responds: boolean }) => {
    for (let second = 0; second < seconds; second++) {
      counts.requestsSent++;
      if (options.responds) counts.responsesReceived++;
      await clock.advance(1000);
    }
  };
  return { clock, counts, monitor, pass, dead: () => dead, alive: () => alive };
}

Deno.test("IceConsentMonitor keeps a path with responses alive", async () => {
  const { pass, dead, monitor } = path();
  await pass(60, { responds: true });
  assertEquals(dead(), 0);
  monitor.stop();
});

Deno.test("IceConsentMonitor reports a path without responses for 5 s as dead, once", async () => {
  const { pass, dead, alive, monitor, clock } = path();
  await pass(3, { responds: true });
  await pass(5, { responds: false });
  assertEquals(dead(), 1);
  await pass(20, { responds: false });
  assertEquals([dead(), alive()], [1, 0]);
  await pass(3, { responds: true });
  assertEquals([dead(), alive()], [1, 1]);
  await pass(6, { responds: false });
  assertEquals(dead(), 2, "it was alive in between");
  monitor.stop();
  await clock.advance(5000);
  assertEquals(clock.pending, 0);
});

Deno.test("IceConsentMonitor reports nothing for a path without requests", async () => {
  const { pass, dead, monitor, clock } = path();
  await pass(2, { responds: true });
  await clock.advance(60_000);
  assertEquals(dead(), 0);
  monitor.stop();
});

Deno.test("IceConsentMonitor waits for a response after a restart, which counts from zero", async () => {
  const { pass, dead, alive, counts, monitor } = path();
  await pass(5, { responds: true });
  await pass(6, { responds: false });
  counts.requestsSent = counts.responsesReceived = 0;
  await pass(2, { responds: false });
  assertEquals([dead(), alive()], [1, 0]);
  await pass(1, { responds: true });
  assertEquals([dead(), alive()], [1, 1]);
  monitor.stop();
});

Deno.test("IceConsentMonitor takes a new pair's first response for a path that is alive", async () => {
  const { pass, dead, alive, counts, monitor } = path();
  await pass(5, { responds: true });
  await pass(6, { responds: false });
  assertEquals([dead(), alive()], [1, 0]);
  Object.assign(counts, { id: "second", requestsSent: 0, responsesReceived: 0 });
  await pass(1, { responds: true });
  assertEquals([dead(), alive()], [1, 1], "fewer responses than before, but new ones");
  monitor.stop();
});
