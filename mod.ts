/**
 * Agents that join real-time voice and video calls.
 *
 * Importing this needs no permission, downloads no native code and opens no library. Edges are
 * imported by themselves, e.g. `@ringline/edge/local`.
 *
 * @module
 */

// The agent.
export { Agent } from "./src/agent/agent.ts";
export type { AgentJoinOptions, AgentOptions } from "./src/agent/agent_options.ts";
export { AgentSession } from "./src/agent/agent_session.ts";
export { type ShutdownSignal, shutdownSignal, untilShutdown } from "./src/agent/shutdown_signal.ts";
export type { Processor } from "./src/agent/processor.ts";

// What it talks with. Adapters of services and models are imported by themselves.
export type { BroadcastMetricsOptions } from "./src/agent/conversation_metrics.ts";
export type { ConversationOptions, VisionOptions } from "./src/agent/conversation_processor.ts";
export * from "./src/inference/mod.ts";

// The contract: what an edge is, and what its author builds on.
export { Call, type CreateCallOptions } from "./src/edge/call.ts";
export { Connection, type ConnectionInit, type PublishedTracks } from "./src/edge/connection.ts";
export {
  type Conversation,
  MemoryConversation,
  type Message,
  type MessageChange,
  type MessageInit,
  type MessageRole,
} from "./src/edge/conversation.ts";
export type { AudioRow, AudioSubscription, EdgeAgent } from "./src/edge/edge_agent.ts";
export type { MutableParticipantAudio, ParticipantAudio } from "./src/edge/participant_audio.ts";
export {
  type ConnectionChoice,
  type EdgeOptions,
  EdgeTransport,
  type JoinOptions,
  type OpenDemoOptions,
} from "./src/edge/edge_transport.ts";
export {
  AuthenticationError,
  ClosedError,
  ConnectionError,
  EdgeError,
  type EdgeErrorOptions,
  ProtocolError,
} from "./src/edge/errors.ts";
export {
  type CloseReason,
  type ConnectionState,
  type JsonValue,
  type Participant,
  type ParticipantKind,
  type TrackAnnouncement,
  type TrackInfo,
  TrackType,
  type User,
} from "./src/edge/types.ts";

// Events.
export {
  AudioReceivedEvent,
  CallEndedEvent,
  ConnectionStateChangedEvent,
  CustomEventReceivedEvent,
  ErrorEvent,
  ParticipantEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  TrackAddedEvent,
  TrackEvent,
  TrackRemovedEvent,
  TrackUpdatedEvent,
} from "./src/edge/events.ts";
export { checkCustomEvent, MAX_CUSTOM_EVENT_BYTES } from "./src/edge/custom_event.ts";
export { EdgeEvents } from "./src/edge/edge_events.ts";
export {
  type EventClass,
  type EventHandler,
  EventManager,
  type EventManagerOptions,
} from "./src/events/event_manager.ts";
export { type Clock, systemClock } from "./src/events/clock.ts";
export { consoleLogger, type Logger, silentLogger } from "./src/events/logger.ts";

// Audio and video.
export type { AudioKernel, KernelResampler, KernelResamplerOptions } from "./src/audio/kernel.ts";
export { PcmChunk, type PcmFormat } from "./src/audio/pcm_chunk.ts";
export type {
  AudioTrack,
  AudioTrackMode,
  AudioTrackOptions,
  FlushResult,
  OutboundAudioTrack,
  PlayoutChunk,
  PlayoutReport,
  PlayoutSink,
  PlayoutSource,
  SinkBinding,
} from "./src/edge/audio_track.ts";
export { PacedPlayout, type PacedPlayoutOptions } from "./src/edge/toolkit/paced_playout.ts";
export {
  QueuedAudioTrack,
  type QueuedAudioTrackOptions,
} from "./src/edge/toolkit/queued_audio_track.ts";
export { FrameThrottle } from "./src/edge/toolkit/frame_throttle.ts";
export { LatestVideoTrack } from "./src/edge/toolkit/latest_video_track.ts";
export {
  type VideoFormat,
  type VideoFrame,
  videoFrameSize,
  type VideoTrack,
} from "./src/edge/video_frame.ts";
