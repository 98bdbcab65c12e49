import type { Leg } from "./leg.ts";
import type { Member, Room } from "./call_room.ts";

/** A member's session: the call, and the connection. */
export interface Session {
  room: Room;
  member: Member;
  leg: Leg;
}
