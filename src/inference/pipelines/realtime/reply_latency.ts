import type { Participant } from "../../../edge/types.ts";
import type { SpeechHandle } from "../../reply/speech_handle.ts";
import { ReplyLatencyEvent } from "../../contracts/events.ts";

/** Somebody's turn, as far as is known of it while the model does the hearing. */
export interface RealtimeTurn {
  readonly participant: Participant;
  /** His last sound, by our own ear. */
  readonly endOfSpeechMs: number;
  /** When the model said that he has stopped. */
  readonly endedMs: number;
}

/** Splits the time from the person's last sound to the answer's first: a model of one piece has no parts. */
export function replyLatency(turn: RealtimeTurn, speech: SpeechHandle): ReplyLatencyEvent {
  const { participant, endOfSpeechMs, endedMs } = turn;
  const { sound, heard } = speech.times;
  const voiceToVoiceMs = heard - endOfSpeechMs;
  const endOfTurnDelayMs = Math.max(0, endedMs - endOfSpeechMs);
  const llmMs = Math.max(0, sound - endedMs);
  const playoutMs = heard - sound;
  return new ReplyLatencyEvent({
    participant,
    voiceToVoiceMs,
    endOfTurnDelayMs,
    transcriptionDelayMs: 0,
    llmMs,
    ttftMs: llmMs,
    ttfbMs: 0,
    playoutMs,
    overheadMs: voiceToVoiceMs - endOfTurnDelayMs - llmMs - playoutMs,
    preemptive: false,
  });
}
