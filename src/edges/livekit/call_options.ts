/** What a room can be created with, and what rooms are called. @module */
import type { CreateCallOptions } from "@ringline/edge/toolkit";

/** Options for {@linkcode LiveKitEdge.createCall}; they matter to a new room only. */
export interface LiveKitCallOptions extends CreateCallOptions {
  /**
   * How long the server keeps a room that no person has joined, in seconds. Default: the server's, which
   * is 300 unless it was configured.
   */
  emptyTimeout?: number;
  /**
   * How long the server keeps the room once the last person has left, in seconds: agents alone keep it
   * no longer. Default: the server's, which is 20 unless it was configured.
   */
  departureTimeout?: number;
  /** The most participants, agents included. Default: the server's. */
  maxParticipants?: number;
  /** Data of the application's own, for all participants. */
  metadata?: string;
}

/** The names of {@linkcode LiveKitCallOptions}. */
export const ROOM_OPTIONS: Readonly<Record<keyof LiveKitCallOptions, true>> = {
  callType: true,
  createdBy: true,
  signal: true,
  emptyTimeout: true,
  departureTimeout: true,
  maxParticipants: true,
  metadata: true,
};

/**
 * Returns the name of a call's room: LiveKit's rooms have no types, so a call of another type than
 * `"default"` has its type in the name.
 */
export function roomNameOf({ type, id }: { type: string; id: string }): string {
  return type === "default" ? id : `${type}:${id}`;
}
