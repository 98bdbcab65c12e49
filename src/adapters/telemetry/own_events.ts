/** The events of an edge that belong to one agent. @module */
import type { CallConnection } from "../../edge/call_connection.ts";
import type { EventClass } from "../../events/event_manager.ts";
import type { TelemetrySource } from "./recording.ts";

/** The most events that wait for the agent to have joined. */
const MAX_HELD = 256;

/**
 * Subscribes to the events of an edge that belong to the source's connection, or to none; what other
 * agents of the edge are told is left out. Those that come while the agent joins wait until it has a
 * connection.
 */
export function subscribeToOwn<C extends EventClass<{ readonly connection?: CallConnection }>>(
  source: TelemetrySource,
  classes: readonly C[],
  handle: (event: InstanceType<C>) => void,
): Disposable {
  const records = new DisposableStack();
  if (!source.edge) return records;
  const isOfAgent = "connection" in source;
  const held: InstanceType<C>[] = [];
  const replay = () => {
    const own = source.connection;
    if (!own) return;
    for (const event of held.splice(0)) if (event.connection === own) handle(event);
  };
  records.use(source.edge.events.subscribe(classes, (event) => {
    replay();
    const { connection } = event;
    if (!isOfAgent || !connection || connection === source.connection) handle(event);
    else if (!source.connection) {
      held.push(event);
      if (held.length > MAX_HELD) held.shift();
    }
  }));
  records.defer(replay);
  return records;
}
