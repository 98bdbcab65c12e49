import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { Participant } from "../../edge/types.ts";
import type { SpeechOutcome } from "../speech/speech_handle.ts";

/** How the agent is made to say something. */
export interface SayOptions {
  /** Whether it cuts off what is being said. Default: it waits for its end. */
  interrupt?: boolean;
}

/** How the agent is made to answer. */
export interface GenerateReplyOptions extends SayOptions {
  /** Who said it. Default: the application. */
  participant?: Participant;
}

/** The way from what is heard to what is said. */
export interface Pipeline {
  /** Takes 20 ms of somebody. A promise is waited for before the next. */
  hear(audio: ParticipantAudio): void | Promise<void>;
  /** No audio comes from this participant for now: he is muted. */
  muted(participant: Participant): void;
  participantLeft(participant: Participant): void;
  say(text: string, options?: SayOptions): Promise<SpeechOutcome>;
  generateReply(text: string, options?: GenerateReplyOptions): Promise<SpeechOutcome>;
  /** Falls silent and forgets what it was going to say. */
  interrupt(): Promise<void>;
  /** Depths of queues, and what they lost. */
  metrics(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}
