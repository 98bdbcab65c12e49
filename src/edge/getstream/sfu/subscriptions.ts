import type { VideoWish } from "../../../media/host/contract.ts";
import { TrackType } from "../../types.ts";
import type { Member } from "./call_roster.ts";
import type { Wanted } from "./sfu_session.ts";

/** Which tracks the agent wants to be sent, beside everybody's voice, which comes by itself. */
export class Subscriptions {
  readonly #wishes = new Map<string, VideoWish>();

  /** Sets or ends a wish. */
  set(trackId: string, wish: VideoWish | undefined): void {
    if (wish) this.#wishes.set(trackId, wish);
    else this.#wishes.delete(trackId);
  }

  /** The whole list, as the SFU wants it each time. */
  list(members: Iterable<Member>): Wanted[] {
    const wanted: Wanted[] = [];
    for (const { userId, sessionId, tracks, isAgent } of members) {
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
