import { assert, assertEquals } from "@std/assert";
import { MemoryJobStore } from "../../src/leases/memory_job_store.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { checkStore } from "./store_contract.ts";

Deno.test("MemoryJobStore keeps the contract of a store", async () => {
  const clock = new VirtualClock();
  await checkStore(new MemoryJobStore({ clock }), (ms) => clock.advance(ms));
});

Deno.test("MemoryJobStore forgets jobs that have been over for a day", async () => {
  const clock = new VirtualClock();
  const store = new MemoryJobStore({ clock });
  const claim = (key: string) => {
    const job = { key, offer: { id: key, callId: "kitchen" }, workerId: "a" };
    return store.claim(job, { leaseMs: 1000, maxJobs: 1 });
  };
  const result = await claim("1");
  assert(result.status === "claimed");
  await store.release(result.lease, { outcome: "finished" });
  await clock.advance(23 * 3_600_000);
  assertEquals(await claim("1"), { status: "finished" });
  await clock.advance(2 * 3_600_000);
  assertEquals((await claim("1")).status, "claimed");
});
