/** The events of this edge, beside those of the contract. @module */
import type { WHEvent } from "@stream-io/node-sdk";
import {
  type CallConnection,
  ConnectionEvent,
  type Participant,
  ParticipantEvent,
} from "@ringline/edge/toolkit";

/** How a lost call was reconnected: by a new socket, a new join, or a move to another server. */
export type ReconnectStrategy = "fast" | "rejoin" | "migrate";

/** The audio level of one participant. */
export interface AudioLevel {
  /** The participant. */
  readonly participant: Participant;
  /** The level, 0 to 1. */
  readonly level: number;
  /** Whether Stream classifies it as speech. */
  readonly speaking: boolean;
}

/** Sent with the participants' audio levels, as Stream measures them; at most ten times a second. */
export class AudioLevelsEvent extends ConnectionEvent {
  /** The event's type. */
  override readonly type = "audio-levels" as const;
  /** The known levels. */
  readonly levels: readonly AudioLevel[];

  /** Created by the edge. */
  constructor(init: { connection: CallConnection; levels: readonly AudioLevel[] }) {
    super(init);
    this.levels = init.levels;
  }
}

/** How good a participant's connection is, as Stream measures it. */
export type ConnectionQuality = "unknown" | "poor" | "good" | "excellent";

/** Sent when another participant is the one who speaks most. */
export class DominantSpeakerEvent extends ParticipantEvent {
  /** The event's type. */
  override readonly type = "dominant-speaker" as const;
}

/** Sent when participants' connections are better or worse than before. */
export class ConnectionQualityEvent extends ConnectionEvent {
  /** The event's type. */
  override readonly type = "connection-quality" as const;
  /** The changes. */
  readonly qualities: readonly { participant: Participant; quality: ConnectionQuality }[];

  /** Created by the edge. */
  constructor(
    init: {
      connection: CallConnection;
      qualities: readonly { participant: Participant; quality: ConnectionQuality }[];
    },
  ) {
    super(init);
    this.qualities = init.qualities;
  }
}

/** A type as it travels in JSON: times are texts. */
export type InJson<T> = T extends Date ? string
  : T extends object ? { [Name in keyof T]: InJson<T[Name]> }
  : T;

/**
 * An event of a call as Stream sends it, by the types of its own SDK: `data.type` says which.
 *
 * @ignore
 */
export type StreamCallEventData = InJson<
  Extract<WHEvent, { type: `call.${string}` }>
>;

/**
 * Sent for each of Stream's `call.*` events, e.g. `"call.ring"` or `"call.member_added"`, the call's end
 * included.
 */
export class StreamCallEvent extends ConnectionEvent {
  /** The event's type. */
  override readonly type = "stream-call-event" as const;
  /** The event, as Stream sent it. */
  readonly data: StreamCallEventData;

  /** Created by the edge. */
  constructor(init: { connection: CallConnection; data: StreamCallEventData }) {
    super(init);
    this.data = init.data;
  }
}
