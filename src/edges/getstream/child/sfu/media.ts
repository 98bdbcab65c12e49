/**
 * What a call needs of WebRTC, so that calls can be tested without it.
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

/** Session descriptions that say what this WebRTC can do, and nothing else. */
export interface Capabilities {
  publisher: string;
  subscriber: string;
}

/** Makes them. */
export interface CallMedia {
  audio: CallAudio;
  createPeer(options: PeerOptions): SfuPeer;
  capabilities(): Promise<Capabilities>;
}
