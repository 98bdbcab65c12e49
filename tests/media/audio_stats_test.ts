/** How audio arrives: read from WebRTC's statistics, asked for across the wire, and only if wanted. */
import { assertEquals } from "@std/assert";
import { AudioStatsEvent, ErrorEvent } from "../../src/edge/events.ts";
import { AudioStatsPoll } from "../../src/media/parent/audio_stats_poll.ts";
import { readAudioStats } from "../../src/media/webrtc/audio_stats.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { until } from "../fixtures/until.ts";
import { fakeProcess, testAgent, TestEdge } from "./_fixture.ts";

const STATS = {
  participantId: "p1",
  packetsReceived: 100,
  packetsLost: 2,
  audioMs: 1000,
  concealedMs: 20,
  jitterMs: 1.5,
  roundTripMs: 12,
};

Deno.test("readAudioStats reads each audio track, and the path's round trip", () => {
  const inbound = {
    type: "inbound-rtp",
    kind: "audio",
    trackIdentifier: "track",
    packetsReceived: 500,
    packetsLost: 5,
    jitter: 0.004,
    totalSamplesDuration: 10,
    totalSamplesReceived: 480_000,
    concealedSamples: 9600,
    silentConcealedSamples: 4800,
  };
  const found = readAudioStats([
    { type: "transport", id: "T", selectedCandidatePairId: "P2" },
    { type: "candidate-pair", id: "P1", currentRoundTripTime: 9 },
    { type: "candidate-pair", id: "P2", currentRoundTripTime: 0.025 },
    inbound,
    { ...inbound, trackIdentifier: "other", packetsLost: -3, totalSamplesReceived: 0 },
    { ...inbound, kind: "video", trackIdentifier: "camera" },
    { type: "outbound-rtp", kind: "audio", packetsSent: 3 },
  ]);
  const stats = {
    packetsReceived: 500,
    packetsLost: 5,
    audioMs: 10_000,
    concealedMs: 100,
    jitterMs: 4,
    roundTripMs: 25,
  };
  assertEquals([...found], [["track", stats], ["other", {
    ...stats,
    packetsLost: 0,
    concealedMs: 0,
  }]]);
  assertEquals([...readAudioStats([])], []);
});

Deno.test("AudioStatsPoll asks every five seconds, only while it is wanted, and goes on after a failure", async () => {
  const clock = new VirtualClock();
  let isWanted = false;
  let fails = false;
  let asked = 0;
  const taken: unknown[] = [];
  const poll = new AudioStatsPoll({
    clock,
    isWanted: () => isWanted,
    ask: () => {
      asked++;
      return fails ? Promise.reject(new Error("busy")) : Promise.resolve([STATS]);
    },
    onStats: (stats) => void taken.push(stats.packetsLost),
    onError: (error) => void taken.push(String(error)),
  });
  await clock.advance(20_000);
  assertEquals([asked, taken], [0, []]);
  isWanted = true;
  await clock.advance(4999);
  assertEquals(asked, 0);
  await clock.advance(1);
  fails = true;
  await clock.advance(5000);
  fails = false;
  await clock.advance(5000);
  assertEquals([asked, taken], [3, [2, "Error: busy", 2]]);
  poll[Symbol.dispose]();
  await clock.advance(20_000);
  assertEquals(asked, 3);
});

Deno.test("a connection emits how the audio of those who are here arrives", async () => {
  const clock = new VirtualClock();
  await using edge = new TestEdge(fakeProcess(), clock);
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const events: AudioStatsEvent[] = [];
  const errors: unknown[] = [];
  edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(error));
  edge.events.subscribe(AudioStatsEvent, (event) => void events.push(event));
  await clock.advance(5000);
  await until("the figures", () => events.length > 0);
  const { participantId, ...stats } = STATS;
  assertEquals(events.map((one) => [one.participant.id, one.stats]), [[participantId, stats]]);
  assertEquals(errors, []);
  await connection.close();
});
