import type { Leg } from "./leg.ts";
import type { Member, Room } from "./room.ts";

/** Somebody's stay: where he is, and by which connection. */
export interface Session {
  room: Room;
  member: Member;
  leg: Leg;
}
