/** Requests to the API of a server: on the first node that can be reached. @module */
import { type Clock, messageOf, waitFor } from "@ringline/edge/toolkit";
import type { LiveKitSettings } from "../settings.ts";
import { rejectionError, withoutSecrets } from "../wire/errors.ts";
import type { Tokens } from "./tokens.ts";

type Sdk = typeof import("livekit-server-sdk");

/** The SDK's clients of one node. */
export interface ApiClients {
  readonly rooms: InstanceType<Sdk["RoomServiceClient"]>;
  readonly dispatches: InstanceType<Sdk["AgentDispatchClient"]>;
}

/** The API of a server, for those who have the secret. */
export class ServerApi {
  readonly #settings: LiveKitSettings;
  readonly #tokens: Tokens;
  readonly #clock: Clock;

  constructor(settings: LiveKitSettings, tokens: Tokens, clock: Clock) {
    this.#settings = settings;
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /**
   * Returns the server's response.
   *
   * @throws {AuthenticationError} there is no secret: `no-secret`, or it is wrong: `unauthorized`.
   * @throws {ConnectionError} no node can be reached, or it refuses.
   */
  async request<T>(
    doing: string,
    act: (clients: ApiClients) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const { apiKey, apiSecret } = this.#tokens.keys(doing);
    const { RoomServiceClient, AgentDispatchClient } = await import("livekit-server-sdk");
    const { urls, requestTimeoutMs } = this.#settings;
    const options = {
      requestTimeout: Math.max(1, Math.ceil(requestTimeoutMs / 1000)),
      failover: false,
    };
    for (const [index, url] of urls.entries()) {
      const node = [url.replace(/^ws/, "http"), apiKey, apiSecret, options] as const;
      const clients: ApiClients = {
        rooms: new RoomServiceClient(...node),
        dispatches: new AgentDispatchClient(...node),
      };
      try {
        return await waitFor(act(clients), doing, {
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
