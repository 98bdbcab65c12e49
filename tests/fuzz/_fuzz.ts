/** How often each property is tried: `FUZZ_RUNS`, a million for a night. */
import { assert } from "@std/assert";

export const numRuns = Number(Deno.env.get("FUZZ_RUNS") ?? 10_000);

/** What fuzzing may leave in memory. The heap breathes by a few megabytes. */
const MOST_GROWTH = 64 << 20;

/** Runs `body`, and looks whether memory outside the heap grew: what buffers and views hold. */
export function withoutGrowth(body: () => void): void {
  const before = Deno.memoryUsage().external;
  body();
  const grown = Deno.memoryUsage().external - before;
  assert(grown < MOST_GROWTH, `memory grew by ${grown >> 20} MiB`);
}
