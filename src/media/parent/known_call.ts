/** What an agent knows of its call when the media process is replaced. @module */
import type { JsonValue, Participant, TrackInfo } from "../../edge/types.ts";
import type { KnownCallState } from "../wire/messages.ts";

/** Participants and tracks, and which of them the next process has announced again. */
export class KnownCall {
  readonly state: KnownCallState;
  readonly #back = new Set<string>();

  constructor(
    { participants, tracks }: {
      participants: ReadonlyMap<string, Participant>;
      tracks: ReadonlyMap<string, TrackInfo>;
    },
  ) {
    this.state = {
      participants: [...participants.values()].map(({ id, userId, name, kind, original }) => ({
        id,
        userId,
        name,
        kind,
        // It came as JSON.
        original: original as JsonValue,
      })),
      tracks: [...tracks.values()].map(({ id, type, participant, muted }) => ({
        id,
        type,
        participantId: participant.id,
        muted,
      })),
    };
  }

  /** A participant or a track of this id is there. */
  markBack(id: string): void {
    this.#back.add(id);
  }

  /** Returns the ids of those that are not. */
  missing(): { participants: string[]; tracks: string[] } {
    const isGone = ({ id }: { id: string }): boolean => !this.#back.has(id);
    return {
      participants: this.state.participants.filter(isGone).map(({ id }) => id),
      tracks: this.state.tracks.filter(isGone).map(({ id }) => id),
    };
  }
}
