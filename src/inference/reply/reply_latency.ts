import type { Turn } from "../turns/user_turn.ts";
import type { Reply } from "./reply.ts";
import type { SpeechHandle } from "./speech_handle.ts";
import { ReplyLatencyEvent } from "../contracts/events.ts";

/** Splits the time from the person's last sound to the answer's first into who took it. */
export function replyLatency(turn: Turn, answer: Reply, speech: SpeechHandle): ReplyLatencyEvent {
  const { sentence, voiceAsked, sound, heard } = speech.times;
  const from = turn.endOfSpeechMs;
  const voiceToVoiceMs = heard - from;
  const transcriptionDelayMs = Math.max(0, turn.transcribedMs - Math.max(from, turn.silentMs));
  const endOfTurnDelayMs = Math.max(0, turn.endedMs - from - transcriptionDelayMs);
  const llmMs = Math.max(0, sentence - Math.max(answer.startedMs, turn.endedMs));
  const ttfbMs = sound - voiceAsked;
  const playoutMs = heard - sound;
  return new ReplyLatencyEvent({
    participant: turn.participant,
    voiceToVoiceMs,
    endOfTurnDelayMs,
    transcriptionDelayMs,
    llmMs,
    ttftMs: answer.firstTokenMs - answer.startedMs,
    ttfbMs,
    playoutMs,
    overheadMs: voiceToVoiceMs - endOfTurnDelayMs - transcriptionDelayMs - llmMs - ttfbMs -
      playoutMs,
    preemptive: answer.startedMs < turn.endedMs,
  });
}
