/** Hands the events of an SFU to the parts of a call. @module */
import { ConnectionError, type EdgeError, type TrackType } from "@ringline/edge/toolkit";
import type { LevelData, Strategy } from "../../wire/ipc.ts";
import { strategyOf } from "../sfu/sfu_error.ts";
import type { SfuPayload } from "../sfu/sfu_socket.ts";
import type { CallRoster } from "./call_roster.ts";

/** The receivers of an SFU's events. */
export interface CallEventTargets {
  roster: Pick<
    CallRoster,
    "joined" | "left" | "published" | "unpublished" | "participantIdOf"
  >;
  onLevels: (levels: LevelData[]) => void;
  /** The SFU asks the agent to reconnect by this strategy. */
  onReconnect: (strategy: Strategy, reason: string) => void;
  onEnded: () => void;
  onError: (error: EdgeError) => void;
}

/** Hands an event of an SFU to its receiver. */
export function takeEvent(event: SfuPayload, targets: CallEventTargets): void {
  const { roster, onLevels, onReconnect, onEnded, onError } = targets;
  switch (event.case) {
    case "participantJoined":
    case "participantUpdated":
      if (event.value.participant) roster.joined(event.value.participant);
      return;
    case "participantLeft":
      return roster.left(event.value.participant?.sessionId ?? "");
    case "trackPublished": {
      const { sessionId, type, participant } = event.value;
      return roster.published(sessionId, Number(type) as TrackType, participant);
    }
    case "trackUnpublished": {
      const { sessionId, type, cause } = event.value;
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
    case "goAway":
      return onReconnect("migrate", "the SFU asks the agent to leave it");
    case "callEnded":
      return onEnded();
    case "error": {
      const { error, reconnectStrategy } = event.value;
      const strategy = strategyOf(reconnectStrategy);
      const text = `the SFU: ${error?.message || "an error"} (${error?.code ?? 0})`;
      if (strategy === "leave") return onEnded();
      if (strategy) return onReconnect(strategy, text);
      const retryable = error?.shouldRetry ?? false;
      return onError(new ConnectionError(text, { code: "sfu-error", retryable }));
    }
  }
}
