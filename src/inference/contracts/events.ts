/**
 * Events of a conversation: speech, transcripts, turns, replies and their latency.
 *
 * @module
 */
import type { EventClass } from "../../events/event_manager.ts";
import type { AgentState, Participant } from "../../edge/types.ts";
import type { FinishReason } from "./llm.ts";
import type { ToolCall } from "./messages.ts";
import type { ToolResult } from "./tool.ts";
import { checkObject } from "../../events/checks.ts";

/** Base class of the conversation events: takes its properties from its init object. */
export abstract class ConversationEvent<Self> {
  /** Creates the event from its properties. */
  constructor(init: { [K in Exclude<keyof Self, "type">]: Self[K] }) {
    checkObject(init, "init", "an object of what the event carries");
    Object.assign(this, init);
  }
}

/**
 * A participant began to speak, or goes on after a pause, for long enough to be no noise. One
 * {@linkcode SpeechStoppedEvent} follows each.
 */
export class SpeechStartedEvent extends ConversationEvent<SpeechStartedEvent> {
  /** The event's type. */
  readonly type = "speech-started" as const;
  /** The participant. */
  declare readonly participant: Participant;
  /** Monotonic milliseconds of the first sound. */
  declare readonly atMs: number;
}

/** A participant paused; whether their turn is over is not known yet. */
export class SpeechStoppedEvent extends ConversationEvent<SpeechStoppedEvent> {
  /** The event's type. */
  readonly type = "speech-stopped" as const;
  /** The participant. */
  declare readonly participant: Participant;
  /** Monotonic milliseconds of their last sound. */
  declare readonly atMs: number;
}

/** A participant's speech was transcribed, in part or to the end of the turn. */
export class TranscriptEvent extends ConversationEvent<TranscriptEvent> {
  /** The event's type. */
  readonly type = "transcript" as const;
  /** The participant. */
  declare readonly participant: Participant;
  /** All of their turn so far. */
  declare readonly text: string;
  /** Whether the turn is over. */
  declare readonly final: boolean;
}

/** A participant's turn is over. */
export class TurnEndedEvent extends ConversationEvent<TurnEndedEvent> {
  /** The event's type. */
  readonly type = "turn-ended" as const;
  /** The participant. */
  declare readonly participant: Participant;
  /** The text of the turn. */
  declare readonly text: string;
  /**
   * The reason: they said nothing more for long enough, the recogniser says so, the application
   * committed the turn, it exceeded `userTurnLimit`, they left, or they wrote it.
   */
  declare readonly reason: "silence" | "recogniser" | "committed" | "limit" | "left" | "written";
}

/** The agent started to speak: the first sample was played. */
export class AgentSpeechStartedEvent extends ConversationEvent<AgentSpeechStartedEvent> {
  /** The event's type. */
  readonly type = "agent-speech-started" as const;
  /** Identifies the speech. */
  declare readonly speechId: string;
  /** The participant it replies to; `undefined` when it speaks unasked. */
  declare readonly participant: Participant | undefined;
}

/** The agent stopped speaking: at the end, or interrupted. */
export class AgentSpeechEndedEvent extends ConversationEvent<AgentSpeechEndedEvent> {
  /** The event's type. */
  readonly type = "agent-speech-ended" as const;
  /** Identifies the speech. */
  declare readonly speechId: string;
  /** The text that was played. */
  declare readonly text: string;
  /** Whether text is missing: the agent was interrupted, or the model or the voice failed. */
  declare readonly interrupted: boolean;
}

/** The agent was changed: what begins from now on uses the new components. */
export class AgentUpdatedEvent extends ConversationEvent<AgentUpdatedEvent> {
  /** The event's type. */
  readonly type = "agent-updated" as const;
  /** The names of the options that were changed, e.g. `["tts"]`. */
  declare readonly changed: readonly string[];
}

/** Another agent has taken over the call. */
export class AgentHandoffEvent extends ConversationEvent<AgentHandoffEvent> {
  /** The event's type. */
  readonly type = "agent-handoff" as const;
  /** The name of the agent before. */
  declare readonly from: string;
  /** The name of the agent that speaks from now on. */
  declare readonly to: string;
  /** The call of the tool that handed over; `undefined` where the application did. */
  declare readonly call: ToolCall | undefined;
}

/** What a participant does: `"away"` after a time without speech of a person or the agent. */
export type UserState = "speaking" | "listening" | "away";

/**
 * A participant began or stopped to speak, or is away: neither a person nor the agent has spoken for
 * `awayAfterMs`, no tool has run, and there were no words in what noise there was. Emitted again when
 * the agent has spoken since, and they are still away. They are back with their next words.
 */
export class UserStateChangedEvent extends ConversationEvent<UserStateChangedEvent> {
  /** The event's type. */
  readonly type = "user-state-changed" as const;
  /** The participant. */
  declare readonly participant: Participant;
  /** Their state before. */
  declare readonly previous: UserState;
  /** Their state now. */
  declare readonly state: UserState;
  /** How often in succession they were found away; 0 in any other state. */
  declare readonly awayCount: number;
  /** Whether all people are away by now: in a call of several it is true once in each silence. */
  declare readonly allAway: boolean;
}

/** The agent does something else than before. */
export class AgentStateChangedEvent extends ConversationEvent<AgentStateChangedEvent> {
  /** The event's type. */
  readonly type = "agent-state-changed" as const;
  /** Its state before. */
  declare readonly previous: AgentState;
  /** Its state now. */
  declare readonly state: AgentState;
}

/** A participant speaks over the agent, which pauses; whether it is an interruption is not known yet. */
export class OverlappingSpeechEvent extends ConversationEvent<OverlappingSpeechEvent> {
  /** The event's type. */
  readonly type = "overlapping-speech" as const;
  /** The participant. */
  declare readonly participant: Participant;
}

/** It was a cough or a backchannel: the agent goes on where it paused. */
export class FalseInterruptionEvent extends ConversationEvent<FalseInterruptionEvent> {
  /** The event's type. */
  readonly type = "false-interruption" as const;
  /** The participant. */
  declare readonly participant: Participant;
  /** How long the agent was silent, in milliseconds. */
  declare readonly pausedMs: number;
}

/** A participant interrupted the agent. */
export class BargeInEvent extends ConversationEvent<BargeInEvent> {
  /** The event's type. */
  readonly type = "barge-in" as const;
  /** The participant. */
  declare readonly participant: Participant | undefined;
  /** Milliseconds from their first sound until the agent was silent. */
  declare readonly silenceMs: number;
  /** Milliseconds of audio that were written and never played. */
  declare readonly discardedMs: number;
}

/** A tool starts: emitted before it acts. */
export class ToolStartedEvent extends ConversationEvent<ToolStartedEvent> {
  /** The event's type. */
  readonly type = "tool-started" as const;
  /** The call. */
  declare readonly call: ToolCall;
  /** The participant the reply is for, where known. */
  declare readonly participant: Participant | undefined;
}

/** A tool that runs reports how far it is. */
export class ToolProgressEvent extends ConversationEvent<ToolProgressEvent> {
  /** The event's type. */
  readonly type = "tool-progress" as const;
  /** The call. */
  declare readonly call: ToolCall;
  /** What the tool reported. */
  declare readonly text: string;
}

/**
 * A tool was called, and this is its outcome: one event for each call, whether the agent was
 * interrupted or not. A tool that succeeds after its time was up causes a second one.
 */
export class ToolCalledEvent extends ConversationEvent<ToolCalledEvent> {
  /** The event's type. */
  readonly type = "tool-called" as const;
  /** The call. */
  declare readonly call: ToolCall;
  /** The participant the reply is for, where known. */
  declare readonly participant: Participant | undefined;
  /** The result that the model gets. */
  declare readonly result: ToolResult;
  /** How long it took, in milliseconds. */
  declare readonly durationMs: number;
  /** Whether it came after another outcome: the tool succeeded after its time was up. */
  declare readonly late: boolean;
}

/**
 * The latency of a reply, from the participant's last sound to the first sound of the reply, in
 * milliseconds. The parts are the stages in sequence: with `overheadMs` they add up to
 * `voiceToVoiceMs`.
 */
export class ReplyLatencyEvent extends ConversationEvent<ReplyLatencyEvent> {
  /** The event's type. */
  readonly type = "reply-latency" as const;
  /** The participant. */
  declare readonly participant: Participant;
  /** The whole latency. */
  declare readonly voiceToVoiceMs: number;
  /** Until the turn was over, less the wait for the transcript. */
  declare readonly endOfTurnDelayMs: number;
  /** The delay of the transcript beyond the pause that ends the speech. */
  declare readonly transcriptionDelayMs: number;
  /** From then until the model's first sentence, tools included. */
  declare readonly llmMs: number;
  /** Time to first token; a part of `llmMs`, or more where the model started preemptively. */
  declare readonly ttftMs: number;
  /** Time to first byte of the voice: from the first sentence to its first audio. */
  declare readonly ttfbMs: number;
  /** From the first sample's write to the track until it was played. */
  declare readonly playoutMs: number;
  /** The remainder: our own part. */
  declare readonly overheadMs: number;
  /** Whether generation started before the turn was over. */
  declare readonly preemptive: boolean;
}

/**
 * A language model was asked, and its response has ended. A reply that calls tools asks more than once;
 * one that was begun before a turn was over may not be needed. A realtime model's response is measured
 * from its beginning, since it replies of its own accord.
 */
export class ModelResponseEvent extends ConversationEvent<ModelResponseEvent> {
  /** The event's type. */
  readonly type = "model-response" as const;
  /** The component's name, e.g. `"openai-llm"`. */
  declare readonly component: string;
  /** The model's name at its service, where the component says it. */
  declare readonly model: string | undefined;
  /** Whose service it is, where the component says it. */
  declare readonly provider: string | undefined;
  /** Whether it is complete, has failed, or was cancelled, as of an agent that is interrupted. */
  declare readonly outcome: "complete" | "failed" | "cancelled";
  /** Why it failed. */
  declare readonly error: unknown;
  /** From the request to the end, in milliseconds. */
  declare readonly durationMs: number;
  /** From the request to the first part, in milliseconds; `undefined` where there was none. */
  declare readonly ttftMs: number | undefined;
  /** Tokens that it was given, where the service says so. */
  declare readonly inputTokens: number | undefined;
  /** Tokens that it returned, where the service says so. */
  declare readonly outputTokens: number | undefined;
  /** Why it ended, where the model says so. */
  declare readonly finishReason: FinishReason | undefined;
}

/**
 * The model ended a reply before it was complete: at its limit of tokens, or because it was withheld.
 */
export class IncompleteReplyEvent extends ConversationEvent<IncompleteReplyEvent> {
  /** The event's type. */
  readonly type = "incomplete-reply" as const;
  /** The participant to whom it replied, where known. */
  declare readonly participant: Participant | undefined;
  /** Why: `"length"`, `"content-filter"` or `"other"`. */
  declare readonly reason: FinishReason;
  /** The service's own word for it, or its explanation. */
  declare readonly detail: string | undefined;
}

/**
 * A component of a fallback failed, and the next one is asked instead of it; or it works again, which is
 * tried in the background.
 */
export class ComponentHealthEvent extends ConversationEvent<ComponentHealthEvent> {
  /** The event's type. */
  readonly type = "component-health" as const;
  /** The component's name. */
  declare readonly component: string;
  /** Its place in the list, from 0. */
  declare readonly index: number;
  /** The fallback's name. */
  declare readonly of: string;
  /** Whether it works. */
  declare readonly healthy: boolean;
  /** Why it does not. */
  declare readonly error: unknown;
}

/** Figures of queues and components, every few seconds, and once more when the conversation is over. */
export class ConversationMetricsEvent extends ConversationEvent<ConversationMetricsEvent> {
  /** The event's type. */
  readonly type = "conversation-metrics" as const;
  /** Figures by component: `figures["openai-llm"].requests`. */
  declare readonly figures: { readonly [component: string]: Readonly<{ [name: string]: number }> };
}

/** All classes of conversation events. */
export const conversationEvents: readonly EventClass[] = [
  SpeechStartedEvent,
  SpeechStoppedEvent,
  TranscriptEvent,
  TurnEndedEvent,
  AgentSpeechStartedEvent,
  AgentSpeechEndedEvent,
  UserStateChangedEvent,
  AgentStateChangedEvent,
  AgentUpdatedEvent,
  AgentHandoffEvent,
  OverlappingSpeechEvent,
  FalseInterruptionEvent,
  BargeInEvent,
  ToolStartedEvent,
  ToolProgressEvent,
  ToolCalledEvent,
  ReplyLatencyEvent,
  ModelResponseEvent,
  IncompleteReplyEvent,
  ComponentHealthEvent,
  ConversationMetricsEvent,
];
