/**
 * A client of Stream's REST services on behalf of the app; the only file that holds the API secret.
 *
 * @module
 */
import { type GetOrCreateCallRequest, StreamClient } from "@stream-io/node-sdk";
import {
  type Clock,
  EdgeError,
  type JsonValue,
  messageOf,
  type User,
} from "@ringline/edge/toolkit";
import { toCustomObjects } from "./custom_events.ts";
import { AGENT_MARKS, isMarked } from "./wire/agent_marks.ts";
import { readCredentials, type SfuCredentials } from "./wire/credentials.ts";
import { postJson } from "./wire/http.ts";
import { STREAM_CLIENT } from "./wire/client.ts";
import { retrying, TRIES } from "./wire/retrying.ts";
import {
  describeFailure,
  rejectionError,
  silenceError,
  withoutSecrets,
} from "./wire/service_errors.ts";
import type { GetStreamSettings } from "./settings.ts";
import { UserToken } from "./user_token.ts";

/** The most users that one request may ask for. */
const MAX_QUERIED = 100;

/** The destination of requests without a base path: the SDK has an address for each service. */
const STREAM_CLOUD = "Stream's cloud (*.stream-io-api.com)";

/** The type and the id of a call. */
export interface CallName {
  readonly type: string;
  readonly id: string;
}

/** Options for {@linkcode StreamService.joinCall}. */
export interface JoinRequest {
  /** SFUs to avoid, the one that was left last first. */
  migratingFrom?: readonly string[];
  signal?: AbortSignal;
}

/** A message of a chat channel. */
export interface ChatMessage {
  id: string;
  text: string;
  user_id: string;
  custom: Record<string, JsonValue>;
}

/** Stream's services. A request that can be tried again is tried three times. */
export class StreamService {
  readonly #settings: GetStreamSettings;
  readonly #client: StreamClient;
  /** The clock for time limits and tokens. */
  readonly clock: Clock;
  readonly #tokens = new Map<string, UserToken>();

  constructor(settings: GetStreamSettings, clock: Clock) {
    this.#settings = settings;
    this.clock = clock;
    this.#client = new StreamClient(settings.apiKey, settings.apiSecret, {
      timeout: settings.requestTimeoutMs,
      ...(settings.basePath === undefined ? {} : { basePath: settings.basePath }),
    });
  }

  /** Returns the tokens of a user. */
  userToken(userId: string): UserToken {
    let token = this.#tokens.get(userId);
    if (!token) {
      const create = (validityMs: number) => this.createToken(userId, validityMs);
      token = new UserToken(create, {
        validityMs: this.#settings.tokenValidityMs,
        clock: this.clock,
      });
      this.#tokens.set(userId, token);
    }
    return token;
  }

  /** Creates a token. */
  createToken(userId: string, validityMs: number): string {
    return this.#client.generateUserToken({
      user_id: userId,
      validity_in_seconds: Math.ceil(validityMs / 1000),
    });
  }

  /** Creates or updates a user; fields that are not given keep their values. */
  async upsertUser(user: User, options: { agent: boolean }): Promise<void> {
    const { id, name, image, custom = {} } = user;
    const fields = {
      name,
      ...(image === undefined ? {} : { image }),
      ...custom,
      ...(options.agent ? AGENT_MARKS : {}),
    };
    await this.#call(`authenticating "${id}"`, async () => {
      try {
        await this.#client.updateUsersPartial({ users: [{ id, set: fields }] });
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
        const { name, image, ...own } = fields as Record<string, JsonValue>;
        await this.#client.upsertUsers([{
          id,
          name: String(name),
          ...(typeof image === "string" ? { image } : {}),
          custom: own,
        }]);
      }
    });
  }

  /** Returns those of these users that are agents. */
  async findAgents(userIds: readonly string[], signal?: AbortSignal): Promise<string[]> {
    const found: string[] = [];
    for (let start = 0; start < userIds.length; start += MAX_QUERIED) {
      const some = userIds.slice(start, start + MAX_QUERIED);
      const { users } = await this.#call("looking up users", () =>
        this.#client.queryUsers({
          payload: { filter_conditions: { id: { $in: some } }, limit: some.length },
        }), signal);
      found.push(...users.filter(({ custom }) => isMarked(custom)).map(({ id }) => id));
    }
    return found;
  }

  /** Creates a call, or finds the existing one; returns the service's description of it. */
  async getOrCreateCall(
    call: CallName,
    request: GetOrCreateCallRequest,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const response = await this.#call(
      `creating the call ${call.type}:${call.id}`,
      () => this.#client.video.call(call.type, call.id).getOrCreate(request),
      signal,
    );
    return response.call;
  }

  /** Opens a call that is backstage. */
  async goLive(call: CallName): Promise<void> {
    await this.#call(
      `going live with the call ${call.type}:${call.id}`,
      () => this.#client.video.call(call.type, call.id).goLive(),
    );
  }

  /** Puts a call backstage. */
  async stopLive(call: CallName): Promise<void> {
    await this.#call(
      `putting the call ${call.type}:${call.id} backstage`,
      () => this.#client.video.call(call.type, call.id).stopLive(),
    );
  }

  /** Ends a call for all participants. */
  async endCall(call: CallName): Promise<void> {
    await this.#call(
      `ending the call ${call.type}:${call.id}`,
      () => this.#client.video.call(call.type, call.id).end(),
    );
  }

  /** Joins a call as a user; returns credentials for an SFU. */
  joinCall(call: CallName, userId: string, request: JoinRequest = {}): Promise<SfuCredentials> {
    const { migratingFrom = [], signal } = request;
    return this.#asUser(`joining the call ${call.type}:${call.id}`, userId, {
      path: `/api/v2/video/call/${call.type}/${call.id}/join`,
      body: {
        create: true,
        location: this.#settings.location,
        ...(migratingFrom.length === 0 ? {} : {
          migrating_from: migratingFrom[0],
          migrating_from_list: migratingFrom,
        }),
      },
      ...(signal ? { signal } : {}),
    }).then(readCredentials);
  }

  /** Subscribes a coordinator's connection to a call's events. */
  async subscribeToCall(
    call: CallName,
    userId: string,
    connectionId: string,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#asUser(`subscribing to the call ${call.type}:${call.id}`, userId, {
      path: `/api/v2/video/call/${call.type}/${call.id}`,
      query: { connection_id: connectionId },
      body: {},
      ...(signal ? { signal } : {}),
    });
  }

  /** Sends a custom event to all participants of a call. */
  async sendCallEvent(call: CallName, userId: string, data: JsonValue): Promise<void> {
    for (const custom of toCustomObjects(data)) {
      await this.#call(
        "sending a custom event",
        () =>
          this.#client.video.call(call.type, call.id).sendCallEvent({ user_id: userId, custom }),
      );
    }
  }

  /** Creates a channel of type `messaging` with these members, or finds the existing one. */
  async openChannel(id: string, createdBy: string, members: readonly string[]): Promise<void> {
    await this.#call("opening the chat channel", async () => {
      const channel = this.#client.chat.channel("messaging", id);
      await channel.getOrCreate({
        data: { created_by_id: createdBy, members: members.map((user_id) => ({ user_id })) },
      });
    });
  }

  /** Adds a member to a channel. */
  async addMember(channelId: string, userId: string): Promise<void> {
    await this.#call("adding a member to the chat channel", () =>
      this.#client.chat.updateChannel({
        type: "messaging",
        id: channelId,
        add_members: [{ user_id: userId }],
      }));
  }

  // Writes are not tried again here: the conversation tries again with the latest state.

  /** Writes a new message. */
  async sendMessage(channelId: string, message: ChatMessage): Promise<void> {
    await this.#once(
      "writing a message",
      () => this.#client.chat.sendMessage({ type: "messaging", id: channelId, message }),
    );
  }

  /** Updates a message that is still growing. */
  async showMessage(message: ChatMessage): Promise<void> {
    const { id, user_id, text, custom } = message;
    await this.#once(
      "updating a message",
      () => this.#client.chat.ephemeralMessageUpdate({ id, user_id, set: { text, ...custom } }),
    );
  }

  /** Writes the final state of a message. */
  async finishMessage(message: ChatMessage): Promise<void> {
    const { id, user_id, text, custom } = message;
    await this.#once(
      "writing a message",
      () => this.#client.chat.updateMessagePartial({ id, user_id, set: { text, ...custom } }),
    );
  }

  /** Removes a message. */
  async deleteMessage(id: string): Promise<void> {
    await this.#once(
      "removing a message",
      () => this.#client.chat.deleteMessage({ id, hard: true }),
    );
  }

  #call<T>(doing: string, act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return retrying(() => this.#once(doing, act, TRIES), {
      ...(signal ? { signal } : {}),
      clock: this.clock,
    });
  }

  async #once<T>(doing: string, act: () => Promise<T>, tries = 1): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw this.#convertError(error, doing, tries);
    }
  }

  /** Converts an error of the SDK, and keeps only harmless fields: it holds headers and more. */
  #convertError(error: unknown, doing: string, tries: number): EdgeError {
    if (error instanceof EdgeError) return error;
    const { apiSecret, basePath, requestTimeoutMs } = this.#settings;
    const text = messageOf(error);
    const status = statusOf(error);
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const where = basePath === undefined ? STREAM_CLOUD : new URL(basePath).origin;
    if (status === undefined && /timeout/.test(text)) {
      return silenceError({ doing, where, timeoutMs: requestTimeoutMs, tries });
    }
    const message = status === undefined ? describeFailure(where, error) : text;
    return rejectionError({
      status,
      code: typeof code === "number" ? code : undefined,
      retryAfterMs: this.#untilReset(error),
      message: withoutSecrets(message, apiSecret),
      doing,
    });
  }

  /** Returns in how many milliseconds the service takes requests again, by the SDK's error. */
  #untilReset(error: unknown): number | undefined {
    const { metadata } = error as { metadata?: { rateLimit?: { rateLimitReset?: unknown } } };
    const reset = metadata?.rateLimit?.rateLimitReset;
    if (!(reset instanceof Date) || Number.isNaN(reset.getTime())) return undefined;
    return Math.min(60_000, Math.max(0, reset.getTime() - this.clock.epochMs()));
  }

  #asUser(
    doing: string,
    userId: string,
    request: {
      path: string;
      query?: Record<string, string>;
      body: unknown;
      signal?: AbortSignal;
    },
  ): Promise<unknown> {
    const token = this.userToken(userId);
    return retrying(async () => {
      const url = new URL(this.#settings.videoUrl + request.path);
      url.searchParams.set("api_key", this.#settings.apiKey);
      for (const [name, value] of Object.entries(request.query ?? {})) {
        url.searchParams.set(name, value);
      }
      try {
        return await postJson({
          url,
          headers: {
            authorization: token.get(),
            "stream-auth-type": "jwt",
            "x-stream-client": STREAM_CLIENT,
          },
          body: request.body,
          doing,
          timeoutMs: this.#settings.requestTimeoutMs,
          tries: TRIES,
          ...(request.signal ? { signal: request.signal } : {}),
          clock: this.clock,
        });
      } catch (error) {
        if (error instanceof EdgeError && error.code === "token-expired") token.renew();
        throw error;
      }
    }, { ...(request.signal ? { signal: request.signal } : {}), clock: this.clock });
  }
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("metadata" in error)) return undefined;
  const { metadata } = error as { metadata?: { responseCode?: unknown } };
  return typeof metadata?.responseCode === "number" ? metadata.responseCode : undefined;
}
