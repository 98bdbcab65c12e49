/** The events of this edge, beside those of the contract. @module */
import {
  type CallConnection,
  ConnectionEvent,
  type Participant,
  ParticipantEvent,
} from "@ringline/edge/toolkit";

/** How a lost call was reconnected: by a new socket to the same session, or by a new join. */
export type ReconnectStrategy = "resume" | "rejoin";

/** Sent after a lost call was reconnected, and after the state change that ends `reconnecting`. */
export class ReconnectedEvent extends ConnectionEvent {
  /** The event's type. */
  override readonly type = "reconnected" as const;
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
    super(init);
    this.strategy = init.strategy;
    this.attempts = init.attempts;
    this.elapsedMs = init.elapsedMs;
  }
}

/**
 * Sent when others mute a track of the agent, through the server's API or by its permissions, and when
 * it is heard again. After a mute it is heard again when it publishes its tracks anew.
 */
export class AgentMutedEvent extends ConnectionEvent {
  /** The event's type. */
  override readonly type = "agent-muted" as const;
  /** The agent's track. */
  readonly track: "audio" | "video";
  /** Whether it is muted now. */
  readonly muted: boolean;

  /** Created by the edge. */
  constructor(init: { connection: CallConnection; track: "audio" | "video"; muted: boolean }) {
    super(init);
    this.track = init.track;
    this.muted = init.muted;
  }
}

/** Sent when a participant's name, metadata or attributes have changed. */
export class ParticipantUpdatedEvent extends ParticipantEvent {
  /** The event's type. */
  override readonly type = "participant-updated" as const;
  /** Their name. */
  readonly name: string;
  /** Their metadata; empty if they have none. */
  readonly metadata: string;
  /** Their attributes, e.g. those of a telephone: `"sip.callStatus"`. */
  readonly attributes: Readonly<Record<string, string>>;

  /** Created by the edge. */
  constructor(
    init: {
      connection: CallConnection;
      participant: Participant;
      name: string;
      metadata: string;
      attributes: Readonly<Record<string, string>>;
    },
  ) {
    super(init);
    this.name = init.name;
    this.metadata = init.metadata;
    this.attributes = init.attributes;
  }
}
