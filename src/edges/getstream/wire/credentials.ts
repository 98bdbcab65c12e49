/**
 * The service's response to a join: the address of the SFU, and the token for it. The media process
 * never sees other credentials.
 *
 * @module
 */
import * as v from "valibot";
import { ProtocolError } from "@ringline/edge/toolkit";

const text = v.pipe(v.string(), v.maxLength(8192));

/** Credentials for one selective forwarding unit (SFU). */
export interface SfuCredentials {
  /** The name of the SFU. */
  edgeName: string;
  /** The address of its signal server. */
  url: string;
  /** The address of its socket. */
  socketUrl: string;
  token: string;
  /** The STUN and TURN servers, as RTCPeerConnection takes them. */
  iceServers: { urls: string[]; username?: string; credential?: string }[];
  /** The interval at which it asks for statistics; 0 for none. */
  statsIntervalMs: number;
  /** What the call's settings say about audio, where they say anything. */
  audio?: { dtx: boolean; red: boolean };
  /** What the agent may do in the call, by Stream's names; none where the service does not say. */
  capabilities?: string[];
}

/** The schema of {@linkcode SfuCredentials}. */
export const sfuCredentials: v.GenericSchema<SfuCredentials> = v.object({
  edgeName: text,
  url: text,
  socketUrl: text,
  token: text,
  iceServers: v.array(v.object({
    urls: v.array(text),
    username: v.optional(text),
    credential: v.optional(text),
  })),
  statsIntervalMs: v.pipe(v.number(), v.minValue(0)),
  audio: v.optional(v.object({ dtx: v.boolean(), red: v.boolean() })),
  capabilities: v.optional(v.array(text)),
});

const joinResponse = v.object({
  credentials: v.object({
    server: v.object({ edge_name: text, url: text, ws_endpoint: text }),
    token: text,
    ice_servers: v.nullish(v.array(v.object({
      urls: v.nullish(v.union([text, v.array(text)])),
      username: v.nullish(text),
      password: v.nullish(text),
    }))),
  }),
  stats_options: v.nullish(v.object({ reporting_interval_ms: v.nullish(v.number()) })),
  own_capabilities: v.nullish(v.array(text)),
  call: v.nullish(v.object({
    settings: v.nullish(v.object({
      audio: v.nullish(v.object({
        opus_dtx_enabled: v.nullish(v.boolean()),
        redundant_coding_enabled: v.nullish(v.boolean()),
      })),
    })),
  })),
});

/**
 * Reads the service's response to a join.
 *
 * @throws {ProtocolError} the response does not match the protocol.
 */
export function readCredentials(response: unknown): SfuCredentials {
  const result = v.safeParse(joinResponse, response);
  if (!result.success) {
    const issue = result.issues[0];
    const where = issue.path?.map((item) => String(item.key)).join(".") ?? "it";
    throw new ProtocolError(`joining the call: malformed response, ${where} is not valid`, {
      code: "bad-response",
    });
  }
  const { credentials, stats_options, own_capabilities, call } = result.output;
  const audio = call?.settings?.audio;
  const { server, token, ice_servers } = credentials;
  return {
    edgeName: server.edge_name,
    url: address(server.url, /^https?:$/),
    socketUrl: address(server.ws_endpoint, /^wss?:$/),
    token,
    iceServers: (ice_servers ?? []).flatMap(({ urls, username, password }) => {
      const list = typeof urls === "string" ? [urls] : urls ?? [];
      if (list.length === 0) return [];
      return [{
        urls: list,
        ...(username ? { username } : {}),
        ...(password ? { credential: password } : {}),
      }];
    }),
    // `enable_rtc_stats` is about traces, which are not sent in any case.
    statsIntervalMs: Math.max(0, stats_options?.reporting_interval_ms ?? 0),
    ...(audio
      ? {
        audio: {
          dtx: audio.opus_dtx_enabled ?? true,
          red: audio.redundant_coding_enabled ?? false,
        },
      }
      : {}),
    ...(own_capabilities ? { capabilities: own_capabilities } : {}),
  };
}

function address(value: string, protocol: RegExp): string {
  const url = URL.parse(value);
  if (!url || !protocol.test(url.protocol)) {
    throw new ProtocolError("joining the call: the response names a server without an address", {
      code: "bad-response",
    });
  }
  return value.replace(/\/+$/, "");
}
