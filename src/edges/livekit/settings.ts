/**
 * The options of {@linkcode LiveKitEdge}, and their defaults from the environment.
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
  type User,
  withoutSecrets,
} from "@ringline/edge/toolkit";

/** The silence that LiveKit's servers allow themselves, and their clients. */
const SILENCE_MS = 15_000;

/** The wish for a token, as a {@linkcode TokenSource} gets it. */
export interface TokenRequest {
  /** The room to join. */
  readonly room: string;
  /** The agent that joins: the token's identity is its id. */
  readonly user: User;
}

/** Returns a token with which an agent may join a room. */
export type TokenSource = (request: TokenRequest) => string | Promise<string>;

/** Options for telephones. */
export interface SipOptions {
  /** The outbound trunk by which `dial` calls, e.g. `"ST_abc"`. Default: none, so that `dial` fails. */
  trunkId?: string;
  /** How long a telephone that is called may ring, in milliseconds. Default 30,000. */
  ringingTimeoutMs?: number;
}

/** Options for {@linkcode LiveKitEdge}. */
export interface LiveKitEdgeOptions extends EdgeOptions, DenoOptions, MemoryOptions {
  /**
   * The server's address, e.g. `"wss://livekit.example.org"`, or those of several nodes, which are tried
   * in turn. Default: the environment's `LIVEKIT_URL`, where commas separate several.
   */
  url?: string | readonly string[];
  /** The key of the API. Default: the environment's `LIVEKIT_API_KEY`, unless there is a `token`. */
  apiKey?: string;
  /**
   * The secret of the API; it never leaves this process. Default: the environment's
   * `LIVEKIT_API_SECRET`, unless there is a `token`.
   */
  apiSecret?: string;
  /**
   * Returns the agent's tokens, as LiveKit calls them (one admits one participant to one room), instead of
   * the secret: for programs that may not have it. It is asked at
   * each join, and before a join anew with a token that has expired; it has 4 s to answer. Without the
   * secret `endCall`, `createToken` and `openDemo` fail with the code `no-secret`.
   */
  token?: TokenSource;
  /**
   * Telephones of LiveKit's SIP service. With it there are `sendDtmf` and `transfer` for those who are in
   * a call, and `dial`; without it these fail with a `TypeError`.
   */
  sip?: SipOptions;
  /**
   * The address of another demo page, e.g. LiveKit's own, `"https://meet.livekit.io/custom"`: it gets
   * `liveKitUrl` and `token`. Default: this package's, which the edge serves to this machine.
   */
  demoBaseUrl?: string;
  /** Time limit of one request to the server, in milliseconds. Default 3000. */
  requestTimeoutMs?: number;
  /** For how long tokens are valid, in milliseconds. Default 6 hours. */
  tokenValidityMs?: number;
  /** How long the edge tries to reconnect a lost call, in milliseconds. Default 60,000. */
  reconnectTimeoutMs?: number;
  /** Silence after which the server's socket counts as lost, in milliseconds. Default 15,000. */
  silenceTimeoutMs?: number;
  /**
   * How long a participant whose connection was lost is waited for, in milliseconds. Within it they keep
   * their id, and the call is not idle. One who says goodbye has a second of it at most. Default 6000.
   */
  participantGraceMs?: number;
  /**
   * The same after the agent itself had to join anew, e.g. because the room's node was lost: browsers
   * come later than the agent. Default 30,000.
   */
  rejoinGraceMs?: number;
  /**
   * The delay between sending the agent's audio and a listener hearing it, in milliseconds. LiveKit does
   * not report it, so `heardMs` is computed with this constant. Default 150.
   */
  heardDelayMs?: number;
}

/** The options, validated and complete. */
export interface LiveKitSettings {
  readonly urls: readonly string[];
  /** Absent where there is a `token`. */
  readonly keys: { readonly apiKey: string; readonly apiSecret: string } | undefined;
  readonly token: TokenSource | undefined;
  /** Absent where there is no telephone. */
  readonly sip:
    | { readonly trunkId: string | undefined; readonly ringingTimeoutMs: number }
    | undefined;
  readonly demoBaseUrl: string | undefined;
  readonly requestTimeoutMs: number;
  readonly tokenValidityMs: number;
  readonly reconnectTimeoutMs: number;
  readonly silenceTimeoutMs: number;
  readonly participantGraceMs: number;
  readonly rejoinGraceMs: number;
  readonly heardDelayMs: number;
}

const OPTIONS: Readonly<Record<keyof LiveKitEdgeOptions, true>> = {
  url: true,
  apiKey: true,
  apiSecret: true,
  token: true,
  sip: true,
  demoBaseUrl: true,
  requestTimeoutMs: true,
  tokenValidityMs: true,
  reconnectTimeoutMs: true,
  silenceTimeoutMs: true,
  participantGraceMs: true,
  rejoinGraceMs: true,
  heardDelayMs: true,
  denoPath: true,
  memoryLimit: true,
  clock: true,
  logger: true,
};

/**
 * Validates the options and adds the defaults.
 *
 * @throws {TypeError} the address, the key or the secret is missing, or one is not valid.
 * @throws {RangeError} a duration is not valid.
 */
export function readSettings(
  options: LiveKitEdgeOptions,
  environment: (name: string) => string | undefined = environmentVariable,
): LiveKitSettings {
  checkOptions(options, "options", OPTIONS);
  const { token } = options;
  if (token !== undefined && typeof token !== "function") {
    throw new TypeError("token: expected a function that returns a token");
  }
  if (token !== undefined && options.apiSecret !== undefined) {
    throw new TypeError("LiveKitEdge takes either apiSecret or token, got both");
  }
  const urls = readUrls(options.url ?? environment("LIVEKIT_URL")?.split(","));
  const apiKey = options.apiKey ?? environment("LIVEKIT_API_KEY");
  const apiSecret = options.apiSecret ?? environment("LIVEKIT_API_SECRET");
  const missing = [
    ...(urls.length > 0 ? [] : ["url (or LIVEKIT_URL in the environment)"]),
    ...(token || apiKey ? [] : ["apiKey (or LIVEKIT_API_KEY in the environment)"]),
    ...(token || apiSecret
      ? []
      : ["apiSecret (or LIVEKIT_API_SECRET in the environment), or token"]),
  ];
  if (missing.length > 0) {
    throw new TypeError(
      `LiveKitEdge needs ${missing.join(" and ")}${
        environmentHint(["LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"])
      }`,
    );
  }
  const {
    requestTimeoutMs = 3000,
    tokenValidityMs = 6 * 3_600_000,
    reconnectTimeoutMs = 60_000,
    silenceTimeoutMs = SILENCE_MS,
    participantGraceMs = 6000,
    rejoinGraceMs = 30_000,
    heardDelayMs = 150,
    demoBaseUrl,
  } = options;
  const durations = {
    requestTimeoutMs,
    reconnectTimeoutMs,
    participantGraceMs,
    rejoinGraceMs,
    heardDelayMs,
  };
  for (const [name, ms] of Object.entries(durations)) checkDuration(name, ms);
  checkAtLeast("silenceTimeoutMs", silenceTimeoutMs, 500);
  checkAtLeast("tokenValidityMs", tokenValidityMs, 5000);
  return {
    urls,
    keys: token ? undefined : { apiKey: apiKey!, apiSecret: apiSecret! },
    token,
    sip: readSip(options.sip),
    demoBaseUrl: demoBaseUrl === undefined
      ? undefined
      : checkUrl("demoBaseUrl", demoBaseUrl, /^https?:$/),
    ...durations,
    silenceTimeoutMs,
    tokenValidityMs,
  };
}

function readSip(sip: SipOptions | undefined): LiveKitSettings["sip"] {
  if (sip === undefined) return undefined;
  checkOptions(
    sip,
    "sip",
    { trunkId: true, ringingTimeoutMs: true },
    'an object like { trunkId: "ST_abc" }, or nothing',
  );
  const { trunkId, ringingTimeoutMs = 30_000 } = sip;
  if (trunkId !== undefined && (typeof trunkId !== "string" || trunkId === "")) {
    throw new TypeError(
      `sip.trunkId: expected a text like "ST_abc", got ${JSON.stringify(trunkId)}`,
    );
  }
  checkDuration("sip.ringingTimeoutMs", ringingTimeoutMs);
  checkAtLeast("sip.ringingTimeoutMs", ringingTimeoutMs, 1000);
  return { trunkId, ringingTimeoutMs };
}

function checkAtLeast(name: string, ms: number, least: number): void {
  if (ms >= least) return;
  throw new RangeError(`${name}: expected at least ${least}, got ${ms}`);
}

function readUrls(given: string | readonly string[] | undefined): string[] {
  const list = typeof given === "string" ? [given] : given ?? [];
  if (!Array.isArray(list)) throw new TypeError(`url: expected an address or a list, got ${given}`);
  return list.map((one) => typeof one === "string" ? one.trim() : one)
    .filter((one) => one !== "")
    .map((one) => checkUrl("url", one, /^(ws|http)s?:$/).replace(/^http/, "ws"));
}

function checkUrl(name: string, value: string, protocol: RegExp): string {
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (!url || !protocol.test(url.protocol) || url.username || url.search || url.hash) {
    const kinds = name === "url" ? "ws(s)" : "http(s)";
    throw new TypeError(
      `${name}: expected an address that begins with ${kinds}:// and has no query or user, got ${
        withoutSecrets(JSON.stringify(value) ?? `${value}`)
      }`,
    );
  }
  return value.replace(/\/+$/, "");
}
