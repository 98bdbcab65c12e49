/** The rooms of a server, through its API. @module */
import { type Clock, type JsonValue, messageOf, waitFor } from "@ringline/edge/toolkit";
import type { LiveKitCallOptions } from "../call_options.ts";
import type { LiveKitSettings } from "../settings.ts";
import { rejectionError, withoutSecrets } from "../wire/errors.ts";
import type { Tokens } from "./tokens.ts";

/** The SDK's client for rooms. */
type Client = InstanceType<(typeof import("livekit-server-sdk"))["RoomServiceClient"]>;

/** Creates and deletes rooms: on the first node that can be reached. */
export class RoomService {
  readonly #settings: LiveKitSettings;
  readonly #tokens: Tokens;
  readonly #clock: Clock;

  constructor(settings: LiveKitSettings, tokens: Tokens, clock: Clock) {
    this.#settings = settings;
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /** Creates a room, or finds the one with this name; returns the server's description of it. */
  async create(name: string, options: LiveKitCallOptions): Promise<JsonValue> {
    const { emptyTimeout, departureTimeout, maxParticipants, metadata, signal } = options;
    const room = await this.#request(
      "creating the room",
      (client) =>
        client.createRoom({ name, emptyTimeout, departureTimeout, maxParticipants, metadata }),
      signal,
    );
    return room.toJson() as JsonValue;
  }

  /** Deletes a room: all participants leave it. Does nothing where there is none. */
  async delete(name: string): Promise<void> {
    try {
      await this.#request("ending the call", (client) => client.deleteRoom(name));
    } catch (error) {
      if ((error as { code?: string }).code !== "not-found") throw error;
    }
  }

  async #request<T>(
    doing: string,
    act: (client: Client) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const { apiKey, apiSecret } = this.#tokens.keys(doing);
    const { RoomServiceClient } = await import("livekit-server-sdk");
    const { urls, requestTimeoutMs } = this.#settings;
    for (const [index, url] of urls.entries()) {
      const client = new RoomServiceClient(url.replace(/^ws/, "http"), apiKey, apiSecret, {
        requestTimeout: Math.max(1, Math.ceil(requestTimeoutMs / 1000)),
        failover: false,
      });
      try {
        return await waitFor(act(client), doing, {
          timeoutMs: requestTimeoutMs,
          signal,
          clock: this.#clock,
        });
      } catch (error) {
        if (signal?.aborted) throw error;
        const { status } = error as { status?: number };
        const isLast = index === urls.length - 1;
        if (!isLast && (status === undefined || status >= 500)) continue;
        const message = withoutSecrets(messageOf(error), apiSecret);
        throw rejectionError(doing, { status, message });
      }
    }
    throw rejectionError(doing, {});
  }
}
