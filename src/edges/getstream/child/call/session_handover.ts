/** The handover from an old session with an SFU to a new one. @module */
import { type Clock, sleep } from "@ringline/edge/toolkit";
import type { RtcTrack } from "@ringline/edge/media/child";
import type { SfuSession } from "../sfu/sfu_session.ts";
import type { CallRoster } from "./call_roster.ts";
import type { MediaOrigin, MediaRouter } from "./media_router.ts";

/** Time limit for the SFU's message that the migration is complete. */
const MIGRATION_MS = 7000;
/** A track that does not flow by then has nothing to send. */
const FLOW_MS = 2000;
/** How often the handover checks whether the new session's audio flows. */
const STEP_MS = 30;

/** What {@linkcode SessionHandover} needs. */
export interface SessionHandoverInit {
  /** The old session, and the new one. */
  from: SfuSession;
  to: SfuSession;
  isMigration: boolean;
  clock: Clock;
  roster: CallRoster;
  router: MediaRouter;
  /** The old session is closed. */
  onDone: () => void;
  signal: AbortSignal;
}

/**
 * Closes an old session once the new one has taken over, track by track, so that no participant is
 * cut off before their audio comes from the new session.
 */
export class SessionHandover {
  /** The old session. */
  readonly from: SfuSession;
  /** Resolves when the old session is closed; never rejects. */
  readonly done: Promise<void>;
  readonly #options: SessionHandoverInit;
  readonly #hurry = new AbortController();
  #isMoved: boolean;

  constructor(options: SessionHandoverInit) {
    this.#options = options;
    this.from = options.from;
    this.#isMoved = !options.isMigration || !options.from.isOnline;
    this.done = this.#run().finally(options.onDone);
  }

  /** The SFU has completed the migration. */
  moved(): void {
    this.#isMoved = true;
  }

  /** Ends the handover now; resolves when the old session is closed. */
  async hurry(): Promise<void> {
    this.#hurry.abort();
    await this.done;
  }

  async #run(): Promise<void> {
    const { from, isMigration, clock } = this.#options;
    const signal = AbortSignal.any([this.#options.signal, this.#hurry.signal]);
    // From here on the others hear the agent by the new connection only. After a migration it is
    // the same participant on both connections, and the SFU chooses.
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
      // The agent leaves, and the old session is closed, too.
    }
    await from.close(isMigration ? { moved: true } : { leave: "rejoined" });
  }

  /** Takes over the tracks that flow by now; returns whether those are all. */
  async #step(): Promise<boolean> {
    const { from, to, roster, router } = this.#options;
    const ids = await to.subscriber?.flowing() ?? new Set<string>();
    router.origins = [flowing(to, ids), from];
    router.syncAll(roster.members);
    return router.countElsewhere(to, roster.members) === 0;
  }
}

/** Returns a session's media, of which only these tracks can be used yet. */
export function flowing(session: SfuSession, ids: ReadonlySet<string>): MediaOrigin {
  return {
    track: (key) => session.track(key),
    isFlowing: (track: RtcTrack) => ids.has(track.id),
  };
}
