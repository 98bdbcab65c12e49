/**
 * How a {@linkcode GetStreamEdge} is set up, and what it takes from the environment.
 *
 * @module
 */
import type { DenoOptions } from "@ringline/edge/media";
import { checkDuration, type EdgeOptions } from "@ringline/edge/toolkit";
import { isCodecName, type VideoCodec } from "./wire/video_codec.ts";

/** Where Stream's services are, unless `basePath` says otherwise. */
const VIDEO_SERVICE = "https://video.stream-io-api.com";
/** Where the demo page is, unless `EXAMPLE_BASE_URL` says otherwise. */
const DEMO_PAGE = "https://getstream.io/video/demos";

/** How a {@linkcode GetStreamEdge} is set up. */
export interface GetStreamEdgeOptions extends EdgeOptions, DenoOptions {
  /** The app's key. Default: `STREAM_API_KEY` of the environment. */
  apiKey?: string;
  /** The app's secret; it never leaves this process. Default: `STREAM_API_SECRET`. */
  apiSecret?: string;
  /** One address for all of Stream's services, as a proxy or a test double has. */
  basePath?: string;
  /** Where the demo page is. Default: `EXAMPLE_BASE_URL`, then Stream's own. */
  demoBaseUrl?: string;
  /** Limit of one request to the service, in milliseconds. Default 3000. */
  requestTimeoutMs?: number;
  /** How long a user's token is valid, in milliseconds; renewed well before. Default 1 hour. */
  tokenValidityMs?: number;
  /** For how long a lost network is repaired before it is given up. Default 60,000. */
  reconnectTimeoutMs?: number;
  /** Silence after which an SFU's socket counts as lost; it is asked more than twice in that time. Default 12,000. */
  silenceTimeoutMs?: number;
  /** What to publish video with, best first, of what Stream offers. Default VP8, VP9, AV1. */
  videoCodecs?: readonly VideoCodec[];
  /**
   * How much later than they are sent a listener hears the agent's words, in milliseconds. Stream
   * does not say, so that `heardMs` rests on this constant. Default 150.
   */
  heardDelayMs?: number;
}

/** The options, checked and complete. */
export interface GetStreamSettings {
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly basePath: string | undefined;
  /** Where calls are joined. */
  readonly videoUrl: string;
  readonly demoBaseUrl: string;
  readonly requestTimeoutMs: number;
  readonly tokenValidityMs: number;
  readonly reconnectTimeoutMs: number;
  readonly silenceTimeoutMs: number;
  readonly videoCodecs: readonly VideoCodec[];
  readonly heardDelayMs: number;
}

/**
 * Checks the options.
 *
 * @throws {TypeError} the key or the secret is missing: names what is; an address is none.
 * @throws {RangeError} a duration is none.
 */
export function readSettings(
  options: GetStreamEdgeOptions,
  environment: (name: string) => string | undefined = readEnvironment,
): GetStreamSettings {
  const apiKey = options.apiKey ?? environment("STREAM_API_KEY");
  const apiSecret = options.apiSecret ?? environment("STREAM_API_SECRET");
  const missing = [
    ...(apiKey ? [] : ["apiKey (or STREAM_API_KEY in the environment)"]),
    ...(apiSecret ? [] : ["apiSecret (or STREAM_API_SECRET in the environment)"]),
  ];
  if (!apiKey || !apiSecret) {
    throw new TypeError(`GetStreamEdge needs ${missing.join(" and ")}`);
  }
  const basePath = options.basePath === undefined
    ? undefined
    : checkAddress("basePath", options.basePath);
  const {
    requestTimeoutMs = 3000,
    tokenValidityMs = 3_600_000,
    reconnectTimeoutMs = 60_000,
    silenceTimeoutMs = 12_000,
    heardDelayMs = 150,
    videoCodecs = ["vp8", "vp9", "av1"],
  } = options;
  for (
    const [name, ms] of Object.entries({ requestTimeoutMs, reconnectTimeoutMs, heardDelayMs })
  ) checkDuration(name, ms);
  if (!(silenceTimeoutMs >= 500)) {
    throw new RangeError(`silenceTimeoutMs must be at least 500, got ${silenceTimeoutMs}`);
  }
  if (!(tokenValidityMs >= 5000)) {
    throw new RangeError(`tokenValidityMs must be at least 5000, got ${tokenValidityMs}`);
  }
  if (videoCodecs.length === 0 || !videoCodecs.every(isCodecName)) {
    throw new TypeError(
      `videoCodecs must name some of "vp8", "vp9", "av1", got ${JSON.stringify(videoCodecs)}`,
    );
  }
  return {
    apiKey,
    apiSecret,
    basePath,
    videoUrl: basePath ?? VIDEO_SERVICE,
    demoBaseUrl: checkAddress(
      "demoBaseUrl",
      options.demoBaseUrl ?? environment("EXAMPLE_BASE_URL") ?? DEMO_PAGE,
    ),
    requestTimeoutMs,
    tokenValidityMs,
    reconnectTimeoutMs,
    silenceTimeoutMs,
    videoCodecs,
    heardDelayMs,
  };
}

function readEnvironment(name: string): string | undefined {
  // Asking only where asking is allowed: a person who gives both options needs no permission.
  return Deno.permissions.querySync({ name: "env", variable: name }).state === "granted"
    ? Deno.env.get(name)
    : undefined;
}

function checkAddress(name: string, value: string): string {
  const url = URL.parse(value);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
    throw new TypeError(`${name} must be an http(s) address without a query, got "${value}"`);
  }
  return value.replace(/\/+$/, "");
}
