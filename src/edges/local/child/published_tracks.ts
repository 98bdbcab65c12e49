/**
 * What agents have been told of a member's tracks, so that they are told of changes only.
 *
 * @module
 */
import type { ConnectionMessage, TrackData } from "../../../media/wire/messages.ts";

/** Tracks by participant. */
export class PublishedTrackList {
  readonly #tracks = new Map<string, Map<string, TrackData>>();

  /** The tracks that a participant was last said to have. */
  of(participantId: string): readonly TrackData[] {
    return [...this.#tracks.get(participantId)?.values() ?? []];
  }

  /** Takes what a participant's tracks are now; returns what is to be told. */
  update(participantId: string, wanted: readonly TrackData[]): ConnectionMessage[] {
    const known = this.#tracks.get(participantId) ?? new Map<string, TrackData>();
    const notices: ConnectionMessage[] = [];
    for (const id of known.keys()) {
      if (wanted.some((track) => track.id === id)) continue;
      known.delete(id);
      notices.push({ type: "trackRemoved", trackId: id });
    }
    for (const track of wanted) {
      const before = known.get(track.id);
      known.set(track.id, track);
      if (before === undefined) notices.push({ type: "trackAdded", track });
      else if (before.muted !== track.muted) {
        notices.push({ type: "trackUpdated", trackId: track.id, muted: track.muted });
      }
    }
    if (known.size === 0) this.#tracks.delete(participantId);
    else this.#tracks.set(participantId, known);
    return notices;
  }
}
