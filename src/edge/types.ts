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
  /** Whatever the application wants to keep with the user. */
  readonly custom?: { readonly [key: string]: JsonValue };
}

/** Whether a participant is a human being or another agent. */
export type ParticipantKind = "person" | "agent";

/** Someone who is in a call right now. */
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

/** The kinds of media track. The numbers are those of the reference. */
export enum TrackType {
  UNSPECIFIED = 0,
  AUDIO = 1,
  VIDEO = 2,
  SCREEN_SHARE = 3,
  SCREEN_SHARE_AUDIO = 4,
}

/** A media track that somebody in the call has published. */
export interface TrackInfo {
  /** Unique within the connection. */
  readonly id: string;
  /** What kind of track it is. */
  readonly type: TrackType;
  /** Whose it is. */
  readonly participant: Participant;
  /** Whether it is muted. */
  readonly muted: boolean;
}

/** A track as an edge's author announces it: by its participant's id. */
export interface TrackAnnouncement {
  /** Unique within the connection. */
  id: string;
  /** What kind of track it is. */
  type: TrackType;
  /** Who publishes it: a participant's id. */
  participantId: string;
  /** Whether it is muted. Default `false`. */
  muted?: boolean;
}

/**
 * Where a connection stands: `establishing` while `join` is under way, `waiting` until the first
 * person comes, `active` while a person is here, `idle` after all of them left, `closed` for good.
 */
export type ConnectionState = "establishing" | "waiting" | "active" | "idle" | "closed";

/** Why a connection is closed. */
export type CloseReason =
  /** The agent left. */
  | "left"
  /** The call was ended for everybody. */
  | "call-ended"
  /** Somebody removed the agent from the call. */
  | "kicked"
  /** The same agent joined again from elsewhere. */
  | "replaced"
  /** The network failed and could not be repaired. */
  | "network"
  /** The process that carries the media died. */
  | "media-process-lost"
  /** The join was given up before it was complete. */
  | "aborted";
