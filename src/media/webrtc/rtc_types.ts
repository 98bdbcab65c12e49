/** The shapes of wrtc that this package relies on. Types only: importing this loads nothing. @module */
import type { RtcCandidate, RtcIceServer } from "../wire/ice.ts";

export type { RtcCandidate, RtcIceServer };

/** Audio or video of one source. wrtc fires no `ended`, `mute` or `unmute` on it. */
export interface RtcTrack {
  /** As WebRTC names it. */
  readonly id: string;
  /** Whether it is heard or seen. */
  readonly kind: "audio" | "video";
  /** A track that is not sends silence, or black pictures. */
  enabled: boolean;
  /** `"ended"` after `stop`, or once its connection is closed. */
  readonly readyState: "live" | "ended";
  /** Returns another track of the same source, with an id of its own. */
  clone(): RtcTrack;
  /** Ends it for good. */
  stop(): void;
}

/** The sending half of a transceiver. */
export interface RtcSender {
  /** The track that it sends, if any. */
  readonly track: RtcTrack | null;
  /** Sends another track of the same kind, or nothing, without a new offer. */
  replaceTrack(track: RtcTrack | null): Promise<void>;
}

/** The receiving half of a transceiver. */
export interface RtcReceiver {
  /** The incoming track. */
  readonly track: RtcTrack;
}

/** Which way media flows. */
export type RtcDirection = "sendrecv" | "sendonly" | "recvonly" | "inactive" | "stopped";

/** One media section of a connection. */
export interface RtcTransceiver {
  /** Its name in session descriptions; `null` before the first. */
  readonly mid: string | null;
  /** The sender of this section. */
  readonly sender: RtcSender;
  /** The receiver of this section. */
  readonly receiver: RtcReceiver;
  /** The direction for the next offer or answer. */
  direction: RtcDirection;
  /** Ends the section in both directions. */
  stop(): void;
}

/** A session description. */
export interface RtcDescription {
  type: "offer" | "answer";
  sdp: string;
}

/** State of a connection as a whole. */
export type RtcConnectionState =
  | "new"
  | "connecting"
  | "connected"
  | "disconnected"
  | "failed"
  | "closed";

/** Options of a data channel. Default: reliable and in order. */
export interface RtcDataChannelInit {
  /** Whether messages arrive in the order in which they were sent. Default `true`. */
  ordered?: boolean;
  /** How often a lost message is sent again. Default: until it arrives. */
  maxRetransmits?: number;
}

/** A channel for messages beside the media of a connection. */
export interface RtcDataChannel {
  /** Its name. */
  readonly label: string;
  /** Its number on the connection; `null` before there is one. */
  readonly id: number | null;
  /** Messages can be sent while it is `"open"`. */
  readonly readyState: "connecting" | "open" | "closing" | "closed";
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
  /** Set to `"arraybuffer"`. */
  binaryType: string;
  /** Called when messages can be sent. */
  onopen: (() => void) | null;
  /** Called with each message. */
  onmessage: ((event: { data: ArrayBuffer | string }) => void) | null;
  /** Called when it is closed, by either side. */
  onclose: (() => void) | null;
  /** Sends a message. */
  send(data: Uint8Array<ArrayBuffer> | string): void;
  /** Closes it. */
  close(): void;
}

/** wrtc's peer connection, as far as it is used here. */
export interface RtcPeerConnection {
  readonly connectionState: RtcConnectionState;
  readonly localDescription: RtcDescription | null;
  readonly remoteDescription: RtcDescription | null;
  onicecandidate: ((event: { candidate: RtcCandidate | null }) => void) | null;
  onconnectionstatechange: (() => void) | null;
  ontrack:
    | ((event: { track: RtcTrack; transceiver: RtcTransceiver; streams: { id: string }[] }) => void)
    | null;
  addTransceiver(
    kind: "audio" | "video" | RtcTrack,
    init?: { direction?: RtcDirection },
  ): RtcTransceiver;
  getTransceivers(): RtcTransceiver[];
  createDataChannel(label: string, init?: RtcDataChannelInit): RtcDataChannel;
  setConfiguration(configuration: RtcConfiguration): void;
  createOffer(options?: { iceRestart?: boolean }): Promise<RtcDescription>;
  createAnswer(): Promise<RtcDescription>;
  setLocalDescription(description: RtcDescription): Promise<void>;
  setRemoteDescription(description: RtcDescription): Promise<void>;
  addIceCandidate(candidate: RtcCandidate): Promise<void>;
  getStats(): Promise<Map<string, Record<string, unknown>>>;
  close(): void;
}

/** Configuration of a connection; `portRange` is wrtc's own. */
export interface RtcConfiguration {
  iceServers?: RtcIceServer[];
  portRange?: { min: number; max: number };
  bundlePolicy?: "balanced" | "max-compat" | "max-bundle";
}

/** 10 ms of PCM. `samples` must own its whole buffer when it is given to a source. */
export interface RtcAudioData {
  samples: Int16Array;
  sampleRate: number;
  bitsPerSample?: number;
  channelCount?: number;
  numberOfFrames?: number;
}

/** Emits a track's PCM 100 times a second. */
export interface RtcAudioSink {
  ondata: ((data: Required<RtcAudioData>) => void) | null;
  stop(): void;
}

/** The source of a local audio track: takes 10 ms of PCM per call and copies it. */
export interface RtcAudioSource {
  createTrack(): RtcTrack;
  onData(data: RtcAudioData): void;
}

/** A picture in I420. */
export interface RtcVideoFrame {
  width: number;
  height: number;
  /** By how many degrees it is to be turned clockwise to be upright: 0, 90, 180 or 270. */
  rotation?: number;
  data: Uint8Array | Uint8ClampedArray;
}

/** Emits a track's pictures, whose size can change at any time. */
export interface RtcVideoSink {
  onframe: ((event: { frame: RtcVideoFrame }) => void) | null;
  stop(): void;
}

/** The source of a local video track, which many connections may send. */
export interface RtcVideoSource {
  createTrack(): RtcTrack;
  onFrame(frame: RtcVideoFrame): void;
}

/** The module wrtc. */
export interface RtcModule {
  RTCPeerConnection: new (configuration?: RtcConfiguration) => RtcPeerConnection;
  nonstandard: {
    RTCAudioSink: new (track: RtcTrack) => RtcAudioSink;
    RTCAudioSource: new () => RtcAudioSource;
    RTCVideoSink: new (track: RtcTrack) => RtcVideoSink;
    RTCVideoSource: new () => RtcVideoSource;
    rgbaToI420(from: RtcVideoFrame, to: RtcVideoFrame): void;
  };
}
