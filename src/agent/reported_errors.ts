/**
 * Failures of a conversation, as events of the edge. What waits for a reply may fail of the same: that
 * is not told again.
 *
 * @module
 */
import type { CallConnection } from "../edge/call_connection.ts";
import { ErrorEvent } from "../edge/events.ts";
import type { EdgeEvents } from "../edge/edge_events.ts";

const reported = new WeakSet<WeakKey>();

/** Emits a failure of the conversation. */
export function emitError(
  edge: { readonly events: Pick<EdgeEvents, "emit"> },
  init: { error: unknown; context: string; connection?: CallConnection },
): void {
  const { error } = init;
  if (typeof error === "object" && error !== null) reported.add(error);
  edge.events.emit(new ErrorEvent(init));
}

/** Whether the application has been told of this failure of the conversation. */
export function isReported(error: unknown): boolean {
  return reported.has(error as WeakKey);
}
