/**
 * The contracts of models (LLM, STT, TTS, VAD, turn detection, realtime, tools), speaker filters and
 * conversation events. Adapters of services and models are entry points of their own.
 *
 * @module
 */
export { type Component, type ComponentContext } from "./contracts/component.ts";
export { InferenceError } from "./contracts/errors.ts";
export { TrackEchoDetector } from "./echo/track_echo_detector.ts";
export {
  AgentHandoffEvent,
  AgentSpeechEndedEvent,
  AgentSpeechStartedEvent,
  AgentStateChangedEvent,
  AgentUpdatedEvent,
  BargeInEvent,
  ComponentHealthEvent,
  ConversationEvent,
  conversationEvents,
  ConversationMetricsEvent,
  FalseInterruptionEvent,
  IncompleteReplyEvent,
  ModelResponseEvent,
  OverlappingSpeechEvent,
  ReplyLatencyEvent,
  SpeechStartedEvent,
  SpeechStoppedEvent,
  ToolCalledEvent,
  ToolProgressEvent,
  ToolStartedEvent,
  TranscriptEvent,
  TurnEndedEvent,
  type UserState,
  UserStateChangedEvent,
} from "./contracts/events.ts";
export type { FailureOptions } from "./pipelines/failure_options.ts";
export { FallbackLLM } from "./fallback/fallback_llm.ts";
export { FallbackSTT } from "./fallback/fallback_stt.ts";
export { FallbackTTS } from "./fallback/fallback_tts.ts";
export type { FallbackOptions } from "./fallback/component_health.ts";
export type { BackchannelWords } from "./turns/backchannels.ts";
export type { InterruptionOptions } from "./turns/interruption_handler.ts";
export type {
  GenerateReplyOptions,
  SayOptions,
  TextOptions,
  UserTurnOptions,
} from "./pipelines/pipeline.ts";
export type { HandoffHistory } from "./pipelines/pipeline.ts";
export { Handoff } from "./reply/handoff.ts";
export type { TextReply } from "./reply/text_replies.ts";
export type { TurnHandlingOptions } from "./pipelines/turn_handling_options.ts";
export { energyVad, type EnergyVadOptions } from "./vad/energy_vad.ts";
export type { EndpointingOptions, TurnDetection } from "./turns/turn_owner.ts";
export type { UserTurnLimitOptions } from "./turns/user_turn_limit.ts";
export type { VadOptions } from "./turns/vad_options.ts";
export type { VadStateMachineOptions } from "./vad/vad_state_machine.ts";
export type {
  FromSchema,
  FromType,
  JsonSchema,
  JsonSchemaType,
  ObjectFrom,
  RequiredNames,
} from "./contracts/json_schema.ts";
export type { StandardIssue, StandardResult, StandardSchema } from "./contracts/standard_schema.ts";
export type { FinishReason, LLM, LLMPart, LLMRequest } from "./contracts/llm.ts";
export type { ChatMessage, EncodedImage, ToolCall, ToolImage } from "./contracts/messages.ts";
export type {
  RealtimeEvent,
  RealtimeLLM,
  RealtimeReplyRequest,
  RealtimeReplyStatus,
  RealtimeSession,
  RealtimeSessionOptions,
} from "./contracts/realtime_llm.ts";
export { REALTIME_BUSY, REALTIME_LIMITS } from "./contracts/realtime_limits.ts";
export type { PreparedSpeech } from "./pipelines/realtime/outage_message.ts";
export { allowList } from "./speakers/allow_list.ts";
export { type FirstSpeakerOptions, firstSpeakerWins } from "./speakers/first_speaker_wins.ts";
export { loudest, type LoudestOptions } from "./speakers/loudest.ts";
export { allowAll, type SpeakerFilter } from "./speakers/speaker_filter.ts";
export type { SpeechOutcome } from "./speech/speech_handle.ts";
export type {
  STT,
  SttEvent,
  SttSession,
  SttSessionOptions,
  TranscribedWord,
} from "./contracts/stt.ts";
export {
  sttFromTranscriber,
  type TranscribeOptions,
  type Transcriber,
  type Transcript,
} from "./contracts/transcriber.ts";
export { endCallTool, type EndCallToolOptions } from "./reply/end_call_tool.ts";
export type { HistoryHook } from "./history/chat_context.ts";
export type { CompletedUserTurn, UserTurnChange, UserTurnHook } from "./reply/turn_completion.ts";
export type { ToolHooks } from "./reply/tool_ledger.ts";
export { SentenceSplitter, type SentenceSplitterOptions } from "./text/sentence_splitter.ts";
export {
  defineTool,
  type NoParameters,
  type Tool,
  type ToolAgent,
  type ToolContext,
  type ToolDescription,
  type ToolDuplicate,
  type ToolEnd,
  type ToolInput,
  type ToolInterruption,
  ToolOutput,
  type ToolResult,
  type ToolStart,
} from "./contracts/tool.ts";
export type {
  Alignment,
  SpeechPart,
  TTS,
  TtsSession,
  TtsSessionOptions,
  TtsStream,
} from "./contracts/tts.ts";
export { type SentenceVoice, ttsFromSentences } from "./contracts/tts_from_sentences.ts";
export {
  fixedEndpointing,
  punctuationEndpointing,
  type PunctuationEndpointingOptions,
  type TurnContext,
  type TurnDetector,
} from "./contracts/turn_detector.ts";
export type { VAD, VadStream } from "./contracts/vad.ts";
export { encodeFrame, type EncodeFrameOptions } from "./vision/encode_frame.ts";
export {
  type ScreenChanges,
  screenChanges,
  type ScreenChangesOptions,
} from "./vision/screen_changes.ts";
export type { ImageEncoder, Pixels } from "./contracts/image_encoder.ts";
