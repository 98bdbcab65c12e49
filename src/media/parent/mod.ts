/**
 * For authors of edges on WebRTC, in the agent's program: its own process runs WebRTC, and every
 * call is a connection into it. The edge's child side in that process builds on
 * `@ringline/edge/media/child`.
 *
 * @example An edge joins a call in its media process
 * ```ts ignore
 * import { MediaConnection, MediaProcess } from "@ringline/edge/media";
 * import { EdgeTransport } from "@ringline/edge/toolkit";
 *
 * class MyEdge extends EdgeTransport {
 *   readonly #process = new MediaProcess({
 *     child: new URL("./child/main.ts", import.meta.url),
 *     config: null,
 *     permissions: { net: true },
 *   });
 *
 *   override join(agent, call, { signal, timeoutMs } = {}) {
 *     const params = { room: call.id }; // to `EdgeChild.join`
 *     return MediaConnection.open(this, {
 *       agent, call, process: this.#process, params, signal, timeoutMs,
 *     });
 *   }
 * }
 * ```
 *
 * The process runs the module that `child` names. Name it in an import, too, which is never called:
 * `const _ = () => import("./child/main.ts")`. It is part of the program's modules then, and
 * `deno cache main.ts` fetches it ahead.
 *
 * @module
 */
export { MediaConnection, type MediaConnectionOptions } from "./media_connection.ts";
export type { RequestOptions } from "./child_link.ts";
export { KeptMedia } from "./kept_media.ts";
export type { LeaseRequestOptions, MediaLease } from "./media_lease.ts";
export { MediaProcess, type MediaProcessOptions, type MemoryOptions } from "./media_process.ts";
export type { ChildPermissions } from "./spawn.ts";
export type { DenoOptions } from "./deno_program.ts";
export type { CallName, Suspect } from "./restarts.ts";
export type { MemoryLimit, VideoConstraints } from "../wire/control.ts";
