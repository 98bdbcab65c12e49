/**
 * For authors of edges on WebRTC, in the agent's program: a process of its own runs WebRTC, and
 * every call is a connection into it. What the edge does in that process is written with
 * `@ringline/edge/media/child`.
 *
 * @example An edge joins a call in its media process
 * ```ts ignore
 * import { MediaConnection, MediaProcess } from "@ringline/edge/media";
 * import { EdgeTransport } from "@ringline/edge/toolkit";
 *
 * class MyEdge extends EdgeTransport {
 *   readonly #process = new MediaProcess({
 *     host: new URL("./child/main.ts", import.meta.url),
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
 * The process runs the module that `host` names. Name it in an import, too, which is never called:
 * `const _ = () => import("./child/main.ts")`. It is part of the program's modules then, and
 * `deno cache main.ts` fetches it ahead.
 *
 * @module
 */
export { MediaConnection, type MediaConnectionOptions } from "./media_connection.ts";
export { type MediaLease, MediaProcess, type MediaProcessOptions } from "./media_process.ts";
export type { ChildPermissions } from "./spawn.ts";
export type { DenoOptions } from "./deno_program.ts";
export type { VideoConstraints } from "../child/contract.ts";
