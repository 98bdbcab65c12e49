/** The events of this edge, beside those of the contract. @module */
import type { WHEvent } from "@stream-io/node-sdk";
import { type CallConnection, checkObject, type Participant } from "@ringline/edge/toolkit";

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
export class AudioLevelsEvent {
  /** The event's type. */
  readonly type = "audio-levels" as const;
  /** The connection that the event is about. */
  readonly connection: CallConnection;
  /** The known levels. */
  readonly levels: readonly AudioLevel[];

  /** Created by the edge. */
  constructor(init: { connection: CallConnection; levels: readonly AudioLevel[] }) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.levels = init.levels;
  }
}

/** Sent after a lost call was reconnected, and after the state change that ends `reconnecting`. */
export class ReconnectedEvent {
  /** The event's type. */
  readonly type = "reconnected" as const;
  /** The connection that the event is about. */
  readonly connection: CallConnection;
  /** The strategy that worked. */
  readonly strategy: ReconnectStrategy;
  /** The number of tries. */
  readonly attempts: number;
  /** Milliseconds from the detection of the loss. */
  readonly elapsedMs: number;

  /** Created by the edge. */
  constructor(
    init: {
      connection: CallConnection;
      strategy: ReconnectStrategy;
      attempts: number;
      elapsedMs: number;
    },
  ) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.strategy = init.strategy;
    this.attempts = init.attempts;
    this.elapsedMs = init.elapsedMs;
  }
}

/**
 * Sent when others mute a track of the agent, a moderator or the call's rights, and when it is heard
 * again because the rights have returned. After a moderator's mute it is heard again when it publishes
 * its tracks anew.
 */
export class AgentMutedEvent {
  /** The event's type. */
  readonly type = "agent-muted" as const;
  /** The connection that the event is about. */
  readonly connection: CallConnection;
  /** The agent's track. */
  readonly track: "audio" | "video";
  /** Whether it is muted now. */
  readonly muted: boolean;

  /** Created by the edge. */
  constructor(init: { connection: CallConnection; track: "audio" | "video"; muted: boolean }) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.track = init.track;
    this.muted = init.muted;
  }
}

/** How good a participant's connection is, as Stream measures it. */
export type ConnectionQuality = "unknown" | "poor" | "good" | "excellent";

/** Sent when another participant is the one who speaks most. */
export class DominantSpeakerEvent {
  /** The event's type. */
  readonly type = "dominant-speaker" as const;
  /** The connection that the event is about. */
  readonly connection: CallConnection;
  /** The participant. */
  readonly participant: Participant;

  /** Created by the edge. */
  constructor(init: { connection: CallConnection; participant: Participant }) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.participant = init.participant;
  }
}

/** Sent when participants' connections are better or worse than before. */
export class ConnectionQualityEvent {
  /** The event's type. */
  readonly type = "connection-quality" as const;
  /** The connection that the event is about. */
  readonly connection: CallConnection;
  /** The changes. */
  readonly qualities: readonly { participant: Participant; quality: ConnectionQuality }[];

  /** Created by the edge. */
  constructor(
    init: {
      connection: CallConnection;
      qualities: readonly { participant: Participant; quality: ConnectionQuality }[];
    },
  ) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
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
export class StreamCallEvent {
  /** The event's type. */
  readonly type = "stream-call-event" as const;
  /** The connection that the event is about. */
  readonly connection: CallConnection;
  /** The event, as Stream sent it. */
  readonly data: StreamCallEventData;

  /** Created by the edge. */
  constructor(init: { connection: CallConnection; data: StreamCallEventData }) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.data = init.data;
  }
}
