/**
 * LiveKitEdge: agents in rooms of LiveKit's servers.
 *
 * ```ts ignore
 * import { LiveKitEdge } from "@ringline/livekit";
 *
 * // LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET
 * await using edge = new LiveKitEdge();
 * ```
 *
 * @module
 */
export {
  LiveKitEdge,
  type PersonTokenOptions,
  type RpcOptions,
  type SendTextOptions,
} from "./livekit_edge.ts";
export { RpcError, type RpcErrorOptions } from "./rpc/rpc_error.ts";
export type { RpcCall, RpcMethod } from "./rpc/rpc_methods.ts";
export type { LiveKitEdgeOptions, SipOptions, TokenRequest, TokenSource } from "./settings.ts";
export type { DenoOptions, MemoryOptions } from "@ringline/edge/media";
export type { LiveKitCallOptions } from "./call_options.ts";
export type { LiveKitJobs, LiveKitJobsOptions } from "./jobs/livekit_jobs.ts";
export type { LiveKitJobKind } from "./jobs/job_kind.ts";
export { ParticipantUpdatedEvent, type ReconnectStrategy } from "./events.ts";
export { AgentMutedEvent, ReconnectedEvent } from "@ringline/edge/toolkit";
