/** How many people are in an agent's call. @module */
import { type Attributes, metrics } from "npm:@opentelemetry/api@1.10.0";
import type { CallConnection } from "../../edge/call_connection.ts";
import {
  ConnectionStateChangedEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
} from "../../edge/events.ts";
import { subscribeToOwn } from "./own_events.ts";
import type { TelemetrySource } from "./recording.ts";

/**
 * Counts them until the result is disposed: those who are there already, too, and then none, or a figure
 * that only grows and shrinks would keep them for ever.
 */
export function recordPeople(source: TelemetrySource, attributes: Attributes): Disposable {
  const counter = metrics.getMeter("@ringline/edge")
    .createUpDownCounter("ringline.participants", { unit: "{participant}" });
  /** The ids of those who are counted, by the connection that tells of them. */
  const counted = new Map<CallConnection, Set<string>>();
  const comes = (connection: CallConnection, id: string): void => {
    const ids = counted.getOrInsertComputed(connection, () => new Set());
    if (ids.has(id)) return;
    ids.add(id);
    counter.add(1, attributes);
  };
  const ends = (connection: CallConnection): void => {
    const size = counted.get(connection)?.size ?? 0;
    counted.delete(connection);
    if (size > 0) counter.add(-size, attributes);
  };
  const records = new DisposableStack();
  records.defer(() => [...counted.keys()].forEach(ends));
  records.use(subscribeToOwn(
    source,
    [ParticipantJoinedEvent, ParticipantLeftEvent, ConnectionStateChangedEvent],
    (event) => {
      const { connection } = event;
      if (event instanceof ParticipantJoinedEvent) comes(connection, event.participant.id);
      else if (event instanceof ParticipantLeftEvent) {
        if (counted.get(connection)?.delete(event.participant.id)) counter.add(-1, attributes);
      } else if (event.state === "closed") ends(connection);
    },
  ));
  const connections = "connection" in source ? [source.connection] : source.edge?.connections;
  for (const connection of connections ?? []) {
    // Those of one that is being established are still to be told of.
    if (!connection || connection.state === "establishing") continue;
    for (const id of connection.participants.keys()) comes(connection, id);
  }
  return records;
}
