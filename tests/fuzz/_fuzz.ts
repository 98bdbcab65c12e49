/** How often each property is tried: `FUZZ_RUNS`, a million for a night. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert } from "@std/assert";

export const numRuns = Number(Deno.env.get("FUZZ_RUNS") ?? 10_000);

/** What fuzzing may leave in memory. The heap breathes by a few megabytes. */
const MOST_GROWTH = 64 << 20;

// What is only garbage yet must not count as growth.
setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

function external(): number {
  collect();
  return Deno.memoryUsage().external;
}

/** Runs `body`, and looks whether memory outside the heap grew: what buffers and views hold. */
export function withoutGrowth(body: () => void): void {
  const before = external();
  body();
  const grown = external() - before;
  assert(grown < MOST_GROWTH, `memory grew by ${grown >> 20} MiB`);
}
