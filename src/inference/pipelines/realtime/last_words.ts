/** The last words of an agent with a realtime model. @module */
import type { Clock } from "../../../events/clock.ts";
import { waitFor } from "../../../events/waiting.ts";

/** How long nothing may be heard when the last words are to be said. */
const SILENCE_MS = 4000;
const POLL_MS = 100;

/** Resolves with true when the replies have settled, or with false when nothing is heard for too long. */
export async function settlesAloud(
  settled: Promise<void>,
  { clock, isSounding }: { clock: Clock; isSounding: () => boolean },
): Promise<boolean> {
  let isSettled = false;
  void settled.then(() => isSettled = true);
  let soundMs = clock.now();
  while (!isSettled && clock.now() - soundMs < SILENCE_MS) {
    await waitFor(settled, "the last words", { timeoutMs: POLL_MS, clock }).catch(() => {});
    if (isSounding()) soundMs = clock.now();
  }
  return isSettled;
}
