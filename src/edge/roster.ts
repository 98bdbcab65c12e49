import type { Participant, TrackAnnouncement, TrackInfo } from "./types.ts";

/** How many tracks wait for participants who are not known yet. */
const MAX_EARLY_TRACKS = 64;

/** Who is in a call, and with which tracks. Tells the difference, sends nothing. */
export class Roster {
  readonly participants = new Map<string, Participant>();
  readonly tracks = new Map<string, TrackInfo>();
  readonly #early = new Map<string, TrackAnnouncement>();

  /** Some person who is here: who has been here longest. */
  firstPerson(): Participant | undefined {
    for (const participant of this.participants.values()) {
      if (participant.kind === "person") return participant;
    }
    return undefined;
  }

  /** Adds or renews a participant; gives the tracks that waited for him. */
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

  /** Removes a participant and his tracks; gives what was removed. */
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

  /** Gives the track if it is new and its participant is here. */
  addTrack(announced: TrackAnnouncement): TrackInfo | undefined {
    const { id, type, participantId, muted = false } = announced;
    if (this.tracks.has(id)) return undefined;
    const participant = this.participants.get(participantId);
    if (!participant) {
      this.#early.set(id, announced);
      if (this.#early.size > MAX_EARLY_TRACKS) {
        this.#early.delete(this.#early.keys().next().value!);
      }
      return undefined;
    }
    const track: TrackInfo = { id, type, participant, muted };
    this.tracks.set(id, track);
    return track;
  }

  /** Gives the track as it is now, if that is a change. */
  updateTrack(trackId: string, muted: boolean): TrackInfo | undefined {
    const early = this.#early.get(trackId);
    if (early) this.#early.set(trackId, { ...early, muted });
    const track = this.tracks.get(trackId);
    if (!track || track.muted === muted) return undefined;
    const updated = { ...track, muted };
    this.tracks.set(trackId, updated);
    return updated;
  }

  /** Gives the track that was removed. */
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
