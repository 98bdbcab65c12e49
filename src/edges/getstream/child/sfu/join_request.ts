import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type JoinRequestSchema,
  type ReconnectDetailsSchema,
  ReconnectStrategy,
  TrackType,
} from "../proto/signal_pb.ts";
import type { Capabilities } from "./media.ts";

/** Why and how we come back. */
export type Reconnect = MessageInitShape<typeof ReconnectDetailsSchema>;

/** Who joins. */
export interface Joining {
  token: string;
  sessionId: string;
  /** The same through all sessions of one agent in one call. */
  unifiedId: string;
  videoCodecs: readonly string[];
  capabilities: Capabilities;
  /** Unless this is the first time. */
  reconnect: Reconnect | undefined;
}

/** Whether somebody comes back to a place that is kept for him. */
export function isFast(reconnect: Reconnect | undefined): boolean {
  return reconnect?.strategy === ReconnectStrategy.FAST;
}

/** What an SFU is told of who joins. */
export function joinRequest(joining: Joining): MessageInitShape<typeof JoinRequestSchema> {
  const { token, sessionId, unifiedId, videoCodecs, capabilities, reconnect } = joining;
  return {
    token,
    sessionId,
    unifiedSessionId: unifiedId,
    publisherSdp: capabilities.publisher,
    subscriberSdp: capabilities.subscriber,
    fastReconnect: isFast(reconnect),
    preferredPublishOptions: videoCodecs.slice(0, 1).map((name) => ({
      trackType: TrackType.VIDEO,
      codec: { name, clockRate: 90_000 },
    })),
    ...(reconnect ? { reconnectDetails: reconnect } : {}),
  };
}
