/** Audio that one participant hears: its checks, and the tracks of a connection. @module */
import type { AudioTrack, AudioTrackOptions } from "./audio_track.ts";
import { checkMethods, shown } from "../events/checks.ts";
import { EdgeError } from "./errors.ts";
import { cannot } from "./telephony.ts";

/**
 * Checks `to` and `othersGain`.
 *
 * @throws {TypeError | RangeError} names the expected and the actual value
 */
export function checkAddressee({ to, othersGain }: AudioTrackOptions): void {
  if (to !== undefined && (typeof to?.id !== "string" || to.kind !== "person")) {
    throw new TypeError(
      `to: expected a person of connection.participants, got ${
        to?.kind === "agent" ? `the agent ${shown(to.id)}` : shown(to)
      }`,
    );
  }
  if (othersGain === undefined) return;
  if (to === undefined) {
    throw new TypeError("othersGain: expected { to }, who hears others so loud");
  }
  if (typeof othersGain !== "number") {
    throw new TypeError(`othersGain: expected a number from 0 to 1, got ${shown(othersGain)}`);
  }
  if (!(othersGain >= 0 && othersGain <= 1)) {
    throw new RangeError(`othersGain: expected a number from 0 to 1, got ${othersGain}`);
  }
}

/** Throws a TypeError where a track that one participant is to hear would be heard by all. */
export function checkUndirected(track: AudioTrack | undefined): void {
  if (!track?.to) return;
  const instead = "publish it with connection.publishDirectedAudio(track)";
  throw new TypeError(`tracks.audio: only ${shown(track.to.id)} is to hear this track: ${instead}`);
}

/** Returns the error of an edge all of whose participants hear the same. */
export function cannotDirectAudio(edge: object): TypeError {
  const instead = "write to agent.audio, which all hear, or give each person a call of their own";
  return cannot(edge, "play audio to one participant", instead);
}

/** Returns the error of audio for a participant who is not in the call, or has just left it. */
export function participantLeft(id: string): EdgeError {
  const message = `${shown(id)} is not in the call: no one is there to hear the audio track`;
  return new EdgeError(message, { code: "participant-left" });
}

/** The tracks of a connection that one participant hears each. */
export class DirectedTracks {
  readonly #tracks = new Set<AudioTrack>();

  /**
   * Adds a track, until it is closed.
   *
   * @throws {TypeError} it is no such track, or was added before.
   * @throws {EdgeError} its participant is not here (`participant-left`), and it was closed.
   */
  add(track: AudioTrack, participants: ReadonlyMap<string, unknown>): void {
    checkMethods(track, "track", "an AudioTrack of createAudioTrack({ to })", ["write", "bind"]);
    if (!track.to) {
      throw new TypeError(
        "track: expected one of createAudioTrack({ to }); publishTracks publishes others",
      );
    }
    if (this.#tracks.has(track)) throw new TypeError(`track: ${track.id} is published already`);
    if (!participants.has(track.to.id)) {
      track.close();
      throw participantLeft(track.to.id);
    }
    this.#tracks.add(track);
    void track.closed.then(() => this.#tracks.delete(track));
  }

  /** Closes the tracks of a participant, or all of them. */
  close(participantId?: string): void {
    for (const track of [...this.#tracks]) {
      if (participantId === undefined || track.to?.id === participantId) track.close();
    }
  }
}
