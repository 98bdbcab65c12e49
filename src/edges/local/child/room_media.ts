/**
 * The parts of WebRTC that a room uses, so that rooms can be tested without it.
 *
 * @module
 */
import type { AgentConnection } from "../../../media/child/contract.ts";
import type { UprightTrack } from "../../../media/child/upright.ts";
import type { RtcTrack } from "../../../media/webrtc/rtc_types.ts";
import type { Peer, PeerOptions } from "../../../media/webrtc/peer.ts";
import type { AudioRoom } from "../../../media/room/audio_room.ts";

/** One browser's connection. */
export type RoomPeer = Pick<
  Peer,
  | "state"
  | "turnsPictures"
  | "addTransceiver"
  | "negotiate"
  | "acceptAnswer"
  | "addCandidate"
  | "stats"
  | "close"
>;

/** The mixer of a room. */
export type RoomAudio = Pick<
  AudioRoom,
  | "addSource"
  | "removeSource"
  | "setMuted"
  | "addListener"
  | "removeListener"
  | "addAgent"
  | "removeAgent"
  | "levels"
  | "close"
>;

/** An agent's connection in the media process, as far as a room uses it. */
export type RoomConnection = Pick<
  AgentConnection,
  | "connectionId"
  | "user"
  | "audioSubscription"
  | "send"
  | "videoTrack"
  | "setVideoSource"
  | "playout"
  | "directed"
  | "rowQueue"
  | "call"
  | "known"
  | "signal"
  | "isSubscribed"
>;

/** A video for those whose browser does not turn pictures. Ends when it is disposed. */
export type UprightVideo = Pick<UprightTrack, "track" | typeof Symbol.dispose>;

/** The mixer of a room, and its peer connections. */
export interface RoomMedia {
  audio: RoomAudio;
  createPeer(options: PeerOptions): RoomPeer;
  /** Returns a video of which every picture is upright. */
  createUpright(track: RtcTrack): UprightVideo;
}
