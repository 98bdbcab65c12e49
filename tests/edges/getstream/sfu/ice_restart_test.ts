import { assertEquals } from "@std/assert";
import { IceRestart } from "../../../../src/edges/getstream/child/sfu/ice_restart.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

function fixture(restart: () => Promise<void> = () => Promise.resolve()) {
  const clock = new VirtualClock();
  const log: string[] = [];
  const restarts = new IceRestart({
    clock,
    restart: (peer) => {
      log.push(`restart ${peer} at ${clock.now()}`);
      return restart();
    },
    onLost: (peer) => void log.push(`lost ${peer} at ${clock.now()}`),
    onError: () => void log.push("error"),
  });
  return { clock, log, restarts };
}

Deno.test("IceRestart leaves a connection alone that recovers by itself", async () => {
  const { clock, log, restarts } = fixture();
  restarts.onState("subscriber", "disconnected");
  await clock.advance(1000);
  restarts.onState("subscriber", "connected");
  await clock.advance(10_000);
  assertEquals([log, clock.pending], [[], 0]);
});

Deno.test("IceRestart restarts a connection once, then reports it lost", async () => {
  const { clock, log, restarts } = fixture();
  restarts.onState("subscriber", "disconnected");
  await clock.advance(10_000);
  assertEquals(log, ["restart subscriber at 1500", "lost subscriber at 5500"]);
});

Deno.test("IceRestart restarts again at the next failure after a restart that helped", async () => {
  const { clock, log, restarts } = fixture();
  for (let round = 0; round < 2; round++) {
    restarts.onState("publisher", "failed");
    await clock.advance(500);
    restarts.onState("publisher", "connected");
    await clock.advance(9500);
  }
  assertEquals(log, ["restart publisher at 0", "restart publisher at 10000"]);
});

Deno.test("IceRestart reports a connection lost immediately that fails during its restart", async () => {
  const { clock, log, restarts } = fixture();
  restarts.onState("publisher", "failed");
  await clock.advance(500);
  restarts.onState("publisher", "failed");
  assertEquals(log, ["restart publisher at 0", "lost publisher at 500"]);
});

Deno.test("IceRestart reports an error and a lost connection when a restart is refused", async () => {
  const { clock, log, restarts } = fixture(() => Promise.reject(new Error("no")));
  restarts.onState("publisher", "failed");
  await clock.advance(0);
  assertEquals(log, ["restart publisher at 0", "error", "lost publisher at 0"]);
});

Deno.test("IceRestart does nothing after stop", async () => {
  const { clock, log, restarts } = fixture();
  restarts.onState("publisher", "disconnected");
  restarts.stop();
  restarts.onState("subscriber", "failed");
  await clock.advance(10_000);
  assertEquals([log, clock.pending], [[], 0]);
});
