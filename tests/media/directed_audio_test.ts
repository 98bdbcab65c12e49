/** Audio for one participant on its way to the media process, and to the next one. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import type { AudioTrack } from "../../src/edge/audio_track.ts";
import { ClosedError } from "../../src/edge/errors.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import type { ChildLink } from "../../src/media/parent/child_link.ts";
import { PublishedAudio } from "../../src/media/parent/published_audio.ts";
import { until } from "../fixtures/until.ts";
import { fakeProcess, testAgent, TestEdge } from "./_fixture.ts";

class DirectingEdge extends TestEdge {
  override get supportsDirectedAudio(): boolean {
    return true;
  }
}

interface Played {
  to: string;
  othersGain: number;
  played: number;
}

/** A call with one participant, p1, and the control of its process. */
async function set() {
  const edge = new DirectingEdge(fakeProcess());
  const errors: unknown[] = [];
  edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(error));
  const connection = await edge.join(testAgent(), await edge.createCall("call"));
  const lease = await edge.process.acquire();
  const tick = async (count: number) =>
    await lease.request("tick directed", count) as unknown as Played[];
  const publish = async (othersGain?: number) => {
    const to = connection.participants.get("p1")!;
    const track = edge.createAudioTrack({ to, ...othersGain !== undefined && { othersGain } });
    await connection.publishDirectedAudio(track);
    return track;
  };
  return {
    edge,
    connection,
    lease,
    tick,
    publish,
    errors,
    async [Symbol.asyncDispose]() {
      await lease.release();
      await edge.close();
    },
  };
}

function sound(ms: number): PcmChunk {
  return new PcmChunk(new Int16Array(48 * ms).fill(1000), { sampleRate: 48_000 });
}

Deno.test("MediaConnection plays tracks to one participant each, and reports them one by one", async () => {
  await using call = await set();
  const [quiet, loud] = [await call.publish(0.25), await call.publish()];
  const audio = call.edge.createAudioTrack();
  await call.connection.publishTracks({ audio });
  await quiet.write(sound(200), { final: true });
  await until("both being known", async () => (await call.tick(0)).length === 2);
  await until("the first being played", async () => {
    await call.tick(1);
    return quiet.playedMs === 200;
  });
  assertEquals([loud.playedMs, audio.playedMs, quiet.bufferedMs], [0, 0, 0]);
  await loud.write(sound(300));
  loud.pause();
  await until("the second having arrived", async () => {
    await call.lease.request("echo", null);
    return loud.bufferedMs === 300;
  });
  assertEquals((await call.tick(2)).map(({ to, othersGain, played }) => [to, othersGain, played]), [
    ["p1", 0.25, 0],
    ["p1", 1, 0],
  ]);
  assertEquals(await loud.flush(), { playedMs: 0, discardedMs: 300 });
  quiet.close();
  await until("the first being published no longer", async () => {
    return (await call.tick(0)).length === 1;
  });
  assertEquals(call.errors, []);
});

Deno.test("MediaConnection goes on with a track to one participant in the next process", async () => {
  await using call = await set();
  const track = await call.publish(0.5);
  await track.write(sound(1000), { final: true });
  await until("a quarter of it being played", async () => {
    await call.tick(5);
    return track.playedMs >= 250;
  });
  const before = track.playedMs;
  const { process } = call.edge;
  Deno.kill(process.pid!, "SIGKILL");
  await until("reconnecting", () => call.connection.isReconnecting);
  // While no process is there, it waits.
  const other = await call.publish();
  assertEquals(call.connection.isReconnecting, false);
  other.close();
  await until("the other being published no longer", async () => (await call.tick(0)).length === 1);
  let heard = 0;
  await until("the rest being played", async () => {
    const [{ to, othersGain, played }] = await call.tick(5) as [Played];
    assertEquals([to, othersGain], ["p1", 0.5]);
    heard += played;
    return track.playedMs === 1000;
  });
  assert(Math.abs(before + heard / 48 - 1000) <= 100, `${before} ms, then ${heard / 48} ms`);
  assertEquals(call.errors, []);
});

Deno.test("PublishedAudio of a track that was closed leaves nothing on the wire", async () => {
  await using call = await set();
  const sources = new Set<unknown>();
  const link = {
    writer: {
      addAudio: (source: unknown) => void sources.add(source),
      removeAudio: (source: unknown) => void sources.delete(source),
      wake() {},
    },
  } as unknown as ChildLink;
  const publish = (track: AudioTrack) =>
    new PublishedAudio(track, { link, connectionId: 1, stream: 1 });
  const closed = call.edge.createAudioTrack();
  closed.close();
  assertThrows(() => publish(closed), ClosedError);
  assertEquals(sources.size, 0);
  using _ = publish(call.edge.createAudioTrack());
  assertEquals(sources.size, 1);
});

Deno.test("MediaConnection binds no track when it was closed while its process was replaced", async () => {
  await using call = await set();
  Deno.kill(call.edge.process.pid!, "SIGKILL");
  await until("reconnecting", () => call.connection.isReconnecting);
  const audio = call.edge.createAudioTrack();
  const publishing = assertRejects(() => call.connection.publishTracks({ audio }), ClosedError);
  await call.connection.close();
  await publishing;
  // It can be published in another call.
  const { sampleRate } = audio;
  const flush = () => Promise.resolve({ playedMs: 0, discardedMs: 0 });
  using _ = audio.bind({ sampleRate, onReady() {}, flush, pause() {}, resume() {} });
});

Deno.test("a connection that closes ends its tracks to one participant", async () => {
  await using call = await set();
  const track = await call.publish();
  await track.write(sound(100));
  await call.connection.close();
  await track.closed;
  assertEquals(call.errors, []);
});
