/** What a server's order to leave means. @module */
import { DisconnectReason, type LeaveRequest, LeaveRequest_Action } from "@livekit/protocol";
import { AuthenticationError, ConnectionError, type EdgeError } from "@ringline/edge/toolkit";
import type { Strategy } from "../../wire/ipc.ts";

/** Why a connection ends, for its agent. */
export type EndReason = "call-ended" | "kicked" | "replaced" | "network";

/** An order to leave: for good, or to come back. */
export type Leaving =
  | { readonly comesBack: false; readonly reason: EndReason; readonly name: string }
  | { readonly comesBack: true; readonly strategy: Strategy; readonly name: string };

/** Reads a server's order. */
export function readLeave({ action, reason }: LeaveRequest): Leaving {
  const name = nameOf(reason);
  if (action === LeaveRequest_Action.RECONNECT) {
    return { comesBack: true, strategy: "rejoin", name };
  }
  if (action === LeaveRequest_Action.RESUME) return { comesBack: true, strategy: "resume", name };
  return { comesBack: false, reason: endReasonOf(reason), name };
}

/** Returns the error of a join that was answered with an order to leave. */
export function leaveError(leave: LeaveRequest): EdgeError {
  const leaving = readLeave(leave);
  const message = `the server refused the join: ${leaving.name}`;
  const code = leaving.name;
  if (leave.reason === DisconnectReason.PARTICIPANT_REMOVED) {
    return new AuthenticationError(message, { code });
  }
  const isBrief = leaving.comesBack || leave.reason === DisconnectReason.SERVER_SHUTDOWN;
  return new ConnectionError(message, { code, retryable: isBrief });
}

function endReasonOf(reason: DisconnectReason): EndReason {
  switch (reason) {
    case DisconnectReason.DUPLICATE_IDENTITY:
      return "replaced";
    case DisconnectReason.PARTICIPANT_REMOVED:
      return "kicked";
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return "call-ended";
    default:
      return "network";
  }
}

/** Returns a reason's name as codes are written, e.g. `"room-deleted"`. */
function nameOf(reason: DisconnectReason): string {
  return (DisconnectReason[reason] ?? "unknown-reason").toLowerCase().replaceAll("_", "-");
}
