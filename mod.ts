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
export type { ConversationHistory } from "./src/agent/kept_conversation.ts";
export type {
  AgentContext,
  AgentUpdate,
  CloseOptions,
  HandoffOptions,
  HangUpOptions,
} from "./src/agent/agent_context.ts";
export { handoff, handoffTool, type HandoffToolOptions } from "./src/agent/handoff_tool.ts";
export { AgentSession } from "./src/agent/agent_session.ts";
export { type ShutdownSignal, shutdownSignal, untilShutdown } from "./src/agent/shutdown_signal.ts";
export type { Processor } from "./src/agent/processor.ts";
export type { InputFilter, InputFilterStream } from "./src/agent/input_filter.ts";
export { neuralVad, type NeuralVadOptions } from "./src/inference/vad/neural_vad.ts";

// What it talks with. Adapters of services and models are imported by themselves.
export type { BroadcastMetricsOptions } from "./src/agent/conversation_metrics.ts";
export type { ConversationOptions, VisionOptions } from "./src/agent/conversation_options.ts";
export * from "./src/inference/mod.ts";

// The contract: what an edge is, what happens in its calls, and what its author builds on.
export * from "./src/edge/mod.ts";
