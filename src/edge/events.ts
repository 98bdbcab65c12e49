/**
 * What an edge tells. Every event carries the connection it belongs to, so that one edge serves
 * many agents and none of them hears another's call.
 *
 * @module
 */
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { EventClass } from "../events/event_manager.ts";
import type { Connection } from "./connection.ts";
import type { CloseReason, ConnectionState, JsonValue, Participant, TrackInfo } from "./types.ts";
import { checkObject } from "../events/checks.ts";

/** Somebody was heard. */
export class AudioReceivedEvent {
  /** The connection that it belongs to. */
  readonly connection: Connection;
  /** Whose it is. */
  readonly participant: Participant;
  /** The track that the samples came from; empty when the edge does not say. */
  readonly trackId: string;
  /** What was heard: a copy, to be kept at will. */
  readonly pcm: PcmChunk;
  /** The tick on the room's grid, where the edge has one; compare speakers by it. */
  readonly row: number | undefined;

  /** Makes an audio received event. */
  constructor(
    init: {
      connection: Connection;
      participant: Participant;
      pcm: PcmChunk;
      trackId?: string;
      row?: number;
    },
  ) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.participant = init.participant;
    this.trackId = init.trackId ?? "";
    this.pcm = init.pcm;
    this.row = init.row;
  }
}

/** What the three events about a track have in common. */
export abstract class TrackEvent {
  /** The connection that it belongs to. */
  readonly connection: Connection;
  /** The track as it is now, or was last. */
  readonly track: TrackInfo;

  /** Makes a track event. */
  constructor(init: { connection: Connection; track: TrackInfo }) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.track = init.track;
  }
}

/** A media track was added to the call, or was there when the agent joined. */
export class TrackAddedEvent extends TrackEvent {}

/** A media track was removed, or its participant left. */
export class TrackRemovedEvent extends TrackEvent {}

/** A media track was muted or unmuted: `track.muted`. */
export class TrackUpdatedEvent extends TrackEvent {}

/** What the events about a participant have in common. */
export abstract class ParticipantEvent {
  /** The connection that it belongs to. */
  readonly connection: Connection;
  /** Whose it is. */
  readonly participant: Participant;

  /** Makes a participant event. */
  constructor(init: { connection: Connection; participant: Participant }) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.participant = init.participant;
  }
}

/** Somebody joined the call, or was there when the agent joined. */
export class ParticipantJoinedEvent extends ParticipantEvent {}

/** Somebody left the call. Their tracks have been removed before. */
export class ParticipantLeftEvent extends ParticipantEvent {}

/** The call is over for this agent, and not because the agent closed it. */
export class CallEndedEvent {
  /** The connection that it belongs to. */
  readonly connection: Connection;
  /** Why it is over. */
  readonly reason: CloseReason;
  /** What went wrong, when something did. */
  readonly error: unknown;

  /** Makes a call ended event. */
  constructor(init: { connection: Connection; reason?: CloseReason; error?: unknown }) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.reason = init.reason ?? "call-ended";
    this.error = init.error;
  }
}

/** A participant or a server sent data of the application's own. */
export class CustomEventReceivedEvent {
  /** The connection that it belongs to. */
  readonly connection: Connection;
  /** What was sent. */
  readonly data: JsonValue;
  /** Who sent it, where the edge knows. */
  readonly participant: Participant | undefined;

  /** Makes a custom event received event. */
  constructor(init: { connection: Connection; data: JsonValue; participant?: Participant }) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.data = init.data;
    this.participant = init.participant;
  }
}

/** A connection changed its state, or lost or regained its network. */
export class ConnectionStateChangedEvent {
  /** The connection that it belongs to. */
  readonly connection: Connection;
  /** The state now. */
  readonly state: ConnectionState;
  /** The state before; the same when only `reconnecting` changed. */
  readonly previous: ConnectionState;
  /** Whether the network is being repaired right now. */
  readonly reconnecting: boolean;
  /** Why, once closed. */
  readonly reason: CloseReason | undefined;

  /** Makes a connection state changed event. */
  constructor(
    init: {
      connection: Connection;
      state: ConnectionState;
      previous: ConnectionState;
      reconnecting?: boolean;
      reason?: CloseReason;
    },
  ) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.state = init.state;
    this.previous = init.previous;
    this.reconnecting = init.reconnecting ?? false;
    this.reason = init.reason;
  }
}

/** Something failed and was survived. */
export class ErrorEvent {
  /** The connection that it happened on, if it belongs to one. */
  readonly connection: Connection | undefined;
  /** What was thrown. */
  readonly error: unknown;
  /** What was being done, for people to read. */
  readonly context: string;

  /** Makes an error event. */
  constructor(init: { error: unknown; context: string; connection?: Connection }) {
    checkObject(init, "init", "an object like { error, context }");
    this.error = init.error;
    this.context = init.context;
    this.connection = init.connection;
  }
}

/** All of the above: what every edge registers. */
export const edgeEvents: readonly EventClass[] = [
  AudioReceivedEvent,
  TrackAddedEvent,
  TrackRemovedEvent,
  TrackUpdatedEvent,
  CallEndedEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  CustomEventReceivedEvent,
  ConnectionStateChangedEvent,
  ErrorEvent,
];
