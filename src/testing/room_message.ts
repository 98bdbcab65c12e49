/** What a call in memory tells the agents in it. @module */
import type { CloseReason, JsonValue, Participant, TrackInit } from "../edge/types.ts";

/** A message of a call in memory to the agents in it. */
export type RoomMessage =
  | { type: "participantJoined"; participant: Participant }
  | { type: "participantLost"; participantId: string; graceMs: number }
  | { type: "participantLeft"; participantId: string }
  | { type: "viewersCounted"; count: number }
  | { type: "trackAdded"; track: TrackInit }
  | { type: "trackUpdated"; trackId: string; muted: boolean }
  | { type: "trackRemoved"; trackId: string }
  | { type: "customEvent"; data: JsonValue; participantId: string }
  | { type: "dtmf"; digit: string; participantId: string }
  | { type: "text"; text: string; participantId: string }
  | { type: "reconnecting" }
  | { type: "reconnected" }
  | { type: "ended"; reason: CloseReason };
