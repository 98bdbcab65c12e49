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
export { LiveKitEdge, type PersonTokenOptions, type SendTextOptions } from "./livekit_edge.ts";
export type { LiveKitEdgeOptions, TokenRequest, TokenSource } from "./settings.ts";
export type { DenoOptions } from "@ringline/edge/media";
export type { LiveKitCallOptions } from "./call_options.ts";
export {
  type LiveKitJobKind,
  type LiveKitJobs,
  type LiveKitJobsOptions,
} from "./jobs/livekit_jobs.ts";
export { AgentMutedEvent, ParticipantUpdatedEvent } from "./events.ts";
export { ReconnectedEvent, type ReconnectStrategy } from "./events.ts";
