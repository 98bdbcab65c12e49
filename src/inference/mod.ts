/**
 * What an agent hears, thinks and speaks with: contracts to write models for, and what leads from
 * one to the next. Adapters of services and models are entry points of their own.
 *
 * @module
 */
export { type Component, type ComponentContext } from "./component.ts";
export { InferenceError } from "./errors.ts";
export {
  AgentSpeechEndedEvent,
  AgentSpeechStartedEvent,
  BargeInEvent,
  BargeInSuspectedEvent,
  conversationEvents,
  ConversationMetricsEvent,
  FalseAlarmEvent,
  Happening,
  SpeechStartedEvent,
  SpeechStoppedEvent,
  ToolCalledEvent,
  TranscriptEvent,
  TurnEndedEvent,
  VoiceToVoiceEvent,
} from "./events.ts";
export type { BargeInOptions } from "./flow/transcribing/barge_in.ts";
export type { RespondOptions, SayOptions } from "./flow/flow.ts";
export type { TranscribingOptions } from "./flow/transcribing_flow.ts";
export { energyVad, type EnergyVadOptions } from "./hearing/energy_vad.ts";
export type { HearingOptions } from "./hearing/listener.ts";
export type { SpeechGateOptions } from "./hearing/speech_gate.ts";
export type {
  FromSchema,
  FromType,
  JsonSchema,
  JsonSchemaType,
  ObjectFrom,
  RequiredNames,
} from "./json_schema.ts";
export type { LLM, LLMPart, LLMRequest } from "./llm.ts";
export type { ChatMessage, EncodedImage, ToolCall } from "./messages.ts";
export type {
  RealtimeEvent,
  RealtimeLLM,
  RealtimeSession,
  RealtimeSessionOptions,
} from "./realtime_llm.ts";
export { allowList } from "./speakers/allow_list.ts";
export { type FirstSpeakerOptions, firstSpeakerWins } from "./speakers/first_speaker_wins.ts";
export { loudest, type LoudestOptions } from "./speakers/loudest.ts";
export type { SpeakerPolicy } from "./speakers/speaker_policy.ts";
export type { HeardSpeech } from "./flow/flow.ts";
export type { SpeechOutcome } from "./speaking/speech.ts";
export type { STT, TranscribeOptions, Transcript } from "./stt.ts";
export { SentenceSplitter, type SentenceSplitterOptions } from "./text/sentence_splitter.ts";
export {
  defineTool,
  type NoParameters,
  type Tool,
  type ToolContext,
  type ToolDescription,
  type ToolResult,
} from "./tool.ts";
export type { SpeechPart, TTS } from "./tts.ts";
export {
  fixedSilence,
  type PausedTurn,
  punctuationTurns,
  type PunctuationTurnsOptions,
  type TurnDetector,
} from "./turn_detector.ts";
export type { VAD, VadStream } from "./vad.ts";
export { encodeFrame, type EncodeFrameOptions, type ImageEncoder } from "./vision/encode_frame.ts";
export {
  type ScreenChanges,
  screenChanges,
  type ScreenChangesOptions,
} from "./vision/screen_changes.ts";
export type { Pixels } from "./vision/frame_pixels.ts";
