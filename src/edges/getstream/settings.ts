/**
 * The options of {@linkcode GetStreamEdge}, and their defaults from the environment.
 *
 * @module
 */
import type { DenoOptions, MemoryOptions } from "@ringline/edge/media";
import {
  checkDuration,
  checkOptions,
  type EdgeOptions,
  environmentHint,
  environmentVariable,
} from "@ringline/edge/toolkit";
import { isCodecName, type VideoCodec } from "./wire/video_codec.ts";

/** The addresses of Stream's services; `basePath` overrides them. */
const VIDEO_SERVICE = "https://video.stream-io-api.com";
const CHAT_SERVICE = "https://chat.stream-io-api.com";
/** The address of the demo page; `demoBaseUrl` and `EXAMPLE_BASE_URL` override it. */
const DEMO_PAGE = "https://getstream.io/video/demos";

/** Options for {@linkcode GetStreamEdge}. */
export interface GetStreamEdgeOptions extends EdgeOptions, DenoOptions, MemoryOptions {
  /** The app's key. Default: the environment's `STREAM_API_KEY`. */
  apiKey?: string;
  /**
   * The app's secret; it never leaves this process. Default: the environment's `STREAM_API_SECRET`,
   * unless there is a `userToken`.
   */
  apiSecret?: string;
  /**
   * The token of the agent's user, a "user token" of Stream's (it holds for all of the user's calls), or a
   * function that returns one, instead of the secret: for programs that may not have it. The function is asked again before a token expires, or when the service says
   * that it has; it has 4 s to answer. Without the secret an agent joins, creates and ends calls as far as
   * its user may; its chat has only its own messages. Links of `openDemo` and other users cause errors
   * with the code `no-secret`.
   */
  userToken?: UserTokenSource;
  /** One address for all of Stream's services, e.g. of a proxy or a test double. */
  basePath?: string;
  /** The address of the demo page. Default: the environment's `EXAMPLE_BASE_URL`, or Stream's page. */
  demoBaseUrl?: string;
  /** Time limit of one request to the service, in milliseconds. Default 3000. */
  requestTimeoutMs?: number;
  /** How long a user's token is valid, in milliseconds; the edge renews it. Default 1 hour. */
  tokenValidityMs?: number;
  /** How long the edge tries to reconnect a lost call, in milliseconds. Default 60,000. */
  reconnectTimeoutMs?: number;
  /**
   * Silence after which an SFU's socket counts as lost, in milliseconds; the edge sends more than two
   * health checks in that time. Default 12,000.
   */
  silenceTimeoutMs?: number;
  /**
   * How long a participant who left is waited for, in milliseconds: Stream's clients rejoin with a new
   * session after a network change. Within it they keep their id, and the call is not idle. Default
   * 6000.
   */
  participantGraceMs?: number;
  /**
   * Where the agent's program runs, for Stream to choose a server near it: the name of an airport, e.g.
   * `"FRA"`. Default `"auto"`: by the address of the request.
   */
  location?: string;
  /** The codecs for published video, the preferred first. Default VP8, VP9, AV1. */
  videoCodecs?: readonly VideoCodec[];
  /**
   * The delay between sending the agent's audio and a listener hearing it, in milliseconds. Stream
   * does not report it, so `heardMs` is computed with this constant. Default 150.
   */
  heardDelayMs?: number;
}

/** A user's token, or what returns one for a user's id. */
export type UserTokenSource = string | ((userId: string) => string | Promise<string>);

/** The options, validated and complete. */
export interface GetStreamSettings {
  readonly apiKey: string;
  /** There is one of these two. */
  readonly apiSecret: string | undefined;
  readonly userToken: UserTokenSource | undefined;
  readonly basePath: string | undefined;
  /** The address of the video service. */
  readonly videoUrl: string;
  /** The address of the chat service. */
  readonly chatUrl: string;
  readonly demoBaseUrl: string;
  readonly requestTimeoutMs: number;
  readonly tokenValidityMs: number;
  readonly reconnectTimeoutMs: number;
  readonly silenceTimeoutMs: number;
  readonly participantGraceMs: number;
  readonly location: string;
  readonly videoCodecs: readonly VideoCodec[];
  readonly heardDelayMs: number;
}

const OPTIONS: Readonly<Record<keyof GetStreamEdgeOptions, true>> = {
  apiKey: true,
  apiSecret: true,
  userToken: true,
  basePath: true,
  demoBaseUrl: true,
  requestTimeoutMs: true,
  tokenValidityMs: true,
  reconnectTimeoutMs: true,
  silenceTimeoutMs: true,
  participantGraceMs: true,
  location: true,
  videoCodecs: true,
  heardDelayMs: true,
  denoPath: true,
  memoryLimit: true,
  clock: true,
  logger: true,
};

/**
 * Validates the options and adds the defaults.
 *
 * @throws {TypeError} the key or the secret is missing, or an address or a codec is not valid.
 * @throws {RangeError} a duration is not valid.
 */
export function readSettings(
  options: GetStreamEdgeOptions,
  environment: (name: string) => string | undefined = environmentVariable,
): GetStreamSettings {
  checkOptions(options, "options", OPTIONS);
  const apiKey = options.apiKey ?? environment("STREAM_API_KEY");
  const { userToken } = options;
  checkUserToken(options);
  const apiSecret = userToken === undefined
    ? options.apiSecret ?? environment("STREAM_API_SECRET")
    : undefined;
  const isAllowed = Boolean(userToken ?? apiSecret);
  const missing = [
    ...(apiKey ? [] : ["apiKey (or STREAM_API_KEY in the environment)"]),
    ...(isAllowed ? [] : ["apiSecret (or STREAM_API_SECRET in the environment), or userToken"]),
  ];
  if (!apiKey || !isAllowed) {
    throw new TypeError(
      `GetStreamEdge needs ${missing.join(" and ")}${
        environmentHint(["STREAM_API_KEY", "STREAM_API_SECRET"])
      }`,
    );
  }
  const basePath = options.basePath === undefined
    ? undefined
    : checkAddress("basePath", options.basePath);
  const {
    requestTimeoutMs = 3000,
    tokenValidityMs = 3_600_000,
    reconnectTimeoutMs = 60_000,
    silenceTimeoutMs = 12_000,
    participantGraceMs = 6000,
    heardDelayMs = 150,
    location = "auto",
    videoCodecs = ["vp8", "vp9", "av1"],
  } = options;
  for (
    const [name, ms] of Object.entries({
      requestTimeoutMs,
      reconnectTimeoutMs,
      participantGraceMs,
      heardDelayMs,
    })
  ) checkDuration(name, ms);
  if (!(silenceTimeoutMs >= 500)) {
    throw new RangeError(`silenceTimeoutMs: expected at least 500, got ${silenceTimeoutMs}`);
  }
  if (!(tokenValidityMs >= 5000)) {
    throw new RangeError(`tokenValidityMs: expected at least 5000, got ${tokenValidityMs}`);
  }
  if (videoCodecs.length === 0 || !videoCodecs.every(isCodecName)) {
    throw new TypeError(
      `videoCodecs must name some of "vp8", "vp9", "av1", got ${JSON.stringify(videoCodecs)}`,
    );
  }
  if (typeof location !== "string" || !/^\w{1,32}$/.test(location)) {
    throw new TypeError(
      `location: expected "auto" or an airport like "FRA", got ${JSON.stringify(location)}`,
    );
  }
  return {
    apiKey,
    apiSecret,
    userToken,
    basePath,
    videoUrl: basePath ?? VIDEO_SERVICE,
    chatUrl: basePath ?? CHAT_SERVICE,
    demoBaseUrl: checkAddress(
      "demoBaseUrl",
      options.demoBaseUrl ?? environment("EXAMPLE_BASE_URL") ?? DEMO_PAGE,
    ),
    requestTimeoutMs,
    tokenValidityMs,
    reconnectTimeoutMs,
    silenceTimeoutMs,
    participantGraceMs,
    location,
    videoCodecs,
    heardDelayMs,
  };
}

function checkUserToken({ apiSecret, userToken }: GetStreamEdgeOptions): void {
  if (userToken === undefined) return;
  if (apiSecret !== undefined) {
    throw new TypeError("GetStreamEdge takes either apiSecret or userToken, got both");
  }
  if (typeof userToken === "function" || (typeof userToken === "string" && userToken !== "")) {
    return;
  }
  throw new TypeError("userToken: expected a user's token, or a function that returns one");
}

function checkAddress(name: string, value: string): string {
  const url = URL.parse(value);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
    throw new TypeError(`${name}: expected an http(s) address without a query, got "${value}"`);
  }
  return value.replace(/\/+$/, "");
}
