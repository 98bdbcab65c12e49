/**
 * Calls on this machine that browsers join, with no cloud and no key.
 *
 * @module
 */
export { type LocalCall, LocalEdge, type LocalEdgeOptions } from "./local_edge.ts";
export { DEFAULT_LIMITS, type LocalLimits } from "./limits.ts";
export type { ServeOptions, Serving } from "./serving.ts";
export type { DenoOptions } from "../../media/process/deno_program.ts";
export type { IceServer } from "./ice_servers.ts";
export type { LocalServerOptions, TlsSettings } from "./settings.ts";
