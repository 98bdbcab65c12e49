/** The request by which an agent joins an SFU. @module */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type JoinRequestSchema,
  type PublishOption,
  type ReconnectDetailsSchema,
  ReconnectStrategy,
  TrackType,
} from "../proto/signal_pb.ts";
import type { Capabilities } from "./media.ts";

import { VERSION } from "../../wire/client.ts";

/** Stream's number for clients in JavaScript that are none of its own. */
const PLAIN_JAVASCRIPT = 9;

/** Details of a reconnection: the reason and the strategy. */
export type Reconnect = MessageInitShape<typeof ReconnectDetailsSchema>;

/** Options for {@linkcode joinRequest}. */
export interface Joining {
  token: string;
  sessionId: string;
  /** The same through all sessions of one agent in one call. */
  unifiedId: string;
  videoCodecs: readonly string[];
  /** What the SFU has asked the agent to publish so far; nothing before the first join. */
  publishOptions: readonly PublishOption[];
  capabilities: Capabilities;
  /** `undefined` for the first join. */
  reconnect: Reconnect | undefined;
}

const [major = "", minor = "", patch = ""] = VERSION.split(".");

/** What Stream learns about this client. */
const CLIENT_DETAILS = {
  sdk: { type: PLAIN_JAVASCRIPT, major, minor, patch },
  os: { name: Deno.build.os, version: "", architecture: Deno.build.arch },
};

/** Whether the agent resumes a session that the SFU keeps. */
export function isFast(reconnect: Reconnect | undefined): boolean {
  return reconnect?.strategy === ReconnectStrategy.FAST;
}

/** Returns the join request for an SFU. */
export function joinRequest(joining: Joining): MessageInitShape<typeof JoinRequestSchema> {
  const { token, sessionId, unifiedId, videoCodecs, capabilities, reconnect } = joining;
  const preferred = videoCodecs.slice(0, 1).map((name) => ({
    trackType: TrackType.VIDEO,
    codec: { name, clockRate: 90_000 },
  }));
  return {
    token,
    sessionId,
    unifiedSessionId: unifiedId,
    clientDetails: CLIENT_DETAILS,
    publisherSdp: capabilities.publisher,
    subscriberSdp: capabilities.subscriber,
    fastReconnect: isFast(reconnect),
    // Those who watch may need what the SFU asked for since: it stays after a reconnection.
    preferredPublishOptions: joining.publishOptions.length > 0
      ? [...joining.publishOptions]
      : preferred,
    ...(reconnect ? { reconnectDetails: reconnect } : {}),
  };
}
