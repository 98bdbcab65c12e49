/** What goes into the record of a simulated call while it lasts. @module */
import type { Processor } from "../../agent/processor.ts";
import type { Clock } from "../../events/clock.ts";
import type { MemoryEdge } from "../memory_edge.ts";
import type { CallRecord } from "./call_record.ts";
import { SLOT_MS } from "../../audio/grid.ts";
import * as events from "../../edge/events.ts";
import { messageOf } from "../../events/error_text.ts";
import { isAudible } from "../conformance/fixture.ts";
import { Intervals } from "./intervals.ts";

/** Returns the agent's first processor, which records what reached it, and when. */
export function recorder(record: CallRecord, clock: Clock): Processor {
  return {
    name: "recorder",
    processAudio: ({ participant, row, pcm }) => {
      const atMs = row * SLOT_MS;
      const lateMs = clock.now() - atMs;
      record.worstLatenessMs = Math.max(record.worstLatenessMs, lateMs);
      if (!isAudible(pcm.samples)) return;
      let heard = record.heard.get(participant.id);
      if (!heard) record.heard.set(participant.id, heard = new Intervals());
      const before = heard.list.length;
      heard.mark(atMs, atMs + SLOT_MS);
      if (heard.list.length > before) record.note(clock.now(), `agent hears ${participant.id}`);
    },
  };
}

/** Records the events of an edge. */
export function recordEvents(record: CallRecord, edge: MemoryEdge): void {
  const classes = [
    events.ParticipantJoinedEvent,
    events.ParticipantLeftEvent,
    events.TrackAddedEvent,
    events.TrackRemovedEvent,
    events.TrackUpdatedEvent,
    events.CallEndedEvent,
    events.ConnectionStateChangedEvent,
    events.ErrorEvent,
  ];
  edge.events.subscribe(classes, (event) => {
    const nowMs = edge.clock.now();
    const text = describe(event);
    if (event instanceof events.ErrorEvent) record.errors.push(text);
    if (event instanceof events.ParticipantJoinedEvent) record.joined.add(event.participant.id);
    if (event instanceof events.ConnectionStateChangedEvent && event.state === "closed") {
      record.agentLeftAtMs = nowMs;
    }
    record.note(nowMs, text);
  });
}

/** Records what the agent says; calls `onFrame` before each 10 ms with whether they are audible. */
export function recordAgentAudio(
  record: CallRecord,
  edge: MemoryEdge,
  onFrame: (isAudible: boolean) => void,
): void {
  edge.onAgentAudio = (samples) => {
    const sounds = isAudible(samples);
    onFrame(sounds);
    if (!sounds) return;
    const nowMs = edge.clock.now();
    const { said } = record;
    const before = said.list.length;
    said.mark(nowMs, nowMs + 10);
    if (said.list.length > before) record.note(nowMs, "agent sounds");
  };
}

function describe(event: object): string {
  if (event instanceof events.ParticipantJoinedEvent) {
    return `event: ${event.participant.id} joined`;
  }
  if (event instanceof events.ParticipantLeftEvent) return `event: ${event.participant.id} left`;
  if (event instanceof events.CallEndedEvent) return `event: call ended, ${event.reason}`;
  if (event instanceof events.ErrorEvent) {
    const { error, context } = event;
    return `event: error, ${context}: ${messageOf(error)}`;
  }
  if (event instanceof events.ConnectionStateChangedEvent) {
    const repairing = event.reconnecting ? ", reconnecting" : "";
    return `event: ${event.previous} -> ${event.state}${repairing}`;
  }
  const { track } = event as events.TrackEvent;
  const what = event instanceof events.TrackAddedEvent
    ? "added"
    : event instanceof events.TrackRemovedEvent
    ? "removed"
    : track.muted
    ? "muted"
    : "unmuted";
  return `event: track ${track.id} of ${track.participant.id} ${what}`;
}
