/**
 * Calls on this machine that browsers join, with no cloud and no key.
 *
 * @module
 */
export { type LocalCall, LocalEdge, type LocalEdgeOptions } from "./local_edge.ts";
export { DEFAULT_LIMITS, type LocalLimits } from "./wire/limits.ts";
export type { LocalServer, ServeOptions } from "./server.ts";
export type { DenoOptions } from "../../media/parent/deno_program.ts";
export type { IceServer } from "./wire/ice_servers.ts";
export type { LocalServerOptions, TlsSettings } from "./settings.ts";
