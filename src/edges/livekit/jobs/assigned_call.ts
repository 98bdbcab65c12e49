/** The call of a job that a server has assigned. @module */
import { Call, type JsonValue } from "@ringline/edge/toolkit";

/** The place in a room that a server keeps for the agent of a job. */
export interface AgentSeat {
  /** The agent's identity: by it the server knows that the job is over when the agent has left. */
  readonly identity: string;
  /** Attributes of the agent, for all participants. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A room that an agent joins on a seat of its own, instead of under its user's id. */
export class AssignedCall extends Call {
  readonly seat: AgentSeat;

  constructor(room: { name: string; original: JsonValue }, seat: AgentSeat) {
    super({ id: room.name, original: room.original });
    this.seat = seat;
  }
}
