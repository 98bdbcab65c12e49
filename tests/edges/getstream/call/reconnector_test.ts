import { assert, assertEquals } from "@std/assert";
import {
  AuthenticationError,
  ConnectionError,
  type EdgeError,
} from "../../../../src/edge/errors.ts";
import type { Strategy } from "../../../../src/edges/getstream/wire/ipc.ts";
import { Reconnector } from "../../../../src/edges/getstream/child/call/reconnector.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

/** A call whose tries end as told: an error, or nothing. */
function fixture(options: { outcomes?: (Error | undefined)[]; deadlineMs?: number } = {}) {
  const clock = new VirtualClock();
  const outcomes = options.outcomes ?? [];
  const tries: { strategy: Strategy; at: number }[] = [];
  const log: string[] = [];
  const state = { isHealthy: true, attemptMs: 0, isLostAgain: false };
  let givenUp: EdgeError | undefined;
  const reconnector = new Reconnector({
    clock,
    limitMs: 60_000,
    attempt: async (strategy) => {
      tries.push({ strategy, at: clock.now() });
      if (state.attemptMs > 0) {
        await new Promise<void>((resolve) => clock.schedule(resolve, state.attemptMs));
      }
      await Promise.resolve();
      if (state.isLostAgain) reconnector.request("rejoin", "lost again");
      const outcome = outcomes.shift();
      if (outcome) throw outcome;
    },
    isHealthy: () => state.isHealthy,
    fastDeadlineMs: () => options.deadlineMs ?? 10_000,
    onStart: () => void log.push("start"),
    onReconnected: ({ strategy, attempts }) => void log.push(`reconnected ${strategy} ${attempts}`),
    onGivenUp: (error) => {
      givenUp = error;
      log.push("given up");
    },
    onAttemptFailed: (_error, strategy) => void log.push(`failed ${strategy}`),
    random: () => 0.5,
  });
  return { clock, reconnector, tries, log, state, error: () => givenUp };
}

const away = () => new ConnectionError("away", { code: "unreachable", retryable: true });
const refused = () => new ConnectionError("no", { code: "not-found", retryable: true });

Deno.test("a lost socket with healthy media is claimed again immediately", async () => {
  const { clock, reconnector, tries, log } = fixture();
  reconnector.request("fast", "lost");
  await clock.advance(0);
  assertEquals(tries, [{ strategy: "fast", at: 0 }]);
  assertEquals(log, ["start", "reconnected fast 1"]);
  assertEquals(reconnector.isRunning, false);
});

Deno.test("a lost socket with media that failed, too, is a rejoin", async () => {
  const { clock, reconnector, tries, state } = fixture();
  state.isHealthy = false;
  reconnector.request("fast", "lost");
  await clock.advance(0);
  assertEquals(tries.map(({ strategy }) => strategy), ["rejoin"]);
});

Deno.test("a place that is refused is no place: the rejoin follows immediately", async () => {
  const { clock, reconnector, tries, log } = fixture({ outcomes: [refused()] });
  reconnector.request("fast", "lost");
  await clock.advance(0);
  assertEquals(tries, [{ strategy: "fast", at: 0 }, { strategy: "rejoin", at: 0 }]);
  assertEquals(log, ["start", "failed fast", "reconnected rejoin 2"]);
});

Deno.test("an unreachable SFU is tried twice, then another one is asked for, in turn", async () => {
  const { clock, reconnector, tries } = fixture({ outcomes: Array.from({ length: 5 }, away) });
  reconnector.request("fast", "lost");
  await clock.advance(20_000);
  assertEquals(tries.map(({ strategy }) => strategy), [
    "fast",
    "fast",
    "rejoin",
    "fast",
    "fast",
    "rejoin",
  ]);
});

Deno.test("after the SFU's deadline a place is not claimed any more", async () => {
  const { clock, reconnector, tries } = fixture({
    outcomes: Array.from({ length: 20 }, away),
    deadlineMs: 2000,
  });
  reconnector.request("fast", "lost");
  await clock.advance(30_000);
  assert(tries.some(({ strategy }) => strategy === "fast"));
  assert(tries.filter(({ at }) => at > 2000).every(({ strategy }) => strategy === "rejoin"));
});

Deno.test("tries come less and less often", async () => {
  const { clock, reconnector, tries, state } = fixture({
    outcomes: Array.from({ length: 8 }, refused),
  });
  state.isHealthy = false;
  reconnector.request("rejoin", "order");
  await clock.advance(60_000);
  const waits = tries.slice(1).map(({ at }, index) => at - tries[index]!.at);
  assertEquals(waits, [250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
});

Deno.test("a migration that fails is a rejoin", async () => {
  const { clock, reconnector, tries, log } = fixture({ outcomes: [refused()] });
  reconnector.request("migrate", "go away");
  await clock.advance(0);
  assertEquals(tries.map(({ strategy }) => strategy), ["migrate", "rejoin"]);
  assertEquals(log.at(-1), "reconnected rejoin 2");
});

Deno.test("what is asked for meanwhile is done afterwards, unless it is less", async () => {
  const { clock, reconnector, tries, state, log } = fixture();
  state.attemptMs = 100;
  reconnector.request("fast", "lost");
  await clock.advance(50);
  reconnector.request("rejoin", "order");
  await clock.advance(1000);
  assertEquals(tries.map(({ strategy }) => strategy), ["fast", "rejoin"]);
  assertEquals(log.filter((line) => line.startsWith("reconnected")).length, 1);
});

Deno.test("it is given up when its time is over, with the last reason", async () => {
  const { clock, reconnector, log, error } = fixture({
    outcomes: Array.from({ length: 99 }, away),
  });
  reconnector.request("fast", "lost");
  await clock.advance(70_000);
  assertEquals(log.at(-1), "given up");
  assertEquals(error()?.code, "reconnect-failed");
  assert(/60000 ms: away/.test(error()!.message));
  assertEquals([clock.pending, reconnector.isRunning], [0, false]);
});

Deno.test("a join that is refused for good is given up immediately", async () => {
  const forbidden = new AuthenticationError("no", { code: "forbidden" });
  const { clock, reconnector, log, error } = fixture({ outcomes: [forbidden] });
  reconnector.request("rejoin", "order");
  await clock.advance(0);
  assertEquals(log, ["start", "given up"]);
  assertEquals(error(), forbidden);
});

Deno.test("stopping ends it without a word, also while it waits", async () => {
  const { clock, reconnector, log } = fixture({ outcomes: Array.from({ length: 9 }, refused) });
  reconnector.request("rejoin", "order");
  await clock.advance(100);
  await clock.until(reconnector.stop());
  reconnector.request("fast", "late");
  await clock.advance(10_000);
  assertEquals(log, ["start", "failed rejoin"]);
  assertEquals(clock.pending, 0);
});

Deno.test("a call that is lost again in each try is given up in time, and does not hurry", async () => {
  const { clock, reconnector, tries, log, state } = fixture();
  state.isLostAgain = true;
  reconnector.request("rejoin", "lost");
  await clock.advance(80_000);
  assertEquals(log.at(-1), "given up");
  assert(tries.length > 5 && tries.length < 30, `${tries.length} tries`);
});
