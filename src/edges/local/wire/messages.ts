/**
 * What the media process tells LocalEdge that belongs to no agent's connection.
 *
 * @module
 */
import * as v from "valibot";

/** A page started a call, or a call is over. */
export interface CallNotice {
  type: "callStarted" | "callEnded";
  callType: string;
  callId: string;
  secret: string;
}

/** Checks a {@linkcode CallNotice}. */
export const callNotice: v.GenericSchema<CallNotice> = v.object({
  type: v.picklist(["callStarted", "callEnded"]),
  callType: v.string(),
  callId: v.string(),
  secret: v.string(),
});
