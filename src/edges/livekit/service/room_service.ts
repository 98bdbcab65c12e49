/** The rooms of a server, through its API. @module */
import type { JsonValue } from "@ringline/edge/toolkit";
import type { LiveKitCallOptions } from "../call_options.ts";
import type { ServerApi } from "./server_api.ts";

/** Creates and deletes rooms. */
export class RoomService {
  readonly #api: ServerApi;

  constructor(api: ServerApi) {
    this.#api = api;
  }

  /** Creates a room, or finds the one with this name; returns the server's description of it. */
  async create(name: string, options: LiveKitCallOptions): Promise<JsonValue> {
    const { emptyTimeout, departureTimeout, maxParticipants, metadata, signal } = options;
    const room = await this.#api.request(
      "creating the room",
      ({ rooms }) =>
        rooms.createRoom({ name, emptyTimeout, departureTimeout, maxParticipants, metadata }),
      signal,
    );
    return room.toJson() as JsonValue;
  }

  /** Deletes a room: all participants leave it. Does nothing where there is none. */
  async delete(name: string): Promise<void> {
    try {
      await this.#api.request("ending the call", ({ rooms }) => rooms.deleteRoom(name));
    } catch (error) {
      if ((error as { code?: string }).code !== "not-found") throw error;
    }
  }
}
