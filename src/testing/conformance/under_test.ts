/**
 * What an edge's author implements for the conformance kit: the edge, and the other side of its calls.
 *
 * @module
 */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Call } from "../../edge/call.ts";
import type { CallConnection } from "../../edge/call_connection.ts";
import type { EdgeTransport } from "../../edge/edge_transport.ts";
import type { JsonValue, TrackType } from "../../edge/types.ts";
import type { VirtualClock } from "../virtual_clock.ts";

/** A person on the other side of a call: a browser, or a stand-in for one. */
export interface RemoteParticipant {
  /** The participant's id, as the agent sees it. */
  readonly participantId: string;
  /** Milliseconds of the agents that this person heard so far, without silence. */
  readonly heardMs: number;
  /** Custom events that this person received. */
  readonly customEvents: readonly JsonValue[];
  /** Says `pcm` in real time; resolves when it is said. */
  speak(pcm: PcmChunk): Promise<void>;
  /** Mutes or unmutes the microphone. */
  mute(muted: boolean): Promise<void>;
  /** Sends a custom event. */
  sendCustomEvent(data: JsonValue): Promise<void>;
  /** Publishes a moving camera or screen, until the result is disposed. For edges with video. */
  publishVideo?(type: TrackType.VIDEO | TrackType.SCREEN_SHARE): Promise<AsyncDisposable>;
  /** Leaves the call. */
  leave(): Promise<void>;
}

/** An edge, and the functions with which the kit drives its other side. */
export interface EdgeUnderTest extends AsyncDisposable {
  /** The edge of the calls. */
  readonly edge: EdgeTransport;
  /** The clock of the edge, if it is a virtual one. */
  readonly clock?: VirtualClock;
  /** Adds a person with a microphone to a call. */
  enter(call: Call, options: { userId: string }): Promise<RemoteParticipant>;
  /**
   * Adds a person whose audio arrives `trackDelayMs` before the microphone's track is published. Leave
   * it out where an edge cannot do that.
   */
  enterEarly?(
    call: Call,
    options: { userId: string; trackDelayMs: number },
  ): Promise<RemoteParticipant>;
  /** Ends a call for all members. Leave it out where an edge cannot. */
  endCall?(call: Call): Promise<void>;
  /** Drops the agent's network, or restores it. Leave it out where that is impossible. */
  dropNetwork?(connection: CallConnection, lost: boolean): Promise<void>;
  /** Returns how many times tracks were negotiated. Leave it out where that is unknown. */
  negotiations?(connection: CallConnection): number;
  /** Returns how many resources are open after closing: sockets, processes, members. Must be 0. */
  openResources?(): number | Promise<number>;
}

/** Creates a new edge for one test. */
export type EdgeFactory = () => EdgeUnderTest | Promise<EdgeUnderTest>;

/** Options for the conformance kit. */
export interface ConformanceOptions {
  /** The prefix of each test's name. */
  name: string;
  /** Whether the edge carries video. Default `true`. */
  video?: boolean;
  /** Whether participants can change their sample rate during a call. Default `true`. */
  rateChange?: boolean;
  /** Tolerance of durations, in milliseconds, for codecs and jitter buffers. Default 40. */
  toleranceMs?: number;
  /** Milliseconds that the kit waits for an expected event. Default 10,000. */
  limitMs?: number;
}
