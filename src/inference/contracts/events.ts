/**
 * What happens in a conversation: who speaks, what was understood, what was answered and how fast.
 *
 * @module
 */
import type { EventClass } from "../../events/event_manager.ts";
import type { Participant } from "../../edge/types.ts";
import type { ToolCall } from "./messages.ts";
import type { ToolResult } from "./tool.ts";
import { checkObject } from "../../events/checks.ts";

/** Takes its properties from what it is made of. */
export abstract class ConversationEvent<Self> {
  /** Made of what it carries. */
  constructor(init: { [K in Exclude<keyof Self, "type">]: Self[K] }) {
    checkObject(init, "init", "an object of what the event carries");
    Object.assign(this, init);
  }
}

/**
 * Somebody began to speak, or goes on after a pause: for long enough to be no noise. One
 * {@linkcode SpeechStoppedEvent} follows each.
 */
export class SpeechStartedEvent extends ConversationEvent<SpeechStartedEvent> {
  /** Tells it from the other events. */
  readonly type = "speech-started" as const;
  /** Whom it is about. */
  declare readonly participant: Participant;
  /** Monotonic milliseconds of the first sound. */
  declare readonly atMs: number;
}

/** Somebody paused; whether his turn is over is not known yet. */
export class SpeechStoppedEvent extends ConversationEvent<SpeechStoppedEvent> {
  /** Tells it from the other events. */
  readonly type = "speech-stopped" as const;
  /** Whom it is about. */
  declare readonly participant: Participant;
  /** Monotonic milliseconds of his last sound. */
  declare readonly atMs: number;
}

/** Something of what somebody says was understood. */
export class TranscriptEvent extends ConversationEvent<TranscriptEvent> {
  /** Tells it from the other events. */
  readonly type = "transcript" as const;
  /** Whom it is about. */
  declare readonly participant: Participant;
  /** All of his turn so far. */
  declare readonly text: string;
  /** Whether the turn is over. */
  declare readonly final: boolean;
}

/** Somebody's turn is over. */
export class TurnEndedEvent extends ConversationEvent<TurnEndedEvent> {
  /** Tells it from the other events. */
  readonly type = "turn-ended" as const;
  /** Whom it is about. */
  declare readonly participant: Participant;
  /** What was said. */
  declare readonly text: string;
  /** Why: he was silent for long enough, or he is gone. */
  declare readonly reason: "silence" | "left";
}

/** The agent is heard: the first sample of something that it says was played. */
export class AgentSpeechStartedEvent extends ConversationEvent<AgentSpeechStartedEvent> {
  /** Tells it from the other events. */
  readonly type = "agent-speech-started" as const;
  /** Identifies what the agent says. */
  declare readonly speechId: string;
  /** Whom it answers; `undefined` when it speaks of its own accord. */
  declare readonly participant: Participant | undefined;
}

/** The agent was heard to the end, or was cut off. */
export class AgentSpeechEndedEvent extends ConversationEvent<AgentSpeechEndedEvent> {
  /** Tells it from the other events. */
  readonly type = "agent-speech-ended" as const;
  /** Identifies what the agent says. */
  declare readonly speechId: string;
  /** What was heard of it. */
  declare readonly text: string;
  /** Whether that is not all of it: it was cut off, or the model or the voice failed. */
  declare readonly interrupted: boolean;
}

/** Speech over the agent silenced it for the moment; whether it is meant is not known yet. */
export class OverlappingSpeechEvent extends ConversationEvent<OverlappingSpeechEvent> {
  /** Tells it from the other events. */
  readonly type = "overlapping-speech" as const;
  /** Whom it is about. */
  declare readonly participant: Participant;
}

/** It was a cough, or a sign of listening: the agent goes on where it was. */
export class FalseInterruptionEvent extends ConversationEvent<FalseInterruptionEvent> {
  /** Tells it from the other events. */
  readonly type = "false-interruption" as const;
  /** Whom it is about. */
  declare readonly participant: Participant;
  /** For how long it was silent. */
  declare readonly pausedMs: number;
}

/** Somebody interrupted the agent. */
export class BargeInEvent extends ConversationEvent<BargeInEvent> {
  /** Tells it from the other events. */
  readonly type = "barge-in" as const;
  /** Whom it is about. */
  declare readonly participant: Participant | undefined;
  /** From his first sound until the agent fell silent. */
  declare readonly silenceMs: number;
  /** What had been written and was never played. */
  declare readonly discardedMs: number;
}

/** A tool was called. */
export class ToolCalledEvent extends ConversationEvent<ToolCalledEvent> {
  /** Tells it from the other events. */
  readonly type = "tool-called" as const;
  /** What the model wished. */
  declare readonly call: ToolCall;
  /** What the model was told. */
  declare readonly result: ToolResult;
  /** How long it took. */
  declare readonly durationMs: number;
}

/**
 * How long an answer took, from the last sound of the person until its first was heard. The parts
 * are those on the way that waited, so that they and `overheadMs` add up to `voiceToVoiceMs`.
 */
export class ReplyLatencyEvent extends ConversationEvent<ReplyLatencyEvent> {
  /** Tells it from the other events. */
  readonly type = "reply-latency" as const;
  /** Whom it is about. */
  declare readonly participant: Participant;
  /** All of it. */
  declare readonly voiceToVoiceMs: number;
  /** Until the turn was over, the wait for the transcript taken off. */
  declare readonly endOfTurnDelayMs: number;
  /** What the transcript took beyond the pause that tells the end of speech. */
  declare readonly transcriptionDelayMs: number;
  /** From then until the model's first sentence, tools included. */
  declare readonly llmMs: number;
  /** Until the first text; a part of `llmMs`, or more than it where the model was asked early. */
  declare readonly ttftMs: number;
  /** From the first sentence until its first sound. */
  declare readonly ttfbMs: number;
  /** From the first sample's way to the track until it was heard. */
  declare readonly playoutMs: number;
  /** What none of the above explains: our own part. */
  declare readonly overheadMs: number;
  /** Whether the model was asked before the turn was over. */
  declare readonly preemptive: boolean;
}

/** What the queues hold and have lost, and what the components count, every few seconds. */
export class ConversationMetricsEvent extends ConversationEvent<ConversationMetricsEvent> {
  /** Tells it from the other events. */
  readonly type = "conversation-metrics" as const;
  /** Figures by component: `figures["openai-llm"].requests`. */
  declare readonly figures: { readonly [component: string]: Readonly<{ [name: string]: number }> };
}

/** All of the above. */
export const conversationEvents: readonly EventClass[] = [
  SpeechStartedEvent,
  SpeechStoppedEvent,
  TranscriptEvent,
  TurnEndedEvent,
  AgentSpeechStartedEvent,
  AgentSpeechEndedEvent,
  OverlappingSpeechEvent,
  FalseInterruptionEvent,
  BargeInEvent,
  ToolCalledEvent,
  ReplyLatencyEvent,
  ConversationMetricsEvent,
];
