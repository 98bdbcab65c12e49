/**
 * The events of an edge. Every event carries the connection it belongs to, so that one edge serves
 * many agents and none of them hears another's call. Each class has a literal `type`, so that the
 * union of several is narrowed by it.
 *
 * @module
 */
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { EventClass } from "../events/event_manager.ts";
import type { CallConnection } from "./call_connection.ts";
import type {
  AudioStats,
  CloseReason,
  ConnectionState,
  JsonValue,
  Participant,
  TrackInfo,
} from "./types.ts";
import { checkObject } from "../events/checks.ts";

/** Base of the events of one agent's call. */
export abstract class ConnectionEvent {
  /** The event's type. */
  abstract readonly type: string;
  /** The connection that it belongs to. */
  readonly connection: CallConnection;

  /** Creates a connection event. */
  constructor(init: { connection: CallConnection }) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
  }
}

/** Audio of a participant was received. */
export class AudioReceivedEvent extends ConnectionEvent {
  /** The event's type. */
  override readonly type = "audio-received" as const;
  /** The participant who is heard. */
  readonly participant: Participant;
  /** The track that the samples came from; empty when the edge does not say. */
  readonly trackId: string;
  /** The audio: a copy, to be kept at will. */
  readonly pcm: PcmChunk;
  /** The row's number, where the edge numbers its audio; compare speakers by it. */
  readonly row: number | undefined;

  /** Creates an audio received event. */
  constructor(
    init: {
      connection: CallConnection;
      participant: Participant;
      pcm: PcmChunk;
      trackId?: string;
      row?: number;
    },
  ) {
    super(init);
    this.participant = init.participant;
    this.trackId = init.trackId ?? "";
    this.pcm = init.pcm;
    this.row = init.row;
  }
}

/** Base of the three events about a track. */
export abstract class TrackEvent extends ConnectionEvent {
  /** The track as it is now, or was last. */
  readonly track: TrackInfo;

  /** Creates a track event. */
  constructor(init: { connection: CallConnection; track: TrackInfo }) {
    super(init);
    this.track = init.track;
  }
}

/** A media track was added to the call, or was there when the agent joined. */
export class TrackAddedEvent extends TrackEvent {
  /** The event's type. */
  override readonly type = "track-added" as const;
}

/** A media track was removed, or its participant left. */
export class TrackRemovedEvent extends TrackEvent {
  /** The event's type. */
  override readonly type = "track-removed" as const;
}

/** A media track was muted or unmuted: `track.muted`. */
export class TrackUpdatedEvent extends TrackEvent {
  /** The event's type. */
  override readonly type = "track-updated" as const;
}

/** Base of the events about one participant. */
export abstract class ParticipantEvent extends ConnectionEvent {
  /** The participant that it is about. */
  readonly participant: Participant;

  /** Creates a participant event. */
  constructor(init: { connection: CallConnection; participant: Participant }) {
    super(init);
    this.participant = init.participant;
  }
}

/** A participant joined the call, or was there when the agent joined. */
export class ParticipantJoinedEvent extends ParticipantEvent {
  /** The event's type. */
  override readonly type = "participant-joined" as const;
}

/** A participant left the call. Their tracks have been removed before. */
export class ParticipantLeftEvent extends ParticipantEvent {
  /** The event's type. */
  override readonly type = "participant-left" as const;
}

/** The call is over for this agent, and not because the agent closed it. */
export class CallEndedEvent extends ConnectionEvent {
  /** The event's type. */
  override readonly type = "call-ended" as const;
  /** Why it is over. */
  readonly reason: CloseReason;
  /** The failure that ended it, if one did. */
  readonly error: unknown;

  /** Creates a call ended event. */
  constructor(init: { connection: CallConnection; reason?: CloseReason; error?: unknown }) {
    super(init);
    this.reason = init.reason ?? "call-ended";
    this.error = init.error;
  }
}

/** A participant or a server sent data of the application's own. */
export class CustomEventReceivedEvent extends ConnectionEvent {
  /** The event's type. */
  override readonly type = "custom-event-received" as const;
  /** The data that was sent. */
  readonly data: JsonValue;
  /** The participant who sent it, where the edge knows. */
  readonly participant: Participant | undefined;

  /** Creates a custom event received event. */
  constructor(init: { connection: CallConnection; data: JsonValue; participant?: Participant }) {
    super(init);
    this.data = init.data;
    this.participant = init.participant;
  }
}

/** A participant pressed a key of their telephone. */
export class DtmfReceivedEvent extends ParticipantEvent {
  /** The event's type. */
  override readonly type = "dtmf-received" as const;
  /** The key: one of `0` to `9`, `A` to `D`, `*` and `#`. */
  readonly digit: string;

  /** Creates a DTMF received event. */
  constructor(init: { connection: CallConnection; participant: Participant; digit: string }) {
    super(init);
    this.digit = init.digit;
  }
}

/** A person in the call wrote something, for example into the page's box. */
export class TextReceivedEvent extends ParticipantEvent {
  /** The event's type. */
  override readonly type = "text-received" as const;
  /** The text: with words in it, and of at most 5120 bytes as JSON in UTF-8. */
  readonly text: string;

  /** Creates a text received event. */
  constructor(init: { connection: CallConnection; participant: Participant; text: string }) {
    super(init);
    this.text = init.text;
  }
}

/**
 * How a participant's audio arrives, every few seconds: losses, jitter, round trip. Edges on WebRTC ask
 * for it only while there are subscribers.
 */
export class AudioStatsEvent extends ParticipantEvent {
  /** The event's type. */
  override readonly type = "audio-stats" as const;
  /** The figures, in all since their audio began to arrive. */
  readonly stats: AudioStats;

  /** Creates an audio stats event. */
  constructor(
    init: { connection: CallConnection; participant: Participant; stats: AudioStats },
  ) {
    super(init);
    this.stats = init.stats;
  }
}

/** A connection changed its state, or lost or regained its network. */
export class ConnectionStateChangedEvent extends ConnectionEvent {
  /** The event's type. */
  override readonly type = "connection-state-changed" as const;
  /** The state now. */
  readonly state: ConnectionState;
  /** The state before; the same when only `reconnecting` changed. */
  readonly previous: ConnectionState;
  /** Whether the network is being repaired right now. */
  readonly reconnecting: boolean;
  /** Why, once closed. */
  readonly reason: CloseReason | undefined;

  /** Creates a connection state changed event. */
  constructor(
    init: {
      connection: CallConnection;
      state: ConnectionState;
      previous: ConnectionState;
      reconnecting?: boolean;
      reason?: CloseReason;
    },
  ) {
    super(init);
    this.state = init.state;
    this.previous = init.previous;
    this.reconnecting = init.reconnecting ?? false;
    this.reason = init.reason;
  }
}

/**
 * A lost call was reconnected, after the state change that ends `reconnecting`. Sent by edges that name
 * their ways to reconnect: LiveKitEdge and GetStreamEdge.
 */
export class ReconnectedEvent extends ConnectionEvent {
  /** The event's type. */
  override readonly type = "reconnected" as const;
  /**
   * The way that worked, in the service's word: by a new socket to the same session (`"resume"` of
   * LiveKit, `"fast"` of Stream), by a new join, or by a move to another server of Stream's.
   */
  readonly strategy: "resume" | "fast" | "rejoin" | "migrate";
  /** The number of tries. */
  readonly attempts: number;
  /** Milliseconds from the detection of the loss. */
  readonly elapsedMs: number;

  /** Creates a reconnected event. */
  constructor(
    init: {
      connection: CallConnection;
      strategy: ReconnectedEvent["strategy"];
      attempts: number;
      elapsedMs: number;
    },
  ) {
    super(init);
    this.strategy = init.strategy;
    this.attempts = init.attempts;
    this.elapsedMs = init.elapsedMs;
  }
}

/**
 * Others muted a track of the agent, a moderator or its rights in the call, also one that it has no right
 * to publish; or it is heard again. After a moderator's mute it is heard again when it publishes its tracks
 * anew. Sent by edges on an SFU that mutes: LiveKitEdge and GetStreamEdge.
 */
export class AgentMutedEvent extends ConnectionEvent {
  /** The event's type. */
  override readonly type = "agent-muted" as const;
  /** The agent's track. */
  readonly track: "audio" | "video";
  /** Whether it is muted now. */
  readonly muted: boolean;

  /** Creates an agent muted event. */
  constructor(init: { connection: CallConnection; track: "audio" | "video"; muted: boolean }) {
    super(init);
    this.track = init.track;
    this.muted = init.muted;
  }
}

/** A failure that the call survived. */
export class ErrorEvent {
  /** The event's type. */
  readonly type = "error" as const;
  /** The connection that it happened on, if it belongs to one. */
  readonly connection: CallConnection | undefined;
  /** The error. */
  readonly error: unknown;
  /** The action that failed, for people to read. */
  readonly context: string;

  /** Creates an error event. */
  constructor(init: { error: unknown; context: string; connection?: CallConnection }) {
    checkObject(init, "init", "an object like { error, context }");
    this.error = init.error;
    this.context = init.context;
    this.connection = init.connection;
  }
}

/** All events of the contract: every edge registers them. */
export const edgeEvents: readonly EventClass[] = [
  AudioReceivedEvent,
  AudioStatsEvent,
  TrackAddedEvent,
  TrackRemovedEvent,
  TrackUpdatedEvent,
  CallEndedEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  CustomEventReceivedEvent,
  DtmfReceivedEvent,
  TextReceivedEvent,
  ConnectionStateChangedEvent,
  ReconnectedEvent,
  AgentMutedEvent,
  ErrorEvent,
];
