/**
 * The plain types of the contract. They mirror the core types of the reference's page on edge
 * networks (user, participant, track type) and add what an agent needs to tell people from agents.
 *
 * @module
 */

/** JSON as it can be sent in a custom event. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | JsonValue[]
  | { [key: string]: JsonValue };

/** An agent or a human user, as the edge's service knows it. */
export interface User {
  /** The user's identifier in the service. */
  readonly id: string;
  /** The name that others are shown. */
  readonly name: string;
  /** URL of a picture. */
  readonly image?: string;
  /** The application's own data about the user. */
  readonly custom?: { readonly [key: string]: JsonValue };
}

/** Whether a participant is a human being or another agent. */
export type ParticipantKind = "person" | "agent";

/** A member of a call: a person or an agent. */
export interface Participant {
  /** The service's own object, for what this contract does not carry. */
  readonly original: unknown;
  /** The user behind this participant. Repeats when one person joins with two devices. */
  readonly userId: string;
  /** This participant of this call. Never repeats. */
  readonly id: string;
  /** The name to show; empty when the service knows none. */
  readonly name: string;
  /** A person or an agent. */
  readonly kind: ParticipantKind;
}

/**
 * How a participant's audio has arrived, in all since it began to. It has begun anew where
 * `packetsReceived` is less than before: the other figures may become a little less by themselves.
 */
export interface AudioStats {
  /** Packets that arrived. */
  readonly packetsReceived: number;
  /** Packets that were sent and did not arrive, as far as the gaps between the others tell. */
  readonly packetsLost: number;
  /** Milliseconds of audio that came out of the jitter buffer. */
  readonly audioMs: number;
  /** Milliseconds of it that were made up, audibly, for what was lost or late. */
  readonly concealedMs: number;
  /** How much the delay of packets varies now, in milliseconds. */
  readonly jitterMs: number;
  /**
   * The latest round trip in milliseconds, where known: to the participant, or to the server by which
   * the edge receives them.
   */
  readonly roundTripMs: number | undefined;
}

/** The kinds of media track. The numbers are those of the reference. */
export enum TrackType {
  UNSPECIFIED = 0,
  AUDIO = 1,
  VIDEO = 2,
  SCREEN_SHARE = 3,
  SCREEN_SHARE_AUDIO = 4,
}

/** A media track that a participant has published. */
export interface TrackInfo {
  /** Unique within the connection. */
  readonly id: string;
  /** The kind of track. */
  readonly type: TrackType;
  /** The participant who publishes it. */
  readonly participant: Participant;
  /** Whether it is muted. */
  readonly muted: boolean;
}

/** A track as the author of an edge adds it: with its participant's id. */
export interface TrackInit {
  /** Unique within the connection. */
  id: string;
  /** The kind of track. */
  type: TrackType;
  /** The id of the participant who publishes it. */
  participantId: string;
  /** Whether it is muted. Default `false`. */
  muted?: boolean;
}

/**
 * A connection's state: `establishing` while `join` is in progress, `waiting` until the first person
 * joins, `active` while a person is here, `idle` after all of them left, `closed` for good. Those who
 * only watch, anonymously, keep it `active`, too, and are no participants.
 */
export type ConnectionState = "establishing" | "waiting" | "active" | "idle" | "closed";

/** What an agent does: `"thinking"` while a reply, its voice or a tool is at work unheard. */
export type AgentState = "initializing" | "listening" | "thinking" | "speaking";

/** Why a connection is closed. */
export type CloseReason =
  /** The agent left. */
  | "left"
  /** The call was ended for all participants. */
  | "call-ended"
  /** The agent was removed from the call. */
  | "kicked"
  /** The same agent joined again from elsewhere. */
  | "replaced"
  /** The network failed and could not be repaired. */
  | "network"
  /** The process that carries the media died, and replacing it did not help. */
  | "media-process-lost"
  /** The join was given up before it was complete. */
  | "aborted";
