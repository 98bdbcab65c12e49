/**
 * The parts of WebRTC that a call uses, so that calls can be tested without it.
 *
 * @module
 */
import type { AudioRoom, Peer, PeerOptions } from "@ringline/edge/media/child";

/** One connection to an SFU. */
export type SfuPeer = Pick<
  Peer,
  | "state"
  | "addTransceiver"
  | "createOffer"
  | "acceptAnswer"
  | "acceptOffer"
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
  | "removeAgent"
  | "close"
>;

/** Session descriptions that list what this WebRTC can do. */
export interface Capabilities {
  publisher: string;
  subscriber: string;
}

/** Creates the connections of one call, and holds its audio. */
export interface CallMedia {
  audio: CallAudio;
  createPeer(options: PeerOptions): SfuPeer;
  capabilities(): Promise<Capabilities>;
  /** What an SFU sent is about to reach WebRTC; resolves when that is on record. */
  handling?(): Promise<void>;
}
