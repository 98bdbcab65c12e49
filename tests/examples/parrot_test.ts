/** The parrot in front of a loudspeaker, in virtual time. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import type { AgentContext } from "../../src/agent/agent_context.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { PacedPlayout } from "../../src/edge/toolkit/paced_playout.ts";
import { QueuedAudioTrack } from "../../src/edge/toolkit/queued_audio_track.ts";
import { speechLike } from "../../src/testing/sounds.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { Parrot } from "../../examples/parrot.ts";

const RATE = 16_000;
const ROW = RATE / 50;
const participant = {
  original: null,
  userId: "ada",
  id: "ada",
  name: "Ada",
  kind: "person",
} as const;

interface Call {
  /** How loud the parrot's voice comes back into the microphone, and how much later. */
  echoDb: number;
  echoMs?: number;
  /** When Ada speaks: three seconds each. */
  speaksAtMs: number[];
}

/** Returns how often the parrot fell silent for a person, and how much it said. */
async function talk({ echoDb, echoMs = 160, speaksAtMs }: Call) {
  const clock = new VirtualClock();
  const track = new QueuedAudioTrack({ clock, sampleRate: RATE });
  const room = new Float64Array(30 * RATE);
  let flushes = 0;
  const flush = track.flush.bind(track);
  track.flush = () => (flushes++, flush());
  const gain = 10 ** (echoDb / 20);
  using _playout = new PacedPlayout(track, {
    clock,
    onFrame: (samples) => {
      const at = Math.round((clock.now() + echoMs) * RATE / 1000);
      for (let n = 0; n < samples.length; n++) room[at + n]! += samples[n]! * gain;
    },
  });
  for (const [index, ms] of speaksAtMs.entries()) {
    const { samples } = speechLike(3000, { seed: index + 1, sampleRate: RATE });
    for (let n = 0; n < samples.length; n++) room[ms * RATE / 1000 + n]! += samples[n]!;
  }
  const parrot = new Parrot();
  parrot.start({ audio: track, user: { id: "parrot" } } as unknown as AgentContext);
  for (let row = 0; row < 9000 / 20; row++) {
    await clock.advance(20);
    const heard = room.subarray(row * ROW, (row + 1) * ROW);
    const pcm = new PcmChunk(Int16Array.from(heard, Math.round), { sampleRate: RATE });
    parrot.processAudio({ participant, trackId: "a", pcm, row, playedMs: track.playedMs });
  }
  const result = { flushes, playedMs: track.playedMs };
  parrot.close();
  track.close();
  return result;
}

for (const echoDb of [-20, -12, -6]) {
  Deno.test(`the parrot does not interrupt itself at ${echoDb} dB, and says all of it once`, async () => {
    const { flushes, playedMs } = await talk({ echoDb, speaksAtMs: [500] });
    assertEquals(flushes, 0);
    assertGreater(playedMs, 3000);
    assertLess(playedMs, 4500);
  });
}

Deno.test("the parrot is interrupted by a person over its own echo", async () => {
  const { flushes } = await talk({ echoDb: -12, speaksAtMs: [500, 5500] });
  assertEquals(flushes, 1);
});
