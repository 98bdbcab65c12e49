import { MemoryJobStore } from "../../src/leases/memory_job_store.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { checkStore } from "./store_contract.ts";

Deno.test("MemoryJobStore keeps the contract of a store", async () => {
  const clock = new VirtualClock();
  await checkStore(new MemoryJobStore({ clock }), (ms) => clock.advance(ms));
});
