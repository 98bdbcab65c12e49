import { assertEquals } from "@std/assert";
import type { CallConnection } from "../../src/edge/call_connection.ts";
import {
  AgentMutedEvent,
  edgeEvents,
  ErrorEvent,
  type ParticipantJoinedEvent,
  ParticipantLeftEvent,
  ReconnectedEvent,
  TrackRemovedEvent,
  TrackUpdatedEvent,
} from "../../src/edge/events.ts";
import { AudioLevelsEvent } from "../../src/edges/getstream/events.ts";
import type { Participant } from "../../src/edge/types.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { joinAnna } from "../agent/_call.ts";

Deno.test("an event's type narrows a union of events to one class", async () => {
  const log: string[] = [];
  const { clock, edge, agent, anna } = await joinAnna();
  using _subscription = edge.events.subscribe(
    [ParticipantLeftEvent, TrackRemovedEvent, TrackUpdatedEvent, ErrorEvent],
    (event) => {
      // Each assignment is an error of `deno check` unless the type was narrowed to that class.
      if (event.type === "participant-left") {
        const left: ParticipantLeftEvent = event;
        log.push(`left ${left.participant.id}`);
      } else if (event.type === "error") {
        const failure: ErrorEvent = event;
        log.push(failure.context);
      } else {
        const { type, track }: TrackRemovedEvent | TrackUpdatedEvent = event;
        log.push(`${type} ${track.participant.id}`);
      }
    },
  );
  anna.mute();
  anna.leave();
  assertEquals(log, ["track-updated anna", "track-removed anna", "left anna"]);
  await clock.until(agent.close());
});

Deno.test("two events of one shape are two types to the compiler", () => {
  const connection = {} as CallConnection;
  const participant = { id: "anna" } as Participant;
  const left = new ParticipantLeftEvent({ connection, participant });
  // @ts-expect-error The classes differ in their literal type alone.
  const joined: ParticipantJoinedEvent = left;
  // @ts-expect-error An unknown type is no event's.
  const isOther = left.type === "participant-gone";
  assertEquals([joined.type as string, isOther], ["participant-left", false]);
});

Deno.test("every event class has a type of its own", () => {
  const types = [...edgeEvents, AudioLevelsEvent].map((eventClass) => {
    const create = eventClass as new (init: object) => { type: string };
    return new create({}).type;
  });
  assertEquals(types, [
    "audio-received",
    "audio-stats",
    "track-added",
    "track-removed",
    "track-updated",
    "call-ended",
    "participant-joined",
    "participant-left",
    "custom-event-received",
    "dtmf-received",
    "text-received",
    "connection-state-changed",
    "reconnected",
    "agent-muted",
    "error",
    "audio-levels",
  ]);
});

Deno.test("both SFU edges send the events of the main package, which every edge registers", async () => {
  const edges = [
    await import("../../src/edges/getstream/mod.ts"),
    await import("../../src/edges/livekit/mod.ts"),
  ];
  for (const edge of edges) {
    assertEquals([edge.AgentMutedEvent, edge.ReconnectedEvent], [
      AgentMutedEvent,
      ReconnectedEvent,
    ]);
  }
  await using edge = new MemoryEdge();
  using _muted = edge.events.subscribe([AgentMutedEvent, ReconnectedEvent], () => {});
});
