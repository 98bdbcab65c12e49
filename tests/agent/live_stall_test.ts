/** How an agent that plays back what it hears catches up after its program stood still. */
import { assertEquals, assertLess } from "@std/assert";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike } from "../../src/testing/sounds.ts";

Deno.test("an agent on a live track is in time again 5 s after a block of 3 s", async () => {
  /** How late each row is played, from the moment it was heard. */
  const lateMs = new Map<number, number>();
  const record = await simulateCall({
    seed: 4,
    people: [{ userId: "anna", says: [{ atMs: 200, pcm: speechLike(14_000) }] }],
    agent: (simulation) => ({
      audioMode: "live",
      // Awaited, so that what the track does not take waits in the agent's own ring.
      onAudio: async ({ pcm, row }, { audio }) => {
        await audio.write(pcm);
        lateMs.set(row, simulation.clock.now() - row * 20 + audio.bufferedMs);
      },
    }),
    stalls: [{ atMs: 3000, forMs: 3000 }],
    endsAtMs: 15_000,
  });
  const meanAt = (ms: number) => {
    const rows = [...lateMs].filter(([row]) => row * 20 >= ms && row * 20 < ms + 1000);
    return rows.reduce((sum, [, late]) => sum + late, 0) / rows.length;
  };
  assertLess(meanAt(11_000), meanAt(2000) + 20, record.log.slice(-2000));
  assertEquals(record.errors, []);
});
