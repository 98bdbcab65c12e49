/**
 * The contract of an edge: the classes that its author extends, the interface that agents use, and the
 * events of its calls.
 *
 * @module
 */
export { Call, type CreateCallOptions } from "./call.ts";
export type { CallConnection, PublishedTracks } from "./call_connection.ts";
export { Connection, type ConnectionInit } from "./connection.ts";
export {
  type Conversation,
  MemoryConversation,
  type Message,
  type MessageChange,
  type MessageInit,
  type MessageRole,
  type MessageToolCall,
} from "./conversation.ts";
export type { AudioRow, AudioSubscription, EdgeAgent } from "./edge_agent.ts";
export type { MutableParticipantAudio, ParticipantAudio } from "./participant_audio.ts";
export {
  type ConnectionChoice,
  type EdgeOptions,
  EdgeTransport,
  type JoinOptions,
  type OpenDemoOptions,
} from "./edge_transport.ts";
export {
  AuthenticationError,
  ClosedError,
  ConnectionError,
  EdgeError,
  type EdgeErrorOptions,
  ProtocolError,
} from "./errors.ts";
export type {
  AcceptedJob,
  DeclinedJob,
  DeclineReason,
  JobFeed,
  JobOffer,
  JobOutcome,
  JobSource,
  JobUser,
  JobWorker,
  RunningJob,
  WorkerLoad,
} from "./jobs.ts";
export type { DialOptions, TransferOptions } from "./telephony.ts";
export {
  type AgentState,
  type AudioStats,
  type CloseReason,
  type ConnectionState,
  type JsonValue,
  type Participant,
  type ParticipantKind,
  type TrackInfo,
  type TrackInit,
  TrackType,
  type User,
} from "./types.ts";

// Events.
export {
  AgentMutedEvent,
  AudioReceivedEvent,
  AudioStatsEvent,
  CallEndedEvent,
  ConnectionEvent,
  ConnectionStateChangedEvent,
  CustomEventReceivedEvent,
  DtmfReceivedEvent,
  ErrorEvent,
  ParticipantEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  ReconnectedEvent,
  TextReceivedEvent,
  TrackAddedEvent,
  TrackEvent,
  TrackRemovedEvent,
  TrackUpdatedEvent,
} from "./events.ts";
export { checkWrittenText } from "./written_text.ts";
export { checkCustomEvent, MAX_CUSTOM_EVENT_BYTES } from "./custom_event.ts";
export { EdgeEvents } from "./edge_events.ts";
export {
  type EventClass,
  type EventHandler,
  EventManager,
  type EventManagerOptions,
} from "../events/event_manager.ts";
export { type Clock, systemClock } from "../events/clock.ts";
export { consoleLogger, type Logger, silentLogger } from "../events/logger.ts";

// Audio and video.
export type { AudioKernel, KernelResampler, KernelResamplerOptions } from "../audio/kernel.ts";
export { PcmChunk, type PcmFormat } from "../audio/pcm_chunk.ts";
export type {
  AudioTrack,
  AudioTrackMode,
  AudioTrackOptions,
  DirectedAudioOptions,
  FlushResult,
  OutboundAudioTrack,
  PlayoutChunk,
  PlayoutReport,
  PlayoutSink,
  PlayoutSource,
  SinkBinding,
} from "./audio_track.ts";
export { PacedPlayout, type PacedPlayoutOptions } from "./toolkit/paced_playout.ts";
export { QueuedAudioTrack, type QueuedAudioTrackOptions } from "./toolkit/queued_audio_track.ts";
export { FrameThrottle } from "./toolkit/frame_throttle.ts";
export { LatestVideoTrack } from "./toolkit/latest_video_track.ts";
export {
  type VideoFormat,
  type VideoFrame,
  videoFrameSize,
  type VideoLimits,
  type VideoTrack,
} from "./video_frame.ts";
