/** What an edge asks of Stream's REST services. @module */
import type { GetOrCreateCallRequest } from "@stream-io/node-sdk";
import { type Clock, EdgeError, type JsonValue, type User } from "@ringline/edge/toolkit";
import { readCredentials, type SfuCredentials } from "../wire/credentials.ts";
import { requestJson } from "../wire/http.ts";
import { STREAM_CLIENT } from "../wire/client.ts";
import { retrying, TRIES } from "../wire/retrying.ts";
import type { GetStreamSettings } from "../settings.ts";
import type { StreamWebhook } from "../webhooks.ts";
import type { UserToken } from "./user_token.ts";

/** The type and the id of a call. */
export interface CallName {
  readonly type: string;
  readonly id: string;
}

/** Options for {@linkcode StreamService.joinCall}. */
export interface JoinRequest {
  /** SFUs to avoid, the one that was left last first. */
  migratingFrom?: readonly string[];
  /** When the caller gives up, by the clock. */
  deadline?: number | undefined;
  signal?: AbortSignal;
}

/** Options for {@linkcode StreamService.upsertUser}. */
export interface UpsertOptions {
  /** Whether the user is an agent. */
  agent: boolean;
  /** When the caller gives up, by the clock. */
  deadline?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** What {@linkcode StreamService} needs. */
export interface ServiceInit {
  /** The clock for time limits and tokens. */
  clock: Clock;
  /** Aborted when the edge is closed, which ends all requests. */
  signal: AbortSignal;
}

/** A message of a chat channel. */
export interface StreamChatMessage {
  id: string;
  text: string;
  user_id: string;
  custom: Record<string, JsonValue>;
}

/** A request in the name of a user. */
export interface UserRequest {
  /** Default `"POST"`. */
  method?: "POST" | "PUT" | "DELETE";
  /** The address of the service. Default: that of video. */
  baseUrl?: string;
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  /** How often it is tried in all. Default 3. */
  tries?: number;
  /** When the caller gives up, by the clock. */
  deadline?: number | undefined;
  signal?: AbortSignal;
}

/**
 * Stream's services: on behalf of the app with its secret, or on behalf of a user with their token. A
 * request that can be tried again is tried three times. What only the app may ask fails with the code
 * `no-secret` without one.
 */
export abstract class StreamService {
  protected readonly settings: GetStreamSettings;
  /** The clock for time limits and tokens. */
  readonly clock: Clock;
  /** Aborted when the edge is closed. */
  protected readonly closed: AbortSignal;
  readonly #tokens = new Map<string, UserToken>();

  constructor(settings: GetStreamSettings, { clock, signal }: ServiceInit) {
    this.settings = settings;
    this.clock = clock;
    this.closed = signal;
  }

  /**
   * Verifies a webhook with the app's secret, and returns its event.
   *
   * @throws {AuthenticationError} the signature is wrong; or `no-secret`.
   * @throws {ProtocolError} it is signed and malformed.
   */
  abstract readWebhook(webhook: StreamWebhook): unknown;

  /** Creates or updates a user; fields that are not given keep their values. */
  abstract upsertUser(user: User, options: UpsertOptions): Promise<void>;
  /** Returns those of these users that are agents. */
  abstract findAgents(userIds: readonly string[], signal?: AbortSignal): Promise<string[]>;
  /** Creates a call, or finds the existing one; returns the service's description of it. */
  abstract getOrCreateCall(
    call: CallName,
    request: GetOrCreateCallRequest,
    signal?: AbortSignal,
  ): Promise<unknown>;
  /** Opens a call that is backstage. */
  abstract goLive(call: CallName, userId: string | undefined): Promise<void>;
  /** Puts a call backstage. */
  abstract stopLive(call: CallName, userId: string | undefined): Promise<void>;
  /** Ends a call for all participants. */
  abstract endCall(call: CallName, userId: string | undefined): Promise<void>;
  /** Sends a custom event to all participants of a call. */
  abstract sendCallEvent(call: CallName, userId: string, data: JsonValue): Promise<void>;
  /** Creates a token for another person, e.g. in a link. */
  abstract createToken(userId: string, validityMs: number): string;
  /** Creates a channel of type `messaging` with these members, or finds the existing one. */
  abstract openChannel(id: string, createdBy: string, members: readonly string[]): Promise<void>;
  /** Adds a member to a channel. */
  abstract addMember(channelId: string, userId: string): Promise<void>;

  // Writes are not tried again here: the conversation tries again with the latest state.

  /** Writes a new message. */
  abstract sendMessage(channelId: string, message: StreamChatMessage): Promise<void>;
  /** Updates a message that is still growing. */
  abstract showMessage(message: StreamChatMessage): Promise<void>;
  /** Writes the final state of a message. */
  abstract finishMessage(message: StreamChatMessage): Promise<void>;
  /** Removes a message. */
  abstract deleteMessage(id: string, userId: string): Promise<void>;
  /** Returns a new holder of a user's tokens. */
  protected abstract newToken(userId: string): UserToken;

  /** Returns what ends a request: its own signal, or the end of the edge. */
  protected orClosed(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.closed]) : this.closed;
  }

  /** Returns the tokens of a user. */
  userToken(userId: string): UserToken {
    return this.#tokens.getOrInsertComputed(userId, () => this.newToken(userId));
  }

  /** Joins a call as a user; returns credentials for an SFU. */
  async joinCall(
    call: CallName,
    userId: string,
    request: JoinRequest = {},
  ): Promise<SfuCredentials> {
    const { migratingFrom = [], deadline, signal } = request;
    const response = await this.asUser(`joining the call ${call.type}:${call.id}`, userId, {
      path: `/api/v2/video/call/${call.type}/${call.id}/join`,
      body: {
        create: true,
        location: this.settings.location,
        ...(migratingFrom.length === 0 ? {} : {
          migrating_from: migratingFrom[0],
          migrating_from_list: migratingFrom,
        }),
      },
      deadline,
      signal,
    });
    return readCredentials(response);
  }

  /** Subscribes a coordinator's connection to a call's events. */
  async subscribeToCall(
    call: CallName,
    userId: string,
    connectionId: string,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.asUser(`subscribing to the call ${call.type}:${call.id}`, userId, {
      path: `/api/v2/video/call/${call.type}/${call.id}`,
      query: { connection_id: connectionId },
      body: {},
      signal,
    });
  }

  /** Requests something in a user's name. */
  protected asUser(doing: string, userId: string, request: UserRequest): Promise<unknown> {
    const { method = "POST", baseUrl = this.settings.videoUrl, query = {}, body } = request;
    const { tries = TRIES, deadline } = request;
    const signal = this.orClosed(request.signal);
    const tokens = this.userToken(userId);
    const url = new URL(baseUrl + request.path);
    url.searchParams.set("api_key", this.settings.apiKey);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return retrying(async () => {
      const token = await tokens.get(signal);
      try {
        return await requestJson({
          method,
          url,
          headers: {
            authorization: token,
            "stream-auth-type": "jwt",
            "x-stream-client": STREAM_CLIENT,
          },
          body,
          doing,
          timeoutMs: this.settings.requestTimeoutMs,
          tries,
          signal,
          clock: this.clock,
        });
      } catch (error) {
        if (!(error instanceof EdgeError)) throw error;
        throw error.code === "token-expired" ? tokens.refused(token, error) : error;
      }
    }, { tries, deadline, signal, clock: this.clock });
  }
}
