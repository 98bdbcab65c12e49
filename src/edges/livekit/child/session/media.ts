/**
 * The parts of WebRTC that a call uses, so that calls can be tested without it.
 *
 * @module
 */
import type { AudioRoom, Peer, PeerOptions } from "@ringline/edge/media/child";

/** The connection to a room. */
export type MediaPeer = Pick<
  Peer,
  | "state"
  | "addTransceiver"
  | "createDataChannel"
  | "holdOffer"
  | "createOffer"
  | "acceptAnswer"
  | "addCandidate"
  | "stats"
  | "close"
>;

/** The audio of one call. */
export type CallAudio = Pick<
  AudioRoom,
  | "addSource"
  | "removeSource"
  | "setMuted"
  | "addListener"
  | "removeListener"
  | "addAgent"
  | "close"
>;

/** Creates the connections of one call, and holds its audio. */
export interface CallMedia {
  audio: CallAudio;
  createPeer(options: PeerOptions): MediaPeer;
  /** What a server sent is about to reach WebRTC; resolves when that is on record. */
  handling(): Promise<void>;
}
