/**
 * Stream's services by REST, on behalf of the app: the only file that holds the API secret.
 *
 * @module
 */
import { StreamClient } from "@stream-io/node-sdk";
import {
  type Clock,
  EdgeError,
  type JsonValue,
  messageOf,
  type User,
} from "@ringline/edge/toolkit";
import { toCustomObjects } from "./custom_events.ts";
import { readCredentials, type SfuCredentials } from "./wire/credentials.ts";
import { postJson } from "./wire/http.ts";
import { retrying, TRIES } from "./wire/retrying.ts";
import {
  describeFailure,
  rejectionError,
  silenceError,
  withoutSecrets,
} from "./wire/service_errors.ts";
import type { GetStreamSettings } from "./settings.ts";
import { UserToken } from "./user_token.ts";

/** The mark that this package's agents carry, so that agents elsewhere know them for agents. */
const AGENT_MARK = "ringline_agent";

/** Where requests go without a base path: the SDK has an address for each service. */
const STREAM_CLOUD = "Stream's cloud (*.stream-io-api.com)";

/** Which call. */
export interface CallName {
  readonly type: string;
  readonly id: string;
}

/** How a call is joined. */
export interface JoinRequest {
  /** SFUs that are to be left, the one that is left last first. */
  migratingFrom?: readonly string[];
  signal?: AbortSignal;
}

/** A message of a chat channel as it is written. */
export interface ChatMessage {
  id: string;
  text: string;
  user_id: string;
  custom: Record<string, JsonValue>;
}

/** The services. Everything that can be tried again is tried three times. */
export class StreamService {
  readonly #settings: GetStreamSettings;
  readonly #client: StreamClient;
  /** Where its time comes from. */
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

  /** The tokens of a user. */
  userToken(userId: string): UserToken {
    let token = this.#tokens.get(userId);
    if (!token) {
      const make = (validityMs: number) => this.makeToken(userId, validityMs);
      token = new UserToken(make, {
        validityMs: this.#settings.tokenValidityMs,
        clock: this.clock,
      });
      this.#tokens.set(userId, token);
    }
    return token;
  }

  /** A single token. */
  makeToken(userId: string, validityMs: number): string {
    return this.#client.generateUserToken({
      user_id: userId,
      validity_in_seconds: Math.ceil(validityMs / 1000),
    });
  }

  /** Makes a user known, keeping what the service knows of him and we do not say. */
  async upsertUser(user: User, options: { agent: boolean }): Promise<void> {
    const { id, name, image, custom = {} } = user;
    const fields = {
      name,
      ...(image === undefined ? {} : { image }),
      ...custom,
      ...(options.agent ? { [AGENT_MARK]: true } : {}),
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

  /** Which of these users are agents of this package. */
  async findAgents(userIds: readonly string[], signal?: AbortSignal): Promise<string[]> {
    const { users } = await this.#call("looking up users", () =>
      this.#client.queryUsers({
        payload: { filter_conditions: { id: { $in: userIds } }, limit: userIds.length },
      }), signal);
    return users.filter(({ custom }) => custom?.[AGENT_MARK] === true).map(({ id }) => id);
  }

  /** Creates a call, or finds the one that exists; gives the service's answer. */
  async getOrCreateCall(call: CallName, createdBy: string, signal?: AbortSignal): Promise<unknown> {
    const answer = await this.#call(
      `creating the call ${call.type}:${call.id}`,
      () =>
        this.#client.video.call(call.type, call.id).getOrCreate({
          data: { created_by_id: createdBy },
        }),
      signal,
    );
    return answer.call;
  }

  /** Joins a call as a user: gives the right to go to an SFU. */
  joinCall(call: CallName, userId: string, request: JoinRequest = {}): Promise<SfuCredentials> {
    const { migratingFrom = [], signal } = request;
    return this.#asUser(`joining the call ${call.type}:${call.id}`, userId, {
      path: `/api/v2/video/call/${call.type}/${call.id}/join`,
      body: {
        create: true,
        location: "auto",
        ...(migratingFrom.length === 0 ? {} : {
          migrating_from: migratingFrom[0],
          migrating_from_list: migratingFrom,
        }),
      },
      ...(signal ? { signal } : {}),
    }).then(readCredentials);
  }

  /** Asks for a call's events on a coordinator's connection. */
  async watchCall(
    call: CallName,
    userId: string,
    connectionId: string,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#asUser(`watching the call ${call.type}:${call.id}`, userId, {
      path: `/api/v2/video/call/${call.type}/${call.id}`,
      query: { connection_id: connectionId },
      body: {},
      ...(signal ? { signal } : {}),
    });
  }

  /** Sends a custom event to everybody in a call. */
  async sendCallEvent(call: CallName, userId: string, data: JsonValue): Promise<void> {
    for (const custom of toCustomObjects(data)) {
      await this.#call(
        "sending a custom event",
        () =>
          this.#client.video.call(call.type, call.id).sendCallEvent({ user_id: userId, custom }),
      );
    }
  }

  /** Makes a channel of `messaging`, or finds it, with these users as members. */
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

  // Writing messages is not tried again here: the conversation has a better idea of what is due.

  /** Writes a new message. */
  async sendMessage(channelId: string, message: ChatMessage): Promise<void> {
    await this.#once(
      "writing a message",
      () => this.#client.chat.sendMessage({ type: "messaging", id: channelId, message }),
    );
  }

  /** Shows a message that is still being written. */
  async showMessage(message: ChatMessage): Promise<void> {
    const { id, user_id, text, custom } = message;
    await this.#once(
      "updating a message",
      () => this.#client.chat.ephemeralMessageUpdate({ id, user_id, set: { text, ...custom } }),
    );
  }

  /** Writes a message as it stays. */
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
      throw this.#understand(error, doing, tries);
    }
  }

  /** The SDK's errors hold the answer's headers and more: only what we know to be harmless stays. */
  #understand(error: unknown, doing: string, tries: number): EdgeError {
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
      message: withoutSecrets(message, apiSecret),
      doing,
    });
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
          headers: { authorization: token.get(), "stream-auth-type": "jwt" },
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
