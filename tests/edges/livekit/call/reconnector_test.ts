import { assertEquals } from "@std/assert";
import { AuthenticationError, ConnectionError } from "../../../../src/edge/errors.ts";
import { Reconnector } from "../../../../src/edges/livekit/child/call/reconnector.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

/** A call whose tries end as told: an error, or nothing. */
function fixture(
  outcomes: (Error | undefined)[] = [],
  {
    attemptMs = 0,
    hasMedia = (): boolean => false,
    onAttempt = (_signal: AbortSignal): Promise<void> | void => {},
  } = {},
) {
  const clock = new VirtualClock();
  const log: string[] = [];
  const reconnector = new Reconnector({
    clock,
    limitMs: 60_000,
    hasMedia: () => Promise.resolve(hasMedia()),
    attempt: async (strategy, signal) => {
      log.push(`${strategy} at ${clock.now()}`);
      await onAttempt(signal);
      if (attemptMs > 0) {
        await new Promise<void>((resolve) => clock.schedule(resolve, attemptMs));
      }
      const outcome = outcomes.shift();
      if (outcome) throw outcome;
    },
    onStart: () => void log.push("start"),
    onReconnected: ({ strategy, attempts, elapsedMs }) =>
      void log.push(`${strategy} worked, try ${attempts}, ${elapsedMs} ms`),
    onGivenUp: ({ code }) => void log.push(`given up: ${code}`),
    onAttemptFailed: () => {},
    random: () => 0.5,
  });
  return { clock, reconnector, log };
}

const away = () => new ConnectionError("away", { code: "unreachable", retryable: true });
const mismatch = () => new ConnectionError("no", { code: "state-mismatch", retryable: true });

Deno.test("Reconnector resumes a session immediately", async () => {
  const { clock, reconnector, log } = fixture();
  reconnector.request("resume");
  await clock.advance(0);
  assertEquals(log, ["start", "resume at 0", "resume worked, try 1, 0 ms"]);
  assertEquals(reconnector.isRunning, false);
});

Deno.test("Reconnector joins anew immediately when the session is gone", async () => {
  const { clock, reconnector, log } = fixture([mismatch()]);
  reconnector.request("resume");
  await clock.advance(0);
  assertEquals(log, ["start", "resume at 0", "rejoin at 0", "rejoin worked, try 2, 0 ms"]);
});

Deno.test("Reconnector tries servers that are away in turn, then joins anew, more and more slowly", async () => {
  const { clock, reconnector, log } = fixture(Array.from({ length: 6 }, away));
  reconnector.request("resume");
  await clock.advance(20_000);
  const tries = log.filter((line) => / at /.test(line));
  assertEquals(tries.map((line) => line.split(" ")[0]), [
    ...["resume", "resume", "resume"],
    ...["rejoin", "rejoin", "rejoin", "rejoin"],
  ]);
  const times = tries.map((line) => Number(line.split(" at ")[1]));
  const pauses = times.slice(1).map((time, index) => time - times[index]!);
  assertEquals(pauses.slice(3), pauses.slice(3).toSorted((a, b) => a - b), `${pauses}`);
  assertEquals(log.at(-1)?.startsWith("rejoin worked"), true);
});

Deno.test("Reconnector keeps a session that carries media while no server responds", async () => {
  let isCarrying = true;
  const hasMedia = () => isCarrying;
  const kept = fixture(Array.from({ length: 6 }, away), { hasMedia });
  kept.reconnector.request("resume");
  await kept.clock.advance(20_000);
  const strategies = (log: string[]) =>
    log.filter((line) => / at /.test(line)).map((line) => line.split(" ")[0]);
  assertEquals(strategies(kept.log), Array(7).fill("resume"));
  assertEquals(kept.log.at(-1)?.startsWith("resume worked"), true);

  const lost = fixture(Array.from({ length: 100 }, away), { hasMedia });
  lost.reconnector.request("resume");
  await lost.clock.advance(10_000);
  isCarrying = false;
  await lost.clock.advance(5000);
  assertEquals(lost.log.at(-1)?.startsWith("rejoin at"), true, "its media are lost, too");
});

Deno.test("Reconnector ends with a join that is refused for good", async () => {
  const { clock, reconnector, log } = fixture([
    mismatch(),
    new AuthenticationError("no", { code: "unauthorized" }),
  ]);
  reconnector.request("resume");
  await clock.advance(0);
  assertEquals(log.at(-1), "given up: unauthorized");
  assertEquals(reconnector.isRunning, false);
});

Deno.test("Reconnector gives up after its limit", async () => {
  const { clock, reconnector, log } = fixture(Array.from({ length: 100 }, away));
  reconnector.request("rejoin");
  await clock.advance(80_000);
  assertEquals(log.at(-1), "given up: reconnect-failed");
});

Deno.test("Reconnector does not count the time that a call is there between losses", async () => {
  // Back at the second try, for four seconds each time.
  const outcomes = Array.from({ length: 100 }, (_, at) => at % 2 === 0 ? away() : undefined);
  const { clock, reconnector, log } = fixture(outcomes);
  let awayMs = 0;
  const isGivenUp = () => log.at(-1)!.startsWith("given up");
  do {
    const lostAt = clock.now();
    reconnector.request("rejoin");
    do await clock.advance(50); while (reconnector.isRunning);
    awayMs += clock.now() - lostAt;
    if (!isGivenUp()) await clock.advance(4000);
  } while (!isGivenUp());
  assertEquals(awayMs >= 60_000 && awayMs < 70_000, true, `${awayMs} ms away`);
});

Deno.test("Reconnector follows a wish for a new join that comes during a resumption", async () => {
  const { clock, reconnector, log } = fixture([], { attemptMs: 100 });
  reconnector.request("resume");
  await clock.advance(50);
  reconnector.request("rejoin");
  reconnector.request("resume");
  await clock.advance(200);
  assertEquals(log, [
    ...["start", "resume at 0", "rejoin at 100"],
    "rejoin worked, try 2, 200 ms",
  ]);
});

Deno.test("Reconnector stops without a word", async () => {
  const { clock, reconnector, log } = fixture(Array.from({ length: 100 }, away));
  reconnector.request("rejoin");
  await clock.advance(1000);
  const before = log.length;
  await reconnector.stop();
  await clock.advance(80_000);
  assertEquals(log.length, before);
});

Deno.test("Reconnector ends a try that another request has overtaken", async () => {
  const ended: string[] = [];
  const { clock, reconnector, log } = fixture([], {
    onAttempt: (signal) => {
      if (ended.length > 0) return;
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          ended.push(`${clock.now()}: ${signal.reason.code}`);
          reject(signal.reason);
        }, { once: true })
      );
    },
  });
  reconnector.request("resume");
  await clock.advance(50);
  reconnector.request("rejoin");
  await clock.advance(0);
  assertEquals(ended, ["50: lost"]);
  assertEquals(log, ["start", "resume at 0", "rejoin at 50", "rejoin worked, try 2, 50 ms"]);
});

Deno.test("Reconnector gives up a call that is lost again in each try, and does not hurry", async () => {
  const { clock, reconnector, log } = fixture([], {
    onAttempt: async () => {
      await Promise.resolve();
      reconnector.request("rejoin");
    },
  });
  reconnector.request("rejoin");
  await clock.advance(80_000);
  assertEquals(log.at(-1), "given up: reconnect-failed");
  const tries = log.filter((line) => / at /.test(line)).length;
  assertEquals(tries > 5 && tries < 30, true, `${tries} tries`);
});

Deno.test("Reconnector counts the tries of sessions that do not last as one reconnection", async () => {
  const { clock, reconnector, log } = fixture(new Array(6).fill(undefined));
  const starts: number[] = [];
  for (let count = 0; count < 6; count++) {
    const lostAt = clock.now();
    const before = log.length;
    reconnector.request("resume");
    while (!log.slice(before).some((line) => line.includes("worked"))) await clock.advance(50);
    starts.push(clock.now() - lostAt);
    await clock.advance(100);
  }
  assertEquals(starts, starts.toSorted((a, b) => a - b));
  assertEquals([starts[0]! <= 50, starts[5]! >= 4000], [true, true], `${starts}`);
  await clock.advance(5000);
  reconnector.request("resume");
  await clock.advance(0);
  assertEquals(log.at(-1), "resume worked, try 1, 0 ms", "one that lasted");
});
