/** What each store of jobs keeps to. */
import { assertEquals } from "@std/assert";
import type { JobStore, Lease, StoredOffer } from "../../src/leases/job_store.ts";

/** Longer than a test takes, and shorter than a wait. */
const LONG_MS = 600_000;
const BRIEF_MS = 1;
const WAIT_MS = 50;

/** Checks a store; `wait` lets its clock go on. */
export async function checkStore(
  store: JobStore,
  wait: (ms: number) => Promise<void>,
): Promise<void> {
  const offer = (id: string): StoredOffer => ({ id, callId: "kitchen", metadata: { table: [7] } });
  const claim = (key: string, workerId: string, maxJobs = Infinity) =>
    store.claim({ key, offer: offer(key), workerId }, { leaseMs: LONG_MS, maxJobs });
  const claimed = async (key: string, workerId: string) => {
    const result = await claim(key, workerId);
    if (result.status !== "claimed") throw new Error(`${key} is ${result.status}`);
    return result;
  };
  const free = async () =>
    (await store.jobs({ freeOnly: true })).map(({ key, attempt }) => `${key} ${attempt}`);
  const worker = { workerId: "a", calls: 1, load: 0.5 };
  const renew = async (lease: Lease, leaseMs = LONG_MS) =>
    (await store.renew([lease], { leaseMs, worker }))[0];

  let first = await claimed("1", "a");
  assertEquals(first.attempt, 1);
  assertEquals(await claim("1", "b"), { status: "held" });
  assertEquals(await store.jobs({ freeOnly: false }), [
    { key: "1", offer: offer("1"), workerId: "a", attempt: 1, isHeld: true },
  ]);
  const own = { leaseMs: LONG_MS, maxJobs: 1, isOwn: true };
  assertEquals(
    await store.claim({ key: "1", offer: offer("1"), workerId: "b" }, own),
    { status: "held" },
  );
  const lost = first.lease;
  const anew = await store.claim({ key: "1", offer: offer("1"), workerId: "a" }, own);
  if (anew.status !== "claimed") throw new Error(`its own job is ${anew.status}`);
  assertEquals([anew.attempt, anew.lease.token > lost.token], [1, true]);
  assertEquals(await renew(lost), "lost");
  first = anew;
  assertEquals([await renew(first.lease), await free()], ["held", []]);
  assertEquals(await renew({ key: "none", token: 1 }), "unknown");
  assertEquals(await store.workers(), [worker]);

  // Expired, it is free; renewed before another has it, it is the holder's still.
  assertEquals(await renew(first.lease, BRIEF_MS), "held");
  await wait(WAIT_MS);
  assertEquals(await free(), ["1 1"]);
  assertEquals([await renew(first.lease, BRIEF_MS)], ["held"]);
  await wait(WAIT_MS);
  const second = await claimed("1", "b");
  assertEquals([second.attempt, second.lease.token > first.lease.token], [2, true]);
  assertEquals(await renew(first.lease), "lost");
  // The former holder has no say any more.
  await store.release(first.lease, { outcome: "finished" });
  assertEquals(await claim("1", "a"), { status: "held" });

  // Given back to go on: claimed by name immediately, by those who look after the pause.
  await store.release(second.lease, { outcome: "unfinished", afterMs: LONG_MS });
  assertEquals([await renew(second.lease), await free()], ["lost", []]);
  const third = await claimed("1", "c");
  await store.release(third.lease, { outcome: "unfinished", afterMs: BRIEF_MS });
  await wait(WAIT_MS);
  assertEquals(await free(), ["1 3"]);
  const fourth = await claimed("1", "c");
  await store.release(fourth.lease, { outcome: "declined" });
  assertEquals(await free(), ["1 3"], "it was not begun");

  const limited = await claim("2", "a", 1);
  if (limited.status !== "claimed") throw new Error(limited.status);
  assertEquals(await claim("3", "a", 1), { status: "limit" });
  // The calls of a worker that is gone come before new ones, and no more than the limit are held.
  assertEquals(await renew(limited.lease, BRIEF_MS), "held");
  await wait(WAIT_MS);
  assertEquals(await claim("3", "a", 1), { status: "limit" });
  const taken = await claim("2", "b", 1);
  if (taken.status !== "claimed") throw new Error(taken.status);
  assertEquals(await claim("1", "b", 1), { status: "limit" });
  await store.release(taken.lease, { outcome: "declined", afterMs: LONG_MS });
  const other = await claim("3", "b", 1);
  if (other.status !== "claimed") throw new Error(other.status);
  await store.release(other.lease, { outcome: "forgotten" });
  const last = await claim("2", "b", 1);
  if (last.status !== "claimed") throw new Error(last.status);
  await store.release(last.lease, { outcome: "forgotten" });
  const again = await claimed("2", "a");
  assertEquals(again.attempt, 1);
  await store.release(again.lease, { outcome: "finished" });
  assertEquals(await claim("2", "b"), { status: "finished" });
  assertEquals(await renew(again.lease), "unknown");
  assertEquals(await store.known(["1", "2", "3"]), [true, true, false]);
  assertEquals(await store.known([]), []);

  assertEquals(await store.takeTurn("look", LONG_MS), true);
  assertEquals(await store.takeTurn("look", LONG_MS), false);
  assertEquals(await store.takeTurn("brief", BRIEF_MS), true);
  await wait(WAIT_MS);
  assertEquals(await store.takeTurn("brief", BRIEF_MS), true);
}
