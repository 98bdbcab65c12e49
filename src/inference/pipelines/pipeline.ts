/** What an agent asks of its pipeline, whatever models that has. @module */
import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { Participant } from "../../edge/types.ts";
import type { HistoryHook } from "../history/chat_context.ts";
import type { TextReply } from "../reply/text_replies.ts";
import type { ToolRun } from "../reply/tool_run.ts";
import type { SpeechOutcome } from "../speech/speech_handle.ts";

/** Options for saying something. */
export interface SayOptions {
  /** Whether it interrupts what is being said. Default: it waits for its end. */
  interrupt?: boolean;
  /**
   * Whether people can interrupt it by what they say. If not, what they say meanwhile gets its
   * reply after it; see `discardUserTurns`. Default `true`. A realtime model hears them after it.
   */
  allowInterruptions?: boolean;
  /**
   * Whether what people say during a speech that they cannot interrupt is forgotten. Default `false`:
   * it gets its reply after the speech.
   */
  discardUserTurns?: boolean;
  /**
   * It is dropped, and the outcome says so, if it cannot begin within so many milliseconds: a reminder
   * that is late is worth nothing. Default `Infinity`.
   */
  staleAfterMs?: number;
  /**
   * A track of `agent.createAudioTrack({ to })`: only its participant hears it, can interrupt it and
   * reads it in the transcript. Once they have left nothing of it is said, and the outcome says so.
   * Default: the agent's own track. Not with a realtime model, which speaks to all.
   */
  track?: OutboundAudioTrack;
}

/** Options for generating a reply. */
export interface GenerateReplyOptions extends SayOptions {
  /** The participant who said the text. Default: the application. */
  participant?: Participant;
}

/** Options for ending or forgetting a turn. */
export interface UserTurnOptions {
  /** The participant whose turn it is. Default: all who are speaking. */
  participant?: Participant;
}

/** Options for a reply in text. */
export interface TextOptions {
  /** The participant who wrote the text. Default: the application. */
  participant?: Participant;
  /** Aborting it stops the model; the promise then rejects with its reason. */
  signal?: AbortSignal;
}

/**
 * What another agent is told of the conversation when it takes over: all of it, nothing, or what a hook
 * makes of it, a summary.
 */
export type HandoffHistory = "all" | "none" | HistoryHook;

/**
 * Takes components that were prepared, for everything that begins from now on. Resolves when those before
 * are not used any more; never rejects.
 *
 * @param options.isHandoff whether another agent takes over: the models of the replies in progress are
 *   asked nothing more
 */
export type Take = (options: { isHandoff: boolean }) => Promise<void>;

/** The way from the participants' audio to the agent's. */
export interface Pipeline<Components = never> {
  /** Takes 20 ms of a participant. A promise is waited for before the next. */
  processAudio(audio: ParticipantAudio): void | Promise<void>;
  /** No audio comes from this participant for now: they are muted, or their track is gone. */
  muted(participant: Participant): void;
  participantLeft(participant: Participant): void;
  /** Says a text; resolves when it was played, or interrupted. */
  say(text: string, options?: SayOptions): Promise<SpeechOutcome>;
  /** Replies to a text; resolves when the reply was played, or interrupted. */
  generateReply(text: string, options?: GenerateReplyOptions): Promise<SpeechOutcome>;
  /** Ends the turn in progress; resolves when its text is known. */
  commitUserTurn(options?: UserTurnOptions): Promise<void>;
  /** Forgets the turn in progress. */
  clearUserTurn(options?: UserTurnOptions): void;
  /** Takes what a participant wrote: it interrupts the agent, which replies to it as to speech. */
  textReceived(participant: Participant, text: string): void;
  /** Replies to a text in text: nothing is said. */
  text(text: string, options?: TextOptions): Promise<TextReply>;
  /** Falls silent and drops what waits to be said. */
  interrupt(): Promise<void>;
  /** Listens no more; resolves when all that is to be said was heard, but for what waits for a tool. */
  drain(): Promise<void>;
  /**
   * Prepares other components; rejects where that fails. Nothing has changed until they are taken.
   *
   * @param history what another agent is told; left out where the agent stays the same
   */
  prepare(components: Components, history?: HandoffHistory, run?: ToolRun): Promise<Take>;
  /**
   * Says what the next agent has to say of its own accord, when it has taken over by this call: to those
   * who heard the reply that made it.
   */
  replyAsNext(run: ToolRun): void;
  /** Returns for how long there may be speech at most whose words are not known yet. */
  undecidedSpeechMs(): number;
  /** Returns depths of queues, and what was dropped from them. */
  metrics(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}
