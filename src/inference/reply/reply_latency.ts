/** Where the time between a person's last sound and the reply's first has gone. @module */
import type { Participant } from "../../edge/types.ts";
import type { SpeechTimes } from "../speech/speech_handle.ts";
import { ReplyLatencyEvent } from "../contracts/events.ts";

/** The times of a turn that a reply's latency is counted from, in monotonic milliseconds. */
export interface TurnTimes {
  readonly participant: Participant;
  /** The last sound of speech. */
  readonly endOfSpeechMs: number;
  /** The turn was over. */
  readonly endedMs: number;
  /** The text was final; a realtime model needs none. */
  readonly transcribedMs?: number;
  /** The pause had lasted long enough to end the turn. */
  readonly endpointMs?: number;
}

/** The times of a reply's generation; those of a realtime model are not known. */
export interface GenerationTimes {
  readonly startedMs: number;
  readonly firstTokenMs: number;
}

/**
 * Splits the time from the participant's last sound to the reply's first into the stages that took
 * it. What a realtime model does is one stage: all of it counts as the model's.
 */
export function replyLatency(
  turn: TurnTimes,
  speech: SpeechTimes,
  generation?: GenerationTimes,
): ReplyLatencyEvent {
  const { participant, endOfSpeechMs, endedMs, transcribedMs = 0, endpointMs = 0 } = turn;
  const { firstAudioMs, playbackStartedMs } = speech;
  const ttsStartedMs = speech.ttsStartedMs || firstAudioMs;
  const voiceToVoiceMs = playbackStartedMs - endOfSpeechMs;
  const transcriptionDelayMs = Math.max(0, transcribedMs - Math.max(endOfSpeechMs, endpointMs));
  const endOfTurnDelayMs = Math.max(0, endedMs - endOfSpeechMs - transcriptionDelayMs);
  const llmMs = Math.max(0, ttsStartedMs - Math.max(generation?.startedMs ?? 0, endedMs));
  const ttfbMs = firstAudioMs - ttsStartedMs;
  const playoutMs = playbackStartedMs - firstAudioMs;
  return new ReplyLatencyEvent({
    participant,
    voiceToVoiceMs,
    endOfTurnDelayMs,
    transcriptionDelayMs,
    llmMs,
    ttftMs: generation ? generation.firstTokenMs - generation.startedMs : llmMs,
    ttfbMs,
    playoutMs,
    overheadMs: voiceToVoiceMs - endOfTurnDelayMs - transcriptionDelayMs - llmMs - ttfbMs -
      playoutMs,
    preemptive: generation !== undefined && generation.startedMs < endedMs,
  });
}
