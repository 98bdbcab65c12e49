/**
 * For authors of edges and adapters: the contract of an edge without the agent, and the small parts
 * that every edge and adapter needs, so that all of them wait, check and fail in the same way.
 *
 * Importing this loads neither `Agent` nor what it talks with: a media process uses it, too. An edge
 * on WebRTC finds the rest in `@ringline/edge/media`.
 *
 * @example Wait for a service, for as long as its caller does
 * ```ts
 * import { systemClock, waitFor } from "@ringline/edge/toolkit";
 *
 * const greeting = Promise.resolve("welcome");
 * const text = await waitFor(greeting, "the service's greeting", {
 *   timeoutMs: 5000,
 *   clock: systemClock,
 * });
 * console.log(text); // welcome
 * ```
 *
 * @module
 */
export * from "./edge/mod.ts";
export { jsonByteLength } from "./edge/json.ts";
export { checkCall, checkJoin, checkUser } from "./edge/validation.ts";
export {
  type KeepaliveOptions,
  KeepaliveSocket,
  type KeepaliveSocketOptions,
  type OpenSocketOptions,
  type SocketEnd,
  type SocketPort,
} from "./edge/toolkit/keepalive_socket.ts";
export { type ErrorData, fromErrorData, toErrorData } from "./edge/toolkit/error_data.ts";
export { openBrowser } from "./edge/toolkit/open_browser.ts";
export { rejectionError, withoutSecrets } from "./edge/toolkit/service_errors.ts";
export { environmentHint, environmentVariable } from "./edge/toolkit/environment.ts";
export { tokenClaims, tokenEndsAt } from "./edge/toolkit/token_claims.ts";
export { WorkerWebSocket, type WorkerWebSocketOptions } from "./edge/toolkit/worker_web_socket.ts";
export { Channel, type ChannelOptions } from "./events/channel.ts";
export { checkMethods, checkObject, checkOptions } from "./events/checks.ts";
export { DropCounter } from "./events/drop_counter.ts";
export { describeError, messageOf } from "./events/error_text.ts";
export {
  checkDuration,
  isTimeout,
  limitTime,
  sleep,
  type TimeLimit,
  waitFor,
  type WaitOptions,
} from "./events/waiting.ts";
export {
  backOffMs,
  type BackOffOptions,
  retry,
  retryAfterMs,
  type RetryOptions,
} from "./events/retry.ts";
