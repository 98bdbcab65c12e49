/** The list of tracks that an agent is subscribed to. @module */
import type { VideoConstraints } from "@ringline/edge/media/child";
import { backOffMs, type Clock, sleep, TrackType } from "@ringline/edge/toolkit";
import { BACK_OFF, isRetryable } from "../../wire/retrying.ts";
import type { Member } from "./call_roster.ts";
import type { Wanted } from "../sfu/sfu_session.ts";

/** What {@linkcode Subscriptions} needs. */
export interface SubscriptionsInit {
  clock: Clock;
  members: () => Iterable<Member>;
  /** Sends the SFU the whole list. */
  send: (list: Wanted[]) => Promise<void>;
  /** Whether the list can be sent now; if not, call {@linkcode Subscriptions.update} later. */
  canSend: () => boolean;
  onError: (error: unknown) => void;
  signal: AbortSignal;
}

/** The tracks that the agent wants, beside all participants' audio, which the SFU always sends. */
export class Subscriptions {
  readonly #options: SubscriptionsInit;
  readonly #constraints = new Map<string, VideoConstraints>();
  #sent = "[]";
  #isUpdating = false;

  constructor(options: SubscriptionsInit) {
    this.#options = options;
  }

  /** Sets or removes the subscription to a track. */
  set(trackId: string, constraints: VideoConstraints | undefined): void {
    if (constraints) this.#constraints.set(trackId, constraints);
    else this.#constraints.delete(trackId);
    this.update();
  }

  /** Sends the SFU the list when it has changed. Changes in one turn of the loop are sent together. */
  update(): void {
    const { signal, onError, canSend } = this.#options;
    if (this.#isUpdating || signal.aborted) return;
    this.#isUpdating = true;
    queueMicrotask(() =>
      this.#update().catch((error) => {
        if (!signal.aborted && canSend()) onError(error);
      })
    );
  }

  /** Sends the list to a new session of the SFU. */
  async restore(send: (list: Wanted[]) => Promise<void>): Promise<void> {
    const list = this.list();
    if (list.length > 0) await send(list);
    this.#sent = JSON.stringify(list);
  }

  async #update(): Promise<void> {
    const { clock, signal, canSend, send } = this.#options;
    try {
      for (let failures = 0; !signal.aborted && canSend();) {
        const list = this.list();
        const text = JSON.stringify(list);
        if (text === this.#sent) return;
        try {
          await send(list);
          this.#sent = text;
          failures = 0;
        } catch (error) {
          if (!isRetryable(error)) throw error;
          // Until it works, with the list as it is by then.
          await sleep(backOffMs(++failures, BACK_OFF), { clock, signal });
        }
      }
    } finally {
      // In the same turn as the last look at the list: a change after it starts another update.
      this.#isUpdating = false;
    }
  }

  /** Returns the whole list, as the SFU expects it each time. */
  list(): Wanted[] {
    const wanted: Wanted[] = [];
    for (const { userId, sessionId, tracks, isAgent } of this.#options.members()) {
      if (isAgent === undefined) continue;
      for (const { id, type, muted } of tracks.values()) {
        if (type === TrackType.AUDIO || muted) continue;
        const constraints = this.#constraints.get(id);
        // The sound of a shared screen comes with the voices, for `processScreenAudio`.
        if (!constraints && type !== TrackType.SCREEN_SHARE_AUDIO) continue;
        wanted.push({
          userId,
          sessionId,
          trackType: Number(type),
          ...(constraints
            ? { dimension: { width: constraints.maxWidth, height: constraints.maxHeight } }
            : {}),
        });
      }
    }
    return wanted;
  }
}
