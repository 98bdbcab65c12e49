import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { Conversation } from "../../edge/conversation.ts";
import type { Participant, User } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import type { EncodedImage } from "../contracts/messages.ts";
import type { SpeechOutcome } from "../reply/speech_handle.ts";
import type { ToolExecutor } from "../reply/tool_executor.ts";

/** What a flow is given by the agent that it makes talk. */
export interface PipelineContext {
  readonly clock: Clock;
  readonly agentUser: User;
  readonly instructions: string;
  /** Where what is said is shown. */
  readonly conversation: Conversation;
  /** What the agent speaks through; the flow is the only one to write to it. */
  readonly track: OutboundAudioTrack;
  /** Samples a second of what is heard. */
  readonly sampleRate: number;
  readonly toolbox: ToolExecutor;
  /** How many people are in the call. Default: as many as have spoken. */
  readonly people?: () => number;
  /** What the agent sees right now, where it sees something. */
  readonly latestImage?: () => Promise<EncodedImage | undefined>;
  /** Sends one of the conversation's events. */
  readonly emit: (event: object) => void;
  /** Tells what went wrong and was survived. */
  readonly report: (error: unknown, context: string) => void;
}

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
