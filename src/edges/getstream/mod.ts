/**
 * GetStreamEdge: agents in calls of Stream's cloud.
 *
 * ```ts ignore
 * import { GetStreamEdge } from "@ringline/getstream";
 *
 * await using edge = new GetStreamEdge();   // STREAM_API_KEY, STREAM_API_SECRET
 * ```
 *
 * It uses Stream's server SDK, which is under Stream's own licence, for Stream's customers.
 *
 * @module
 */
export { GetStreamEdge } from "./getstream_edge.ts";
export type { GetStreamEdgeOptions, UserTokenSource } from "./settings.ts";
export type { DenoOptions, MemoryOptions } from "@ringline/edge/media";
export type { VideoCodec } from "./wire/video_codec.ts";
export { type AudioLevel, AudioLevelsEvent, type ReconnectStrategy } from "./events.ts";
export { type ConnectionQuality, ConnectionQualityEvent, DominantSpeakerEvent } from "./events.ts";
export { type InJson, StreamCallEvent, type StreamCallEventData } from "./events.ts";
export type { GetStreamCallOptions, StreamCallSettings } from "./call_options.ts";
export type { ReadWebhookOptions, StreamJobEvent, StreamWebhook } from "./webhooks.ts";
export { AgentMutedEvent, ReconnectedEvent } from "@ringline/edge/toolkit";
