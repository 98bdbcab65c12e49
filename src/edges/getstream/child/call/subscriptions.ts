import type { VideoConstraints } from "@ringline/edge/media/child";
import { type Clock, TrackType } from "@ringline/edge/toolkit";
import { retrying } from "../../wire/retrying.ts";
import type { Member } from "./call_roster.ts";
import type { Wanted } from "../sfu/sfu_session.ts";

/** What {@linkcode Subscriptions} need. */
export interface SubscriptionsOptions {
  clock: Clock;
  members: () => Iterable<Member>;
  /** Tells the SFU the whole list. */
  send: (list: Wanted[]) => Promise<void>;
  /** Whether the SFU can be told now; if not, {@linkcode Subscriptions.update} follows later. */
  canSend: () => boolean;
  onError: (error: unknown) => void;
  signal: AbortSignal;
}

/** Which tracks the agent wants to be sent, beside everybody's voice, which comes by itself. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #wishes = new Map<string, VideoConstraints>();
  #sent = "[]";
  #isUpdating = false;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Sets or ends a wish. */
  set(trackId: string, wish: VideoConstraints | undefined): void {
    if (wish) this.#wishes.set(trackId, wish);
    else this.#wishes.delete(trackId);
    this.update();
  }

  /** Tells the SFU when the list is another one. What changes in one turn goes as one. */
  update(): void {
    const { signal, onError, canSend } = this.#options;
    if (this.#isUpdating || signal.aborted) return;
    this.#isUpdating = true;
    queueMicrotask(() =>
      this.#update()
        .catch((error) => {
          if (!signal.aborted && canSend()) onError(error);
        })
        .finally(() => this.#isUpdating = false)
    );
  }

  /** Tells a new session of the SFU, which knows of nothing. */
  async restore(send: (list: Wanted[]) => Promise<void>): Promise<void> {
    const list = this.list();
    if (list.length > 0) await send(list);
    this.#sent = JSON.stringify(list);
  }

  async #update(): Promise<void> {
    const { clock, signal, canSend, send } = this.#options;
    while (!signal.aborted && canSend()) {
      const list = this.list();
      const text = JSON.stringify(list);
      if (text === this.#sent) return;
      await retrying(() => send(list), { clock, signal });
      this.#sent = text;
    }
  }

  /** The whole list, as the SFU wants it each time. */
  list(): Wanted[] {
    const wanted: Wanted[] = [];
    for (const { userId, sessionId, tracks, isAgent } of this.#options.members()) {
      if (isAgent === undefined) continue;
      for (const { id, type, muted } of tracks.values()) {
        if (type === TrackType.AUDIO || muted) continue;
        const wish = this.#wishes.get(id);
        // The sound of a shared screen is heard as voices are.
        if (!wish && type !== TrackType.SCREEN_SHARE_AUDIO) continue;
        wanted.push({
          userId,
          sessionId,
          trackType: Number(type),
          ...(wish ? { dimension: { width: wish.maxWidth, height: wish.maxHeight } } : {}),
        });
      }
    }
    return wanted;
  }
}
