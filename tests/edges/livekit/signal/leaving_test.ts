import { DisconnectReason, LeaveRequest, LeaveRequest_Action } from "@livekit/protocol";
import { assertEquals } from "@std/assert";
import { leaveError, readLeave } from "../../../../src/edges/livekit/child/signal/leaving.ts";

const leave = (reason: DisconnectReason, action = LeaveRequest_Action.DISCONNECT) =>
  new LeaveRequest({ reason, action });

const ends = {
  PARTICIPANT_REMOVED: "kicked",
  ROOM_DELETED: "call-ended",
  ROOM_CLOSED: "call-ended",
  DUPLICATE_IDENTITY: "replaced",
  SERVER_SHUTDOWN: "network",
  UNKNOWN_REASON: "network",
} as const;
for (const [name, reason] of Object.entries(ends)) {
  Deno.test(`readLeave takes ${name} for an end: ${reason}`, () => {
    const leaving = readLeave(leave(DisconnectReason[name as keyof typeof ends]));
    const code = name.toLowerCase().replaceAll("_", "-");
    assertEquals(leaving, { comesBack: false, reason, name: code });
  });
}

Deno.test("readLeave follows the server's wish for another session, whatever the reason", () => {
  const rejoin = readLeave(leave(DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT));
  assertEquals(rejoin, { comesBack: true, strategy: "rejoin", name: "state-mismatch" });
  const resume = readLeave(leave(DisconnectReason.MIGRATION, LeaveRequest_Action.RESUME));
  assertEquals(resume, { comesBack: true, strategy: "resume", name: "migration" });
});

Deno.test("a join that is answered with a leave can be tried again if the server says so", () => {
  const mismatch = leave(DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT);
  const errors = [mismatch, leave(DisconnectReason.ROOM_DELETED)].map(leaveError);
  assertEquals(errors.map(({ code }) => code), ["state-mismatch", "room-deleted"]);
  assertEquals(errors.map(({ retryable }) => retryable), [true, false]);
  // One that does not know the number of a reason.
  assertEquals(readLeave(leave(99 as DisconnectReason)).name, "unknown-reason");
});
