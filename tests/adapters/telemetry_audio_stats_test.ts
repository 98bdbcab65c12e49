/** What telemetry adds up of how audio arrives. */
import { assertEquals } from "@std/assert";
import { metrics } from "npm:@opentelemetry/api@1.10.0";
import { recordAudioStats } from "../../src/adapters/telemetry/audio_stats.ts";
import { AudioStatsEvent, ParticipantLeftEvent } from "../../src/edge/events.ts";
import type { CallConnection } from "../../src/edge/call_connection.ts";
import { EventManager } from "../../src/events/event_manager.ts";
import type { Participant } from "../../src/edge/types.ts";

/** Records events, and returns what each counter has come to, by its name. */
function record(events: readonly (AudioStatsEvent | ParticipantLeftEvent)[]) {
  const sums: Record<string, number> = {};
  const createCounter = (name: string) => ({
    add: (value: number) => sums[name] = (sums[name] ?? 0) + value,
  });
  const meter = { createCounter, createHistogram: () => ({ record() {} }) };
  metrics.setGlobalMeterProvider({ getMeter: () => meter as never });
  using manager = new EventManager();
  manager.register(AudioStatsEvent, ParticipantLeftEvent);
  try {
    using _ = recordAudioStats({ edge: { events: manager } }, {});
    for (const event of events) manager.send(event);
  } finally {
    metrics.disable();
  }
  const ms = (name: string) => Math.round(1000 * sums[`ringline.rtc.${name}`]!);
  return {
    received: sums["ringline.rtc.packets.received"],
    lost: sums["ringline.rtc.packets.lost"],
    audioMs: ms("audio"),
    concealedMs: ms("concealed"),
  };
}

const connections = [{}, {}] as CallConnection[];
const participant: Participant = {
  id: "p1",
  userId: "ann",
  name: "Ann",
  kind: "person",
  original: undefined,
};

type Figures = [received: number, lost: number, audioMs: number, concealedMs: number];

function stats(figures: Figures, connection = connections[0]!): AudioStatsEvent {
  const [packetsReceived, packetsLost, audioMs, concealedMs] = figures;
  const rest = { jitterMs: 1, roundTripMs: undefined };
  return new AudioStatsEvent({
    connection,
    participant,
    stats: { packetsReceived, packetsLost, audioMs, concealedMs, ...rest },
  });
}

Deno.test("telemetry counts a packet once that was late, and what was made up for it", () => {
  const sums = record([
    stats([100, 10, 2000, 200]),
    // Four came after all, and what was made up is a smaller part of the whole.
    stats([200, 6, 4000, 190]),
    stats([300, 6, 6000, 195]),
    stats([400, 12, 8000, 240]),
  ]);
  assertEquals(sums, { received: 400, lost: 12, audioMs: 8000, concealedMs: 240 });
});

Deno.test("telemetry adds to what it counted when a participant's audio begins anew", () => {
  const sums = record([
    stats([100, 10, 2000, 200]),
    // More was lost than before: it has begun anew all the same.
    stats([50, 12, 3000, 250]),
    stats([60, 13, 3200, 260]),
  ]);
  assertEquals(sums, { received: 160, lost: 23, audioMs: 5200, concealedMs: 460 });
});

Deno.test("telemetry counts a participant of two connections for each, and one who came back", () => {
  const [first, second] = connections as [CallConnection, CallConnection];
  const sums = record([
    stats([100, 10, 2000, 200], first),
    stats([40, 4, 800, 80], second),
    stats([200, 10, 4000, 200], first),
    stats([80, 4, 1600, 80], second),
    new ParticipantLeftEvent({ connection: second, participant }),
    stats([300, 10, 6000, 200], first),
    stats([90, 1, 1800, 20], second),
  ]);
  assertEquals(sums, { received: 470, lost: 15, audioMs: 9400, concealedMs: 300 });
});
