import type { Turn } from "../turns/user_turn.ts";
import type { Reply } from "./reply.ts";
import type { SpeechHandle } from "./speech_handle.ts";
import { ReplyLatencyEvent } from "../contracts/events.ts";

/** Splits the time from the person's last sound to the answer's first into who took it. */
export function replyLatency(turn: Turn, answer: Reply, speech: SpeechHandle): ReplyLatencyEvent {
  const { sentence, voiceAsked, sound, heard } = speech.times;
  const from = turn.endOfSpeechMs;
  const voiceToVoiceMs = heard - from;
  const sttMs = Math.max(0, turn.transcribedMs - Math.max(from, turn.silentMs));
  const turnMs = Math.max(0, turn.endedMs - from - sttMs);
  const llmMs = Math.max(0, sentence - Math.max(answer.startedMs, turn.endedMs));
  const ttsMs = sound - voiceAsked;
  const playoutMs = heard - sound;
  return new ReplyLatencyEvent({
    participant: turn.participant,
    voiceToVoiceMs,
    turnMs,
    sttMs,
    llmMs,
    llmFirstTokenMs: answer.firstTokenMs - answer.startedMs,
    ttsMs,
    playoutMs,
    ownMs: voiceToVoiceMs - turnMs - sttMs - llmMs - ttsMs - playoutMs,
    eager: answer.startedMs < turn.endedMs,
  });
}
