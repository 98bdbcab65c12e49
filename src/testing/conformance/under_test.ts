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
  /** Writes to the agents. For `text`. */
  sendText?(text: string): Promise<void>;
  /** The keys that agents have pressed. For edges with a telephone. */
  readonly dtmf?: string;
  /** Presses keys of their telephone. For edges with a telephone. */
  sendDtmf?(digits: string): Promise<void>;
  /** Loses their network, as a service sees it that waits for them. For `participantLoss`. */
  loseNetwork?(): Promise<void>;
  /** Comes back as the same user, soon after. For `participantLoss`. */
  regainNetwork?(): Promise<void>;
  /** Leaves the call. */
  leave(): Promise<void>;
}

/** Numbers that the other side of an edge with a telephone answers in a known way. */
export interface TestNumbers {
  /** Is answered by a person, who then is in the call. A transfer to it succeeds. */
  readonly answered: string;
  /** Is busy. */
  readonly busy: string;
  /** Rings, and is not answered. */
  readonly ringing: string;
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
   * Adds a person whose audio arrives `trackDelayMs` before the microphone's track is published. For
   * `earlyAudio`.
   */
  enterEarly?(
    call: Call,
    options: { userId: string; trackDelayMs: number },
  ): Promise<RemoteParticipant>;
  /** The numbers of the test's telephones. For `telephone`. */
  readonly numbers?: TestNumbers;
  /** Drops the agent's network, or restores it. For `networkLoss`. */
  dropNetwork?(connection: CallConnection, lost: boolean): Promise<void>;
  /** Returns how many times tracks were negotiated. For `negotiations`. */
  negotiations?(connection: CallConnection): number;
  /**
   * Returns how many resources are open after closing: sockets, processes, members. Must be 0. For
   * `openResources`.
   */
  openResources?(): number | Promise<number>;
}

/** Creates a new edge for one test. */
export type EdgeFactory = () => EdgeUnderTest | Promise<EdgeUnderTest>;

/**
 * The parts of the contract that not every edge has, or not every test can show. The tests of a part
 * that is `false` are reported as ignored.
 */
export interface ConformanceParts {
  /** Whether the edge carries video. Default `true`. */
  video?: boolean;
  /** Whether participants can change their sample rate during a call. Default `true`. */
  rateChange?: boolean;
  /** Whether participants can mute. Default `true`. */
  mute?: boolean;
  /** Whether the edge carries custom events. Default `true`. */
  customEvents?: boolean;
  /** Whether people can write to the agent. Default `true`. */
  text?: boolean;
  /** Whether the edge can end a call for all participants. Default `true`; if not, it must say so. */
  endCall?: boolean;
  /** Whether one participant alone can hear a track. Default `false`; if not, the edge must say so. */
  directedAudio?: boolean;
  /** Whether the edge has a telephone: DTMF, transfer, dialling. Default `false`; it must say so. */
  telephone?: boolean;
  /** Whether participants have `loseNetwork` and `regainNetwork`. Default `false`. */
  participantLoss?: boolean;
  /** Whether the factory has `enterEarly`. Default `false`. */
  earlyAudio?: boolean;
  /** Whether the factory has `dropNetwork`. Default `false`. */
  networkLoss?: boolean;
  /** Whether the factory has `negotiations`. Default `false`. */
  negotiations?: boolean;
  /** Whether the factory has `openResources`. Default `false`. */
  openResources?: boolean;
}

/** The parts that are tested unless an option says otherwise. */
export const defaultParts: Required<ConformanceParts> = {
  video: true,
  rateChange: true,
  mute: true,
  customEvents: true,
  text: true,
  endCall: true,
  directedAudio: false,
  telephone: false,
  participantLoss: false,
  earlyAudio: false,
  networkLoss: false,
  negotiations: false,
  openResources: false,
};

/** Options for the conformance kit. */
export interface ConformanceOptions extends ConformanceParts {
  /** The prefix of each test's name. */
  name: string;
  /** Tolerance of durations, in milliseconds, for codecs and jitter buffers. Default 40. */
  toleranceMs?: number;
  /** Milliseconds that the kit waits for an expected event. Default 10,000. */
  limitMs?: number;
}
