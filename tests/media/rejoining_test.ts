import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnectionError } from "../../src/edge/errors.ts";
import type { ChildLink } from "../../src/media/parent/child_link.ts";
import { Rejoining, rejoinTogether } from "../../src/media/parent/rejoining.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

const away = () => new ConnectionError("away", { code: "unreachable", retryable: true });
const refused = () => new ConnectionError("no", { code: "forbidden" });

Deno.test("Rejoining tries again while a try can succeed, also after one without a reply", async () => {
  const clock = new VirtualClock();
  const errors = [away(), new DOMException("no reply", "TimeoutError"), away()];
  let tries = 0;
  let retries = 0;
  const rejoining = new Rejoining({ clock, limitMs: 60_000 });
  await clock.until(rejoining.run(() => {
    const error = errors[tries++];
    return error ? Promise.reject(error) : Promise.resolve();
  }, { onRetry: () => void retries++ }));
  assertEquals([tries, retries], [4, 3]);
  assert(clock.now() < 5000, `${clock.now()}`);
});

Deno.test("Rejoining gives up after its time, and immediately at a refusal for good", async () => {
  const clock = new VirtualClock();
  const rejoining = new Rejoining({ clock, limitMs: 60_000 });
  const error = await assertRejects(
    () => clock.until(rejoining.run(() => Promise.reject(away()))),
    ConnectionError,
    "the call was not joined again within 60000 ms: away",
  );
  assertEquals([error.code, error.retryable], ["reconnect-failed", false]);
  assert(clock.now() >= 60_000 && clock.now() < 70_000, `${clock.now()}`);
  const endedAt = clock.now();
  await assertRejects(() => rejoining.run(() => Promise.reject(refused())), ConnectionError, "no");
  assertEquals(clock.now(), endedAt);
});

Deno.test("Rejoining tries once however short its time is", async () => {
  const rejoining = new Rejoining({ clock: new VirtualClock(), limitMs: 0 });
  let tries = 0;
  await rejoining.run(() => Promise.resolve(void tries++));
  await assertRejects(() => rejoining.run(() => Promise.reject(away())), ConnectionError, "0 ms");
  assertEquals(tries, 1);
});

Deno.test("Rejoining ends with its connection, and with the next process's tries", async () => {
  const clock = new VirtualClock();
  const rejoining = new Rejoining({ clock, limitMs: 60_000 });
  const signals: AbortSignal[] = [];
  const run = () =>
    rejoining.run((signal) => {
      signals.push(signal);
      return Promise.reject(away());
    });
  const first = assertRejects(run);
  await clock.advance(0);
  const second = assertRejects(run);
  await first;
  assertEquals(signals.map(({ aborted }) => aborted), [true, false]);
  rejoining.stop();
  await second;
  const { length } = signals;
  await clock.advance(60_000);
  assertEquals(signals.length, length);
});

/** Connections of one call that join again on order, and those of them that are back. */
function connections(names: string[]) {
  const back: string[] = [];
  const link = { lost: undefined } as { lost: Error | undefined };
  const orders = new Map<string, { retry: () => void; done: () => void }>();
  const members = names.map((name) => ({
    rejoin: (_: ChildLink, { onRetry }: { onRetry: () => void }) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      orders.set(name, { retry: onRetry, done: resolve });
      return promise;
    },
    onRestored: () => void back.push(name),
  }));
  const together = rejoinTogether(members, link as ChildLink);
  const order = async (name: string, what: "retry" | "done") => {
    orders.get(name)![what]();
    // Its consequences.
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    return back.join(" ");
  };
  return { order, together, link };
}

Deno.test("rejoinTogether has those come back together that join at their first try, and a late one alone", async () => {
  const { order, together } = connections(["a", "b", "late"]);
  assertEquals(await order("a", "done"), "");
  assertEquals(await order("late", "retry"), "");
  assertEquals(await order("b", "done"), "a b");
  await together;
  assertEquals(await order("late", "retry"), "a b");
  assertEquals(await order("late", "done"), "a b late");
});

Deno.test("rejoinTogether has one that joins late wait for the others' first tries", async () => {
  const { order } = connections(["slow", "late"]);
  await order("late", "retry");
  assertEquals(await order("late", "done"), "");
  assertEquals(await order("slow", "retry"), "late");
  assertEquals(await order("slow", "done"), "late slow");
});

Deno.test("rejoinTogether has none come back in a process that was lost, too", async () => {
  const { order, link } = connections(["a", "late"]);
  await order("late", "retry");
  assertEquals(await order("a", "done"), "a");
  link.lost = new Error("lost");
  assertEquals(await order("late", "done"), "a");
});
