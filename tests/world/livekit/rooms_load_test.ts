/** Workers with several rooms of LiveKit's own server, and callers of LiveKit's Python SDK. */
import { assert, assertEquals } from "@std/assert";
import { hasPython } from "../../programs/_livekit_callers.ts";
import { runRoomsLoad } from "./_rooms_load.ts";
import { program } from "./_server.ts";

Deno.test({
  name: "each of six callers hears the agent of their own room, by two workers, and no other's",
  ignore: program === undefined || !hasPython,
  async fn() {
    const figures = await runRoomsLoad({ rooms: 6, workers: 2, seconds: 10 });
    const { heard, jobs, outcomes, exits, left } = figures;
    for (const { room, hz, tones, purity, missingMs, wallMs } of heard) {
      assertEquals([room, tones], [room, [hz]]);
      assert(purity > 0.9, `${room} hears more than its agent: ${purity}`);
      assert(missingMs < wallMs / 2, `${room} missed ${missingMs} of ${wallMs} ms`);
    }
    assertEquals(jobs.reduce((sum, one) => sum + one, 0), 6, "a job for each room");
    assertEquals([outcomes, exits, left], [Array(6).fill("finished"), [0, 0], []]);
  },
});
