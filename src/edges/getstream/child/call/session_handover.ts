import { type Clock, sleep } from "@ringline/edge/toolkit";
import type { RtcTrack } from "@ringline/edge/media/child";
import type { SfuSession } from "../sfu/sfu_session.ts";
import type { CallRoster } from "./call_roster.ts";
import type { MediaOrigin, MediaRouter } from "./media_router.ts";

/** An SFU says within this time that it has moved us, or we go without its word. */
const MIGRATION_MS = 7000;
/** What does not flow by then has nothing to send. */
const FLOW_MS = 2000;
/** How often is looked whether the new session's sound flows. */
const STEP_MS = 30;

/** What a {@linkcode SessionHandover} needs. */
export interface SessionHandoverOptions {
  /** The session that is left, and the one that takes over. */
  from: SfuSession;
  to: SfuSession;
  isMigration: boolean;
  clock: Clock;
  roster: CallRoster;
  router: MediaRouter;
  /** The old session is gone. */
  onDone: () => void;
  signal: AbortSignal;
}

/**
 * Leaves an old session once the new one has taken over: track by track, so that nothing that is
 * heard is cut off before its successor is there.
 */
export class SessionHandover {
  /** The session that is left. */
  readonly from: SfuSession;
  /** Resolves when it is gone; never rejects. */
  readonly done: Promise<void>;
  readonly #options: SessionHandoverOptions;
  readonly #hurry = new AbortController();
  #isMoved: boolean;

  constructor(options: SessionHandoverOptions) {
    this.#options = options;
    this.from = options.from;
    this.#isMoved = !options.isMigration || !options.from.isOnline;
    this.done = this.#run().finally(options.onDone);
  }

  /** The SFU has moved us. */
  moved(): void {
    this.#isMoved = true;
  }

  /** There is no time for it any more. */
  async hurry(): Promise<void> {
    this.#hurry.abort();
    await this.done;
  }

  async #run(): Promise<void> {
    const { from, isMigration, clock } = this.#options;
    const signal = AbortSignal.any([this.#options.signal, this.#hurry.signal]);
    // From here on the others hear us by the new connection only. After a migration it is the same
    // participant on both sides, and the SFU chooses.
    if (!isMigration) await from.publisher?.silence();
    const startedAt = clock.now();
    let isFlowing = false;
    try {
      while (!signal.aborted) {
        isFlowing ||= await this.#step();
        if (!from.isOnline) this.#isMoved = true;
        const elapsed = clock.now() - startedAt;
        if ((isFlowing || elapsed > FLOW_MS) && (this.#isMoved || elapsed > MIGRATION_MS)) break;
        await sleep(STEP_MS, { clock, signal });
      }
    } catch {
      // The agent leaves: then the old session goes, too.
    }
    await from.close(isMigration ? {} : { leave: "rejoined" });
  }

  /** Takes what flows by now; gives whether that is everything. */
  async #step(): Promise<boolean> {
    const { from, to, roster, router } = this.#options;
    const ids = await to.subscriber?.flowing() ?? new Set<string>();
    router.origins = [flowing(to, ids), from];
    router.syncAll(roster.members);
    return router.countElsewhere(to, roster.members) === 0;
  }
}

/** What a session sends, of which only these tracks can be used yet. */
export function flowing(session: SfuSession, ids: ReadonlySet<string>): MediaOrigin {
  return {
    track: (key) => session.track(key),
    isFlowing: (track: RtcTrack) => ids.has(track.id),
  };
}
