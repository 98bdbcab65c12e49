import { ConnectionError, type EdgeError, type TrackType } from "@ringline/edge/toolkit";
import type { LevelData, Strategy } from "../../wire/ipc.ts";
import { strategyOf } from "../sfu/sfu_error.ts";
import type { SfuPayload } from "../sfu/sfu_socket.ts";
import type { CallRoster } from "./call_roster.ts";

/** What an SFU's events come to. */
export interface CallEventTargets {
  roster: Pick<CallRoster, "joined" | "left" | "published" | "unpublished">;
  onLevels: (levels: LevelData[]) => void;
  /** The SFU would have us come back, by this strategy. */
  onReconnect: (strategy: Strategy, reason: string) => void;
  onEnded: () => void;
  onError: (error: EdgeError) => void;
}

/** Does what an event of an SFU asks for. */
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
          participantId: sessionId,
          level,
          speaking: isSpeaking,
        })),
      );
    case "goAway":
      return onReconnect("migrate", "the SFU asks us to go");
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
