/** A client of Stream's services on behalf of users, by their tokens, without the app's secret. @module */
import type { GetOrCreateCallRequest } from "@stream-io/node-sdk";
import {
  AuthenticationError,
  type JsonValue,
  tokenClaims,
  type User,
  waitFor,
} from "@ringline/edge/toolkit";
import { CoordinatorSocket } from "../coordinator_socket.ts";
import { toCustomObjects } from "../custom_events.ts";
import { AGENT_MARKS } from "../wire/agent_marks.ts";
import { retrying } from "../wire/retrying.ts";
import type { GetStreamSettings, UserTokenSource } from "../settings.ts";
import {
  type CallName,
  type ServiceInit,
  type StreamChatMessage,
  StreamService,
  type UpsertOptions,
} from "./stream_service.ts";
import { UserToken } from "./user_token.ts";

/** Stream's services on behalf of users. */
export class UserService extends StreamService {
  readonly #source: UserTokenSource;
  /** The users whose tokens were accepted. */
  readonly #users = new Set<string>();

  constructor(
    settings: GetStreamSettings,
    source: UserTokenSource,
    options: ServiceInit,
  ) {
    super(settings, options);
    this.#source = source;
  }

  /** The user's own socket creates them, as it does for Stream's clients. */
  override readWebhook(): never {
    throw noSecret("verifying a webhook");
  }

  override async upsertUser(user: User, options: UpsertOptions): Promise<void> {
    const { id, name, image } = user;
    if (!options.agent) throw noSecret(`creating the user "${id}"`);
    const custom = { ...user.custom, ...AGENT_MARKS };
    const { deadline } = options;
    const signal = this.orClosed(options.signal);
    await retrying(async () => {
      const socket = new CoordinatorSocket({
        videoUrl: this.settings.videoUrl,
        apiKey: this.settings.apiKey,
        user: { id, name, ...(image ? { image } : {}), custom },
        token: this.userToken(id),
        clock: this.clock,
        subscribe: () => Promise.resolve(),
        onEvent: () => {},
        // The first try's is that of `ready`; there is no second one.
        onError: () => {},
      });
      try {
        await waitFor(socket.ready, "the user's socket", { signal, clock: this.clock });
      } finally {
        await socket.close();
      }
    }, { deadline, signal, clock: this.clock });
    this.#users.add(id);
  }

  /** Only what an SFU says about participants marks agents: users may not look up others. */
  override findAgents(): Promise<string[]> {
    return Promise.resolve([]);
  }

  override async getOrCreateCall(
    call: CallName,
    request: GetOrCreateCallRequest,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const { created_by_id: userId = "", ...data } = request.data ?? {};
    const response = await this.asUser(`creating the call ${call.type}:${call.id}`, userId, {
      path: `/api/v2/video/call/${call.type}/${call.id}`,
      body: { ...request, data },
      signal,
    });
    return (response as { call?: unknown } | null)?.call;
  }

  override goLive(call: CallName, userId: string | undefined): Promise<void> {
    return this.#change(call, "go_live", userId);
  }

  override stopLive(call: CallName, userId: string | undefined): Promise<void> {
    return this.#change(call, "stop_live", userId);
  }

  override endCall(call: CallName, userId: string | undefined): Promise<void> {
    return this.#change(call, "mark_ended", userId);
  }

  override async sendCallEvent(call: CallName, userId: string, data: JsonValue): Promise<void> {
    for (const custom of toCustomObjects(data)) {
      await this.asUser("sending a custom event", userId, {
        path: `/api/v2/video/call/${call.type}/${call.id}/event`,
        body: { custom },
      });
    }
  }

  override createToken(userId: string): never {
    throw noSecret(`creating a token for "${userId}"`);
  }

  override async openChannel(
    id: string,
    createdBy: string,
    members: readonly string[],
  ): Promise<void> {
    await this.asUser("opening the chat channel", createdBy, {
      baseUrl: this.settings.chatUrl,
      path: `/api/v2/chat/channels/messaging/${id}/query`,
      body: { data: { members: members.map((user_id) => ({ user_id })) } },
    });
  }

  override addMember(_channelId: string, userId: string): Promise<void> {
    return Promise.reject(noSecret(`adding "${userId}" to the chat channel`));
  }

  override async sendMessage(channelId: string, message: StreamChatMessage): Promise<void> {
    const { user_id, ...own } = message;
    // What others said only the app may write.
    if (!this.#users.has(user_id)) return;
    await this.#chat("writing a message", user_id, {
      path: `/channels/messaging/${channelId}/message`,
      body: { message: own },
    });
  }

  /** Stream takes such updates of the app only: the message grows by its final state. */
  override showMessage(): Promise<void> {
    return Promise.resolve();
  }

  override async finishMessage({ id, user_id, text, custom }: StreamChatMessage): Promise<void> {
    if (!this.#users.has(user_id)) return;
    await this.#chat("writing a message", user_id, {
      method: "PUT",
      path: `/messages/${id}`,
      body: { set: { text, ...custom } },
    });
  }

  override async deleteMessage(id: string, userId: string): Promise<void> {
    if (!this.#users.has(userId)) return;
    await this.#chat("removing a message", userId, { method: "DELETE", path: `/messages/${id}` });
  }

  protected override newToken(userId: string): UserToken {
    const source = this.#source;
    const load = async (): Promise<string> => {
      const token: unknown = typeof source === "function" ? await source(userId) : source;
      return token as string;
    };
    const isOnly = typeof source === "string";
    return new UserToken(load, {
      isOnly,
      check: (token) => checkUserToken(token, { userId, isOnly }),
      signal: this.closed,
      clock: this.clock,
    });
  }

  async #change(call: CallName, action: string, userId: string | undefined): Promise<void> {
    if (userId === undefined) {
      throw new TypeError("a call is changed in a user's name: authenticate an agent's user first");
    }
    await this.asUser(`${action} of the call ${call.type}:${call.id}`, userId, {
      path: `/api/v2/video/call/${call.type}/${call.id}/${action}`,
      body: {},
    });
  }

  async #chat(
    doing: string,
    userId: string,
    request: { method?: "POST" | "PUT" | "DELETE"; path: string; body?: unknown },
  ): Promise<void> {
    const path = `/api/v2/chat${request.path}`;
    await this.asUser(doing, userId, {
      ...request,
      path,
      baseUrl: this.settings.chatUrl,
      tries: 1,
    });
  }
}

/** Checks that a token is one of this user, as Stream's clients do; a provider may do better next time. */
function checkUserToken(
  token: unknown,
  { userId, isOnly }: { userId: string; isOnly: boolean },
): void {
  const whose = typeof token === "string" ? tokenClaims(token)?.user_id : undefined;
  if (whose === userId) return;
  const got = typeof token !== "string"
    ? `${token === null ? "null" : typeof token}`
    : typeof whose === "string"
    ? `that of "${whose}"`
    : "a text that is no user's token";
  throw new AuthenticationError(`userToken: expected a token of the user "${userId}", got ${got}`, {
    code: "unauthorized",
    retryable: !isOnly,
  });
}

function noSecret(doing: string): AuthenticationError {
  return new AuthenticationError(
    `${doing} needs the app's secret, and this edge has a userToken: do it on your server with ` +
      "Stream's server SDK, or pass apiSecret",
    { code: "no-secret" },
  );
}
