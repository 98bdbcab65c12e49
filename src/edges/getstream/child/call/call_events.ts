/** Hands the events of an SFU to the parts of a call. @module */
import type { EdgeError, TrackType } from "@ringline/edge/toolkit";
import type { LevelData, Strategy } from "../../wire/ipc.ts";
import {
  CallEndedReason,
  type CallGrants,
  ErrorCode,
  TrackUnpublishReason,
} from "../proto/signal_pb.ts";
import { eventError, strategyOf } from "../sfu/sfu_error.ts";
import type { SfuPayload } from "../sfu/sfu_socket.ts";
import type { CallRoster } from "./call_roster.ts";

/** The receivers of an SFU's events. */
export interface CallEventTargets {
  roster: Pick<
    CallRoster,
    | "joined"
    | "left"
    | "published"
    | "unpublished"
    | "participantIdOf"
    | "isOwn"
    | "viewersCounted"
  >;
  onLevels: (levels: LevelData[]) => void;
  onDominantSpeaker: (participantId: string) => void;
  onQuality: (qualities: { participantId: string; quality: Quality }[]) => void;
  /** The SFU asks the agent to reconnect by this strategy. */
  onReconnect: (strategy: Strategy, reason: string) => void;
  /** The call has ended for the agent: for all, or only for it. */
  onEnded: (reason: "call-ended" | "kicked") => void;
  /** The call is no longer live, which those without the right to be backstage leave. */
  onLiveEnded: () => void;
  /** A moderator has muted one of the agent's own tracks. */
  onMuted: (type: TrackType) => void;
  /** What the agent may publish from now on. */
  onGrants: (grants: CallGrants) => void;
  onError: (error: EdgeError) => void;
}

/** Hands an event of an SFU to its receiver. */
export function takeEvent(event: SfuPayload, targets: CallEventTargets): void {
  const { onDominantSpeaker, onQuality } = targets;
  const { roster, onLevels, onReconnect, onEnded, onLiveEnded, onMuted, onGrants, onError } =
    targets;
  switch (event.case) {
    case "participantJoined":
    case "participantUpdated":
      if (event.value.participant) roster.joined(event.value.participant);
      return;
    case "participantLeft":
      return roster.left(event.value.participant?.sessionId ?? "");
    case "healthCheckResponse": {
      const { participantCount } = event.value;
      if (participantCount) roster.viewersCounted(participantCount.anonymous);
      return;
    }
    case "trackPublished": {
      const { sessionId, type, participant } = event.value;
      return roster.published(sessionId, Number(type) as TrackType, participant);
    }
    case "trackUnpublished": {
      const { sessionId, type, cause } = event.value;
      if (roster.isOwn(sessionId)) {
        return ORDERED.includes(cause) ? onMuted(Number(type) as TrackType) : undefined;
      }
      return roster.unpublished(sessionId, Number(type) as TrackType, cause);
    }
    case "audioLevelChanged":
      return onLevels(
        event.value.audioLevels.map(({ sessionId, level, isSpeaking }) => ({
          participantId: roster.participantIdOf(sessionId),
          level,
          speaking: isSpeaking,
        })),
      );
    case "dominantSpeakerChanged":
      return onDominantSpeaker(roster.participantIdOf(event.value.sessionId));
    case "connectionQualityChanged":
      return onQuality(
        event.value.connectionQualityUpdates.map(({ sessionId, connectionQuality }) => ({
          participantId: roster.participantIdOf(sessionId),
          quality: QUALITIES[connectionQuality] ?? "unknown",
        })),
      );
    case "goAway":
      return onReconnect("migrate", "the SFU asks the agent to leave it");
    case "callGrantsUpdated":
      if (event.value.currentGrants) onGrants(event.value.currentGrants);
      return;
    case "callEnded":
      if (event.value.reason === CallEndedReason.LIVE_ENDED) return onLiveEnded();
      return onEnded(event.value.reason === CallEndedReason.KICKED ? "kicked" : "call-ended");
    case "error": {
      const { error, reconnectStrategy } = event.value;
      const failure = eventError(event.value);
      if (error?.code === ErrorCode.LIVE_ENDED) return onLiveEnded();
      const strategy = strategyOf(reconnectStrategy);
      if (strategy && strategy !== "leave") return onReconnect(strategy, failure.message);
      onError(failure);
      if (strategy === "leave") onEnded("call-ended");
    }
  }
}

/** How good a participant's connection is. */
export type Quality = "unknown" | "poor" | "good" | "excellent";

const QUALITIES: readonly Quality[] = ["unknown", "poor", "good", "excellent"];

/** Reasons that are an order to the agent. */
const ORDERED: readonly TrackUnpublishReason[] = [
  TrackUnpublishReason.MODERATION,
  TrackUnpublishReason.PERMISSION_REVOKED,
];
