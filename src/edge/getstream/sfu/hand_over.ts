import type { Clock } from "../../../events/clock.ts";
import { sleep } from "../../../events/waiting.ts";
import type { SfuSession } from "./sfu_session.ts";

/** An SFU says within this time that it has moved us, or we go without its word. */
const MIGRATION_MS = 7000;
/** What does not flow by then has nothing to send. */
const FLOW_MS = 2000;
/** How often is looked whether the new session's sound flows. */
const STEP_MS = 30;

/** What a hand-over needs. */
export interface HandOver {
  /** The session that is left. */
  from: SfuSession;
  isMigration: boolean;
  /** The SFU has moved us. */
  migrated: Promise<void>;
  clock: Clock;
  /** Takes what flows by now; gives whether that is everything. */
  step: () => Promise<boolean>;
  signal: AbortSignal;
}

/**
 * Leaves an old session once the new one has taken over: track by track, so that nothing that is
 * heard is cut off before its successor is there. Never rejects.
 */
export async function handOver(options: HandOver): Promise<void> {
  const { from, isMigration, clock, step, signal } = options;
  // From here on the others hear us by the new connection only. After a migration it is the same
  // participant on both sides, and the SFU chooses.
  if (!isMigration) await from.publisher?.silence();
  let isMoved = !isMigration || !from.isOnline;
  options.migrated.then(() => isMoved = true);
  const startedAt = clock.now();
  let isFlowing = false;
  try {
    while (!signal.aborted) {
      isFlowing ||= await step();
      isMoved ||= !from.isOnline;
      const elapsed = clock.now() - startedAt;
      if ((isFlowing || elapsed > FLOW_MS) && (isMoved || elapsed > MIGRATION_MS)) break;
      await sleep(STEP_MS, { clock, signal });
    }
  } catch {
    // The agent leaves: then the old session goes, too.
  }
  await from.close(isMigration ? {} : { leave: "rejoined" });
}
