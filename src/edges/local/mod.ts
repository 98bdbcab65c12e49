/**
 * LocalEdge: calls that browsers join on this machine, without a cloud or a key.
 *
 * @module
 */
export type { LocalCall } from "./call_secrets.ts";
export { LocalEdge, type LocalEdgeOptions } from "./local_edge.ts";
export { DEFAULT_LIMITS, type LocalLimits } from "./wire/limits.ts";
export type { InviteOptions, RevokedInvitation } from "./invitations.ts";
export type { Grants } from "./wire/grants.ts";
export type { HandleOptions } from "./mount.ts";
export type { LocalServer, StartPageOptions } from "./server.ts";
export type { DenoOptions } from "../../media/parent/deno_program.ts";
export type { MemoryOptions } from "../../media/parent/media_process.ts";
export type { IceServer } from "./wire/ice_servers.ts";
export type { LocalServerOptions, TlsSettings } from "./settings.ts";
