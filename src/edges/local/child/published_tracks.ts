/**
 * The tracks of each participant as agents know them, so that agents receive changes only.
 *
 * @module
 */
import type { ConnectionMessage, TrackData } from "../../../media/wire/messages.ts";

/** Tracks by participant id. */
export class PublishedTrackList {
  readonly #tracks = new Map<string, Map<string, TrackData>>();

  /** The tracks of a participant, as last sent. */
  of(participantId: string): readonly TrackData[] {
    return [...this.#tracks.get(participantId)?.values() ?? []];
  }

  /** Sets a participant's tracks; returns the messages for the agents. */
  update(participantId: string, wanted: readonly TrackData[]): ConnectionMessage[] {
    const known = this.#tracks.get(participantId) ?? new Map<string, TrackData>();
    const messages: ConnectionMessage[] = [];
    for (const id of known.keys()) {
      if (wanted.some((track) => track.id === id)) continue;
      known.delete(id);
      messages.push({ type: "trackRemoved", trackId: id });
    }
    for (const track of wanted) {
      const before = known.get(track.id);
      known.set(track.id, track);
      if (before === undefined) messages.push({ type: "trackAdded", track });
      else if (before.muted !== track.muted) {
        messages.push({ type: "trackUpdated", trackId: track.id, muted: track.muted });
      }
    }
    if (known.size === 0) this.#tracks.delete(participantId);
    else this.#tracks.set(participantId, known);
    return messages;
  }
}
