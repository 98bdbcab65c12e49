/**
 * For authors of edges on WebRTC, in the media process: an edge's child side, what it gets, and
 * what it builds calls from. Importing this loads WebRTC's native add-on: only the module that
 * `MediaProcess` starts (`@ringline/edge/media`) and what that imports may do it.
 *
 * @example The main module of a media process
 * ```ts ignore
 * import { AudioRoom, type EdgeChild, Peer, runMediaChild } from "@ringline/edge/media/child";
 * import { MyChild } from "./my_child.ts"; // implements EdgeChild
 *
 * if (import.meta.main) {
 *   runMediaChild(({ clock, kernel, log }) =>
 *     new MyChild({
 *       audio: new AudioRoom({ clock, kernel, log: (line) => log("warn", line) }),
 *       createPeer: (options) => new Peer(options),
 *     })
 *   );
 * }
 * ```
 *
 * Import it first: from its first statement on, the process ignores signals.
 *
 * @module
 */
// Before anything that takes a while to load.
import "./leave_signals.ts";

export { runMediaChild } from "./child.ts";
export type {
  AgentConnection,
  ChildContext,
  EdgeChild,
  JoiningAgent,
  LogLevel,
  ParticipantAudioStats,
  PictureLimits,
  PublishedKinds,
  VideoConstraints,
} from "./contract.ts";
export type {
  ConnectionMessage,
  KnownCallState,
  ParticipantData,
  TrackData,
} from "../wire/messages.ts";
export {
  AudioRoom,
  type MemberLevel,
  type RoomAgent,
  type RoomAgentOptions,
  type RoomListenerOptions,
  type RoomSource,
  type RoomStats,
} from "../room/audio_room.ts";
export { readAudioStats } from "../webrtc/audio_stats.ts";
export { type HeldOffer, Peer, type PeerOptions } from "../webrtc/peer.ts";
export type {
  RtcCandidate,
  RtcConnectionState,
  RtcDataChannel,
  RtcDataChannelInit,
  RtcDirection,
  RtcIceServer,
  RtcReceiver,
  RtcSender,
  RtcTrack,
  RtcTransceiver,
} from "../webrtc/rtc_types.ts";
