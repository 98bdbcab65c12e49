/** The tokens of agents, and of people who join the same rooms. @module */
import {
  AuthenticationError,
  checkUser,
  type Clock,
  ConnectionError,
  EdgeError,
  isTimeout,
  messageOf,
  tokenClaims,
  type User,
  waitFor,
  withoutSecrets,
} from "@ringline/edge/toolkit";
import type { LiveKitSettings } from "../settings.ts";
import { USER_ATTRIBUTE } from "../wire/user_attribute.ts";
import type { AgentSeat } from "../jobs/assigned_call.ts";

/** How long a program may take to return a token. */
const SOURCE_MS = 4000;
/** For how long a worker's token is valid, in seconds: it is shown once, when the worker registers. */
const WORKER_TOKEN_S = 600;

/** Options for {@linkcode Tokens.create}. */
export interface TokenOptions {
  /** The room that it opens. */
  room: string;
  /** Who joins with it. */
  user: User;
  /** The identity in the room. Default: the user's id. */
  identity?: string;
  /** Attributes in the room. Default: none. */
  attributes?: Readonly<Record<string, string>>;
  /** Whether that is an agent. */
  isAgent: boolean;
  /** For how long it is valid. */
  validityMs: number;
}

/** Creates tokens with the secret, or has the program return them. */
export class Tokens {
  readonly #settings: LiveKitSettings;
  readonly #clock: Clock;

  constructor(settings: LiveKitSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /**
   * Returns a token with which an agent joins a room: on its seat where a server has assigned one.
   *
   * @throws {AuthenticationError} the program returned none: `no-token`, or one for another room:
   *   `wrong-room`.
   * @throws {ConnectionError} the program's function failed: `token-failed`, or took too long:
   *   `token-timeout`.
   */
  async ofAgent(
    room: string,
    user: User,
    signal?: AbortSignal,
    seat?: AgentSeat,
  ): Promise<string> {
    const { token: source, tokenValidityMs: validityMs } = this.#settings;
    if (source === undefined) {
      return await this.create({ room, user, ...seat, isAgent: true, validityMs });
    }
    let token: unknown;
    try {
      const asked = (async () => await source({ room, user }))();
      token = await waitFor(asked, "the program's token", {
        timeoutMs: SOURCE_MS,
        signal,
        clock: this.#clock,
      });
    } catch (error) {
      if (signal?.aborted || error instanceof EdgeError) throw error;
      const isLate = isTimeout(error);
      // Without the error itself, whose own fields may hold a secret.
      const why = withoutSecrets(messageOf(error));
      throw new ConnectionError(`the token of ${user.id}: ${why}`, {
        code: isLate ? "token-timeout" : "token-failed",
        retryable: true,
      });
    }
    if (typeof token === "string" && token !== "") {
      const grant = tokenClaims(token)?.["video"] as { room?: unknown } | undefined;
      // The token decides, not what was asked for: the agent would be in a room without its people.
      if (typeof grant?.room !== "string" || grant.room === "" || grant.room === room) return token;
      const [given, asked] = [JSON.stringify(grant.room), JSON.stringify(room)];
      const text = `the token of ${user.id} is for the room ${given}, not for ${asked}`;
      throw new AuthenticationError(text, { code: "wrong-room" });
    }
    throw new AuthenticationError(
      `the token of ${user.id}: expected a text, got ${
        token === "" ? "an empty one" : typeof token
      }`,
      { code: "no-token" },
    );
  }

  /**
   * Creates a token.
   *
   * @throws {AuthenticationError} this edge has no secret: `no-secret`.
   */
  async create(
    { room, user, identity = user?.id, attributes = {}, isAgent, validityMs }: TokenOptions,
  ): Promise<string> {
    checkUser(user, "user");
    const { apiKey, apiSecret } = this.keys("creating a token");
    // Not loaded by programs whose tokens come from elsewhere.
    const { AccessToken } = await import("livekit-server-sdk");
    const token = new AccessToken(apiKey, apiSecret, {
      identity,
      name: user.name,
      attributes: { ...attributes, ...(identity === user.id ? {} : { [USER_ATTRIBUTE]: user.id }) },
      ttl: Math.ceil(validityMs / 1000),
      ...metadataOf(user),
    });
    token.addGrant({
      room,
      roomJoin: true,
      canPublish: true,
      canSubscribe: true,
      canPublishData: true,
      ...(isAgent ? { canUpdateOwnMetadata: true } : {}),
    });
    // Not by the grant of that name, which registers workers: the media process has this token.
    if (isAgent) token.kind = "agent";
    return await token.toJwt();
  }

  /**
   * Returns a token with which a worker registers.
   *
   * @throws {AuthenticationError} this edge has no secret: `no-secret`.
   */
  async ofWorker(): Promise<string> {
    const { apiKey, apiSecret } = this.keys("registering a worker");
    const { AccessToken } = await import("livekit-server-sdk");
    const token = new AccessToken(apiKey, apiSecret, { ttl: WORKER_TOKEN_S });
    token.addGrant({ agent: true });
    return await token.toJwt();
  }

  /**
   * Returns the keys of the API.
   *
   * @throws {AuthenticationError} this edge has none: `no-secret`.
   */
  keys(doing: string): { readonly apiKey: string; readonly apiSecret: string } {
    const { keys } = this.#settings;
    if (keys) return keys;
    throw new AuthenticationError(
      `${doing} needs apiKey and apiSecret: this edge has a token only`,
      {
        code: "no-secret",
      },
    );
  }
}

/** What the user says about themselves, as the room's participants see it. */
function metadataOf({ image, custom }: User): { metadata?: string } {
  if (image === undefined && custom === undefined) return {};
  return { metadata: JSON.stringify({ ...custom, ...(image === undefined ? {} : { image }) }) };
}
