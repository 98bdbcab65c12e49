/**
 * What an edge's author gives the conformance kit: the edge, and the other side of its calls.
 *
 * @module
 */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Call } from "../../edge/call.ts";
import type { Connection } from "../../edge/connection.ts";
import type { EdgeTransport } from "../../edge/edge_transport.ts";
import type { JsonValue, TrackType } from "../../edge/types.ts";
import type { VirtualClock } from "../virtual_clock.ts";

/** A person on the other side of a call: a browser, or whatever stands for one. */
export interface RemoteParticipant {
  /** The participant's id, as the agent sees it. */
  readonly participantId: string;
  /** How much of the agents was heard so far, in milliseconds; silence does not count. */
  readonly heardMs: number;
  /** Custom events that arrived here. */
  readonly customEvents: readonly JsonValue[];
  /** Says `pcm` in real time; resolves when it is said. */
  speak(pcm: PcmChunk): Promise<void>;
  /** Mutes or unmutes the microphone. */
  mute(muted: boolean): Promise<void>;
  /** Sends data of the application's own. */
  sendCustomEvent(data: JsonValue): Promise<void>;
  /** Shows a camera or a screen that moves, until the result is disposed. For edges with video. */
  publishVideo?(type: TrackType.VIDEO | TrackType.SCREEN_SHARE): Promise<AsyncDisposable>;
  /** Leaves the call. */
  leave(): Promise<void>;
}

/** An edge, and how the kit drives the other side of it. */
export interface EdgeUnderTest extends AsyncDisposable {
  /** The edge that the call is reached over. */
  readonly edge: EdgeTransport;
  /** The clock that the edge runs on, where it is a virtual one. */
  readonly clock?: VirtualClock;
  /** Lets a person into a call, with a microphone. */
  enter(call: Call, options: { userId: string }): Promise<RemoteParticipant>;
  /**
   * Lets a person in who is heard so much earlier than the agent is told of the microphone's track.
   * Left out where that cannot be brought about.
   */
  enterEarly?(
    call: Call,
    options: { userId: string; trackDelayMs: number },
  ): Promise<RemoteParticipant>;
  /** Ends a call for everybody. Left out where an edge has no such thing. */
  endCall?(call: Call): Promise<void>;
  /** Loses the agent's network, or brings it back. Left out where that cannot be done. */
  dropNetwork?(connection: Connection, lost: boolean): Promise<void>;
  /** How many times tracks were negotiated. Left out where that cannot be counted. */
  negotiations?(connection: Connection): number;
  /** What is still open when everything was closed: sockets, processes, members. Must be 0. */
  openResources?(): number | Promise<number>;
}

/** Makes a new edge for one test. */
export type EdgeFactory = () => EdgeUnderTest | Promise<EdgeUnderTest>;

/** How the kit treats an edge. */
export interface ConformanceOptions {
  /** Stands before each test's name. */
  name: string;
  /** Whether the edge carries video. Default `true`. */
  video?: boolean;
  /** Whether participants can speak at rates that change in mid-call. Default `true`. */
  rateChange?: boolean;
  /** How far durations may be off, in milliseconds: codecs and jitter buffers. Default 40. */
  toleranceMs?: number;
  /** How long the kit waits for what must happen. Default 10,000. */
  limitMs?: number;
}
