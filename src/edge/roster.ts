/** The participants and tracks of a call. @module */
import type { Participant, TrackInfo, TrackInit } from "./types.ts";

/** The most tracks that wait for participants who are not known yet. */
const MAX_EARLY_TRACKS = 64;

/** The participants of a call and their tracks. Returns each difference, and emits no event. */
export class Roster {
  readonly participants = new Map<string, Participant>();
  readonly tracks = new Map<string, TrackInfo>();
  readonly #early = new Map<string, TrackInit>();

  /** Returns the person who has been in the call longest, if there is one. */
  firstPerson(): Participant | undefined {
    for (const participant of this.participants.values()) {
      if (participant.kind === "person") return participant;
    }
    return undefined;
  }

  /** Adds or updates a participant. Returns the tracks that waited for them. */
  join(participant: Participant): { isNew: boolean; tracks: TrackInfo[] } {
    const isNew = !this.participants.has(participant.id);
    this.participants.set(participant.id, participant);
    for (const [id, track] of this.tracks) {
      if (track.participant.id === participant.id) this.tracks.set(id, { ...track, participant });
    }
    const tracks: TrackInfo[] = [];
    for (const track of [...this.#early.values()]) {
      if (track.participantId !== participant.id) continue;
      this.#early.delete(track.id);
      const added = this.addTrack(track);
      if (added) tracks.push(added);
    }
    return { isNew, tracks };
  }

  /** Removes a participant and their tracks. Returns what was removed. */
  leave(participantId: string): { participant: Participant | undefined; tracks: TrackInfo[] } {
    const participant = this.participants.get(participantId);
    this.participants.delete(participantId);
    for (const [id, track] of this.#early) {
      if (track.participantId === participantId) this.#early.delete(id);
    }
    const tracks = [...this.tracks.values()].filter((one) => one.participant.id === participantId);
    for (const track of tracks) this.tracks.delete(track.id);
    return { participant, tracks };
  }

  /** Returns the track if it is new and its participant is here. */
  addTrack(init: TrackInit): TrackInfo | undefined {
    const { id, type, participantId, muted = false } = init;
    if (this.tracks.has(id)) return undefined;
    const participant = this.participants.get(participantId);
    if (!participant) {
      this.#early.set(id, init);
      if (this.#early.size > MAX_EARLY_TRACKS) {
        this.#early.delete(this.#early.keys().next().value!);
      }
      return undefined;
    }
    const track: TrackInfo = { id, type, participant, muted };
    this.tracks.set(id, track);
    return track;
  }

  /** Returns the updated track, if it has changed. */
  updateTrack(trackId: string, muted: boolean): TrackInfo | undefined {
    const early = this.#early.get(trackId);
    if (early) this.#early.set(trackId, { ...early, muted });
    const track = this.tracks.get(trackId);
    if (!track || track.muted === muted) return undefined;
    const updated = { ...track, muted };
    this.tracks.set(trackId, updated);
    return updated;
  }

  /** Returns the track that was removed. */
  removeTrack(trackId: string): TrackInfo | undefined {
    this.#early.delete(trackId);
    const track = this.tracks.get(trackId);
    this.tracks.delete(trackId);
    return track;
  }

  clear(): void {
    this.participants.clear();
    this.tracks.clear();
    this.#early.clear();
  }
}
