/**
 * What the media process tells LocalEdge that belongs to no agent's connection.
 *
 * @module
 */
import * as v from "valibot";

/** A page started a call, or a call is over. */
export interface CallMessage {
  type: "callStarted" | "callEnded";
  callType: string;
  callId: string;
  secret: string;
}

/** Checks a {@linkcode CallMessage}. */
export const callMessage: v.GenericSchema<CallMessage> = v.object({
  type: v.picklist(["callStarted", "callEnded"]),
  callType: v.string(),
  callId: v.string(),
  secret: v.string(),
});
