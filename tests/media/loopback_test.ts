/** Real WebRTC in the media process: its people are peers of their own in the same process. */
import { delay } from "@std/async/delay";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { LatestVideoTrack } from "../../src/edge/toolkit/latest_video_track.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { MediaProcess } from "../../src/media/parent/media_process.ts";
import { LOOPBACK_CHILD, testAgent, TestEdge } from "./_fixture.ts";
import { until } from "../fixtures/until.ts";

function loopbackEdge(): TestEdge {
  return new TestEdge(
    new MediaProcess({ child: LOOPBACK_CHILD, config: null, logger: silentLogger }),
  );
}

interface PersonState {
  state: string;
  heard: number[];
  pictures: number;
}

function peak(samples: Iterable<number>): number {
  let highest = 0;
  for (const sample of samples) highest = Math.max(highest, Math.abs(sample));
  return highest;
}

Deno.test("people and an agent hear each other over real connections, at their level", async () => {
  await using edge = loopbackEdge();
  const levels = new Map<string, number[]>();
  const numbers: number[] = [];
  const agent = testAgent((row) => {
    numbers.push(row.entries[0]!.row);
    for (let index = 0; index < row.count; index++) {
      const { participant, pcm } = row.entries[index]!;
      const known = levels.get(participant.id) ?? [];
      known.push(peak(pcm.samples));
      levels.set(participant.id, known);
    }
  });
  const connection = await edge.join(agent, await edge.createCall("call"));
  const lease = await edge.process.acquire();
  await lease.request("enter", { id: "ann", frequency: 1000 });
  await lease.request("enter", { id: "bob", frequency: 0 });
  const loudness = async (id: string) => {
    const { heard } = await lease.request("state", { id }) as unknown as PersonState;
    return peak(heard.slice(-30));
  };
  // Within 1 dB of what was sent, past Opus.
  await until(
    "the agent hearing ann",
    () => Math.abs((levels.get("ann")?.at(-1) ?? 0) - 8000) < 870,
  );
  await until("bob hearing ann", async () => Math.abs(await loudness("bob") - 8000) < 870);
  assert(await loudness("ann") < 100, "people do not hear themselves");
  assertEquals(connection.state, "active");

  const track = edge.createAudioTrack();
  await connection.publishTracks({ audio: track });
  const tone = Int16Array.from(
    { length: 24_000 * 2 },
    (_, index) => 5000 * Math.sin(2 * Math.PI * 440 * index / 24_000),
  );
  const said = track.write(new PcmChunk(tone, { sampleRate: 24_000 }), { final: true });
  await until("ann hearing the agent", async () => Math.abs(await loudness("ann") - 5000) < 600);
  const before = track.playedMs;
  assert(before > 0);
  const { playedMs, discardedMs } = await track.flush();
  await said;
  assertAlmostEquals(playedMs + discardedMs, 2000, 5);
  assert(playedMs < 1500, `flushed after ${playedMs} ms`);
  await until("silence after the flush", async () => await loudness("ann") < 100);

  await lease.request("go", { id: "bob" });
  const gaps = numbers.slice(1).filter((number, index) => number !== numbers[index]! + 1);
  assertEquals(gaps, [], "the grid has no gaps");
  await lease.release();
});

Deno.test("an agent that is blocked for a second is not heard to be, 1.5 s ahead", async () => {
  await using edge = loopbackEdge();
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const lease = await edge.process.acquire();
  await lease.request("enter", { id: "ann", frequency: 0 });
  const track = edge.createAudioTrack();
  await connection.publishTracks({ audio: track });
  const tone = Int16Array.from(
    { length: 48_000 * 9 },
    (_, index) => 5000 * Math.sin(2 * Math.PI * 440 * index / 48_000),
  );
  const saying = track.write(new PcmChunk(tone, { sampleRate: 48_000 }), { final: true });
  const heard = async () => {
    return (await lease.request("state", { id: "ann" }) as unknown as PersonState).heard;
  };
  await until("ann hearing the agent", async () => peak((await heard()).slice(-20)) > 4000);
  await delay(300);
  // Each stall would cost 100 frames of quiet if it were heard. A machine that is busy with something
  // else costs some too, but not after every stall.
  const quietMs: number[] = [];
  for (let stall = 0; stall < 5 && !quietMs.some((ms) => ms <= 40); stall++) {
    const end = performance.now() + 1000;
    while (performance.now() < end);
    await delay(500);
    // The last second and a half, frame by frame: each holds four periods of the tone.
    quietMs.push((await heard()).slice(-150).filter((level) => level < 4000).length * 10);
  }
  assert(quietMs.some((ms) => ms <= 40), `ms of quiet around each stall: ${quietMs}`);
  await track.flush();
  await saying;
  await lease.release();
});

Deno.test("pictures go both ways, the agent's to all people without a new negotiation", async () => {
  await using edge = loopbackEdge();
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const lease = await edge.process.acquire();
  const own = new LatestVideoTrack();
  await connection.publishTracks({ video: own });
  await lease.request("enter", { id: "ann", frequency: 0 });
  await lease.request("enter", { id: "bob", frequency: 0 });
  await until("the track being announced", () => connection.tracks.has("ann-video"));
  const track = connection.addTrackSubscriber("ann-video") as LatestVideoTrack;
  assertEquals(connection.addTrackSubscriber("ann-audio"), undefined);
  const other = connection.addTrackSubscriber("ann-video")!;
  assert(other !== track);
  // It ends for this one only.
  other.close();
  const data = new Uint8Array(64 * 48 * 4).fill(200);
  const timer = setInterval(() => {
    own.push({ format: "RGBA", width: 64, height: 48, data, timestampMs: performance.now() });
    lease.request("picture", { id: "ann" }).catch(() => {});
  }, 40);
  try {
    const { format, width, height, data } = await until("a picture of ann", () => track.latest);
    assertEquals([format, width * 3 / 4, data.length], ["I420", height, width * height * 1.5]);
    for (const id of ["ann", "bob"]) {
      await until(`${id} seeing the agent`, async () => {
        return (await lease.request("state", { id }) as unknown as PersonState).pictures > 5;
      });
    }
  } finally {
    clearInterval(timer);
  }
  track.close();
  own.close();
  await lease.release();
});
