/**
 * A client of Stream's REST services on behalf of the app; the only file that holds the API secret.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  type GetOrCreateCallRequest,
  InvalidWebhookErrorMessages,
  StreamClient,
} from "@stream-io/node-sdk";
import {
  AuthenticationError,
  EdgeError,
  type JsonValue,
  messageOf,
  ProtocolError,
  type User,
  withoutSecrets,
} from "@ringline/edge/toolkit";
import { toCustomObjects } from "../custom_events.ts";
import { AGENT_MARKS, isMarked } from "../wire/agent_marks.ts";
import { retrying, TRIES } from "../wire/retrying.ts";
import { describeFailure, rejectionError, silenceError } from "../wire/service_errors.ts";
import type { GetStreamSettings } from "../settings.ts";
import type { StreamWebhook } from "../webhooks.ts";
import {
  type CallName,
  type ServiceInit,
  type StreamChatMessage,
  StreamService,
  type UpsertOptions,
} from "./stream_service.ts";
import { UserToken } from "./user_token.ts";

/** The most users that one request may ask for. */
const MAX_QUERIED = 100;

/** The destination of requests without a base path: the SDK has an address for each service. */
const STREAM_CLOUD = "Stream's cloud (*.stream-io-api.com)";

/** Stream's services on behalf of the app. */
export class AppService extends StreamService {
  readonly #apiSecret: string;
  readonly #client: StreamClient;

  constructor(settings: GetStreamSettings, apiSecret: string, options: ServiceInit) {
    super(settings, options);
    this.#apiSecret = apiSecret;
    this.#client = new StreamClient(settings.apiKey, apiSecret, {
      timeout: settings.requestTimeoutMs,
      ...(settings.basePath === undefined ? {} : { basePath: settings.basePath }),
    });
  }

  override createToken(userId: string, validityMs: number): string {
    return this.#client.generateUserToken({
      user_id: userId,
      validity_in_seconds: Math.ceil(validityMs / 1000),
    });
  }

  override readWebhook({ headers, body }: StreamWebhook): unknown {
    const signature = headers.get("x-signature") ?? "";
    try {
      return this.#client.verifyAndParseWebhook(Buffer.from(body), signature);
    } catch (error) {
      const isSigned = messageOf(error) !== InvalidWebhookErrorMessages.signatureMismatch;
      const message = `a webhook of Stream was refused: ${messageOf(error)}`;
      throw isSigned
        ? new ProtocolError(message, { code: "bad-webhook" })
        : new AuthenticationError(message, { code: "unauthorized" });
    }
  }

  override async upsertUser(user: User, options: UpsertOptions): Promise<void> {
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
    }, options);
  }

  override async findAgents(userIds: readonly string[], signal?: AbortSignal): Promise<string[]> {
    const found: string[] = [];
    for (let start = 0; start < userIds.length; start += MAX_QUERIED) {
      const some = userIds.slice(start, start + MAX_QUERIED);
      const { users } = await this.#call("looking up users", () =>
        this.#client.queryUsers({
          payload: { filter_conditions: { id: { $in: some } }, limit: some.length },
        }), { signal });
      found.push(...users.filter(({ custom }) => isMarked(custom)).map(({ id }) => id));
    }
    return found;
  }

  override async getOrCreateCall(
    call: CallName,
    request: GetOrCreateCallRequest,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const response = await this.#call(
      `creating the call ${call.type}:${call.id}`,
      () => this.#client.video.call(call.type, call.id).getOrCreate(request),
      { signal },
    );
    return response.call;
  }

  override async goLive(call: CallName): Promise<void> {
    await this.#call(
      `going live with the call ${call.type}:${call.id}`,
      () => this.#client.video.call(call.type, call.id).goLive(),
    );
  }

  override async stopLive(call: CallName): Promise<void> {
    await this.#call(
      `putting the call ${call.type}:${call.id} backstage`,
      () => this.#client.video.call(call.type, call.id).stopLive(),
    );
  }

  override async endCall(call: CallName): Promise<void> {
    await this.#call(
      `ending the call ${call.type}:${call.id}`,
      () => this.#client.video.call(call.type, call.id).end(),
    );
  }

  override async sendCallEvent(call: CallName, userId: string, data: JsonValue): Promise<void> {
    for (const custom of toCustomObjects(data)) {
      await this.#call(
        "sending a custom event",
        () =>
          this.#client.video.call(call.type, call.id).sendCallEvent({ user_id: userId, custom }),
      );
    }
  }

  override async openChannel(
    id: string,
    createdBy: string,
    members: readonly string[],
  ): Promise<void> {
    await this.#call("opening the chat channel", async () => {
      const channel = this.#client.chat.channel("messaging", id);
      await channel.getOrCreate({
        data: { created_by_id: createdBy, members: members.map((user_id) => ({ user_id })) },
      });
    });
  }

  override async addMember(channelId: string, userId: string): Promise<void> {
    await this.#call("adding a member to the chat channel", () =>
      this.#client.chat.updateChannel({
        type: "messaging",
        id: channelId,
        add_members: [{ user_id: userId }],
      }));
  }

  override async sendMessage(channelId: string, message: StreamChatMessage): Promise<void> {
    await this.#once(
      "writing a message",
      () => this.#client.chat.sendMessage({ type: "messaging", id: channelId, message }),
    );
  }

  override async showMessage(message: StreamChatMessage): Promise<void> {
    const { id, user_id, text, custom } = message;
    await this.#once(
      "updating a message",
      () => this.#client.chat.ephemeralMessageUpdate({ id, user_id, set: { text, ...custom } }),
    );
  }

  override async finishMessage(message: StreamChatMessage): Promise<void> {
    const { id, user_id, text, custom } = message;
    await this.#once(
      "writing a message",
      () => this.#client.chat.updateMessagePartial({ id, user_id, set: { text, ...custom } }),
    );
  }

  override async deleteMessage(id: string): Promise<void> {
    await this.#once(
      "removing a message",
      () => this.#client.chat.deleteMessage({ id, hard: true }),
    );
  }

  #call<T>(
    doing: string,
    act: () => Promise<T>,
    { deadline, signal }: { deadline?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    return retrying(() => this.#once(doing, act, TRIES), {
      deadline,
      signal: this.orClosed(signal),
      clock: this.clock,
    });
  }

  protected override newToken(userId: string): UserToken {
    return new UserToken((validityMs) => this.createToken(userId, validityMs), {
      validityMs: this.settings.tokenValidityMs,
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
    const { basePath, requestTimeoutMs } = this.settings;
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
      message: withoutSecrets(message, this.#apiSecret),
      doing,
    });
  }

  /** Returns in how many milliseconds the service takes requests again, by the SDK's error. */
  #untilReset(error: unknown): number | undefined {
    const { metadata } = error as { metadata?: { rateLimit?: { rateLimitReset?: unknown } } };
    const reset = metadata?.rateLimit?.rateLimitReset;
    if (!(reset instanceof Date) || Number.isNaN(reset.getTime())) return undefined;
    return Math.max(0, reset.getTime() - this.clock.epochMs());
  }
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("metadata" in error)) return undefined;
  const { metadata } = error as { metadata?: { responseCode?: unknown } };
  return typeof metadata?.responseCode === "number" ? metadata.responseCode : undefined;
}
