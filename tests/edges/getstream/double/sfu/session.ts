import type { Leg } from "./leg.ts";
import type { Member, Room } from "./call_room.ts";

/** A member's stay: where they are, and by which connection. */
export interface Session {
  room: Room;
  member: Member;
  leg: Leg;
}
