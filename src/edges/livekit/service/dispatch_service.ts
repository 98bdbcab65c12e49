/** What a server knows of the agents that rooms ask for. @module */
import type { AgentDispatch, ParticipantInfo, Room } from "@livekit/protocol";
import type { Requests } from "./requests.ts";

type Sdk = typeof import("livekit-server-sdk");

/** Reads a server's dispatches, and the rooms that they are for. */
export class DispatchService {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Returns the dispatches of a room; none where there is no such room. */
  async list(room: string): Promise<AgentDispatch[]> {
    const { AgentDispatchClient } = await this.#sdk();
    return await this.#requests.send(
      "reading a room's dispatches",
      (...client) => new AgentDispatchClient(...client).listDispatch(room),
    ).catch(noneWhereAbsent);
  }

  /** Returns the rooms, or those of these names that there are. */
  async rooms(names?: string[]): Promise<Room[]> {
    const { RoomServiceClient } = await this.#sdk();
    return await this.#requests.send(
      "reading the rooms",
      (...client) => new RoomServiceClient(...client).listRooms(names),
    );
  }

  /** Returns a room's participants; none where there is no such room. */
  async participants(room: string): Promise<ParticipantInfo[]> {
    const { RoomServiceClient } = await this.#sdk();
    return await this.#requests.send(
      "reading a room's participants",
      (...client) => new RoomServiceClient(...client).listParticipants(room),
    ).catch(noneWhereAbsent);
  }

  async #sdk(): Promise<Sdk> {
    // Not loaded by programs that take no jobs.
    return await import("livekit-server-sdk");
  }
}

function noneWhereAbsent(error: { code?: string }): [] {
  if (error.code !== "not-found") throw error;
  return [];
}
