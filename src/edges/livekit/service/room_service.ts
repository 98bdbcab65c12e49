/** The rooms of a server, through its API. @module */
import type { JsonValue } from "@ringline/edge/toolkit";
import type { LiveKitCallOptions } from "../call_options.ts";
import type { RequestOptions, Requests } from "./requests.ts";

/** The SDK's client for rooms. */
type Client = InstanceType<(typeof import("livekit-server-sdk"))["RoomServiceClient"]>;

/** Creates and deletes rooms, and removes participants. */
export class RoomService {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Creates a room, or finds the one with this name; returns the server's description of it. */
  async create(name: string, options: LiveKitCallOptions): Promise<JsonValue> {
    const { emptyTimeout, departureTimeout, maxParticipants, metadata, signal } = options;
    const room = await this.#request(
      "creating the room",
      (client) =>
        client.createRoom({ name, emptyTimeout, departureTimeout, maxParticipants, metadata }),
      { signal },
    );
    return room.toJson() as JsonValue;
  }

  /** Deletes a room: all participants leave it. Does nothing where there is none. */
  async delete(name: string): Promise<void> {
    await this.#request("ending the call", (client) => client.deleteRoom(name))
      .catch(ignoreAbsent);
  }

  /** Removes a participant, as hanging up does. Does nothing where there is none. */
  async remove(room: string, identity: string): Promise<void> {
    await this.#request(
      "removing a participant",
      (client) => client.removeParticipant(room, identity),
    ).catch(ignoreAbsent);
  }

  async #request<T>(
    doing: string,
    act: (client: Client) => Promise<T>,
    options?: RequestOptions,
  ): Promise<T> {
    // Not loaded by programs whose tokens come from elsewhere.
    const { RoomServiceClient } = await import("livekit-server-sdk");
    return await this.#requests.send(
      doing,
      (...client) => act(new RoomServiceClient(...client)),
      options,
    );
  }
}

function ignoreAbsent(error: { code?: string }): void {
  if (error.code !== "not-found") throw error;
}
