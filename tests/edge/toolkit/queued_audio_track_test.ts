import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { PlayoutReport, PlayoutSink, PlayoutSource } from "../../../src/edge/audio_track.ts";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { PacedPlayout } from "../../../src/edge/toolkit/paced_playout.ts";
import {
  QueuedAudioTrack,
  type QueuedAudioTrackOptions,
} from "../../../src/edge/toolkit/queued_audio_track.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { UnhandledRejections } from "../../fixtures/slips.ts";

/** `ms` of samples whose values count up, so that a gap or a repetition shows. */
function ramp(ms: number, from = 0, sampleRate = 48_000): PcmChunk {
  const samples = new Int16Array(ms * sampleRate / 1000);
  for (let n = 0; n < samples.length; n++) samples[n] = (from + n) % 30_000 + 1;
  return new PcmChunk(samples, { sampleRate });
}

function tone(ms: number, sampleRate: number, channels = 1): PcmChunk {
  const samples = new Int16Array(ms * sampleRate / 1000 * channels).fill(8000);
  return new PcmChunk(samples, { sampleRate, channels });
}

/** A far end that plays only when reported to. */
class ManualPort implements PlayoutSink {
  readonly sampleRate: number = 48_000;
  readonly samples: number[] = [];
  readonly pushes: { length: number; epoch: number; final: boolean }[] = [];
  readonly calls: string[] = [];
  answer: Promise<{ playedMs: number; discardedMs: number }> | undefined;

  onReady(source: PlayoutSource): void {
    for (let chunk = source.read(); chunk; chunk = source.read()) {
      const { samples, epoch, final } = chunk;
      this.pushes.push({ length: samples.length, epoch, final });
      this.samples.push(...samples);
      this.calls.push("push");
    }
  }
  flush(epoch: number): Promise<{ playedMs: number; discardedMs: number }> {
    this.calls.push(`flush ${epoch}`);
    return this.answer ?? Promise.resolve({ playedMs: 0, discardedMs: 0 });
  }
  pause(): void {
    this.calls.push("pause");
  }
  resume(): void {
    this.calls.push("resume");
  }
  get pushedMs(): number {
    return this.samples.length / 48;
  }
}

function report(part: Partial<PlayoutReport>): PlayoutReport {
  return { epoch: 0, playedMs: 0, trimmedMs: 0, bufferedMs: 0, heardDelayMs: 0, ...part };
}

function setUp(options: QueuedAudioTrackOptions = {}) {
  const clock = new VirtualClock();
  const reported: string[] = [];
  const onError = (error: unknown) => void reported.push(String(error));
  const track = new QueuedAudioTrack({ clock, onError, ...options });
  const frames: number[] = [];
  const play = (heardDelayMs = 0) =>
    new PacedPlayout(track, {
      clock,
      heardDelayMs,
      onFrame: (samples) => frames.push(...samples),
    });
  return { clock, track, reported, frames, play };
}

Deno.test("what is written is played out once, in order, in real time", async () => {
  const { clock, track, frames, play } = setUp();
  using _playout = play();
  const writing = (async () => {
    for (let n = 0; n < 300; n++) await track.write(ramp(10, n * 480));
  })();
  await clock.advance(995);
  assertEquals(frames.length / 48, 1000);
  await clock.until(writing);
  await clock.until(track.drain());
  assertEquals(frames.length, 300 * 480);
  assert(frames.every((value, n) => value === n % 30_000 + 1));
  assertEquals([track.playedMs, track.bufferedMs], [3000, 0]);
});

Deno.test("the sink is kept about 1.5 s ahead and no more than a second waits", async () => {
  const { clock, track } = setUp();
  const port = new ManualPort();
  const binding = track.bind(port);
  let writes = 0;
  const writing = (async () => {
    for (; writes < 100; writes++) await track.write(ramp(100, writes * 4800));
  })();
  await clock.advance(0);
  assertEquals(port.pushedMs, 1500);
  assertEquals(writes, 25);
  assert(port.pushes.every((push) => push.length <= 960));
  binding.report(report({ playedMs: 100, bufferedMs: 1400 }));
  await clock.advance(0);
  assertEquals([port.pushedMs, writes], [1600, 26]);
  track.close();
  await assertRejects(() => writing, Error, "closed");
});

Deno.test("a sink has enough for a program that stands still for a second", async () => {
  const { clock, track } = setUp();
  const port = new ManualPort();
  const binding = track.bind(port);
  track.write(ramp(10_000)).catch(() => {});
  await clock.advance(0);
  // Reports come every 100 ms: the next would come just now.
  for (let playedMs = 100; playedMs <= 2000; playedMs += 100) {
    const held = port.pushedMs - playedMs;
    assert(held > 1000, `${held} ms held`);
    binding.report(report({ playedMs, bufferedMs: held }));
    await clock.advance(100);
  }
  track.close();
});

Deno.test("a long write is said in full, and resolves when less than a second is left", async () => {
  const { clock, track, frames, play } = setUp();
  using _playout = play();
  await clock.until(track.write(ramp(60_000), { final: true }));
  assertAlmostEquals(clock.now(), 60_000 - 2500, 100);
  await clock.until(track.drain());
  assertEquals(frames.length, 60_000 * 48);
  assert(frames.every((value, n) => value === n % 30_000 + 1));
});

Deno.test("samples may be reused once write() has returned, though it has not settled", async () => {
  const { clock, track, frames, play } = setUp();
  using _playout = play();
  const pcm = ramp(4000);
  const writing = track.write(pcm);
  pcm.samples.fill(0);
  await clock.until(writing);
  await clock.until(track.drain());
  assert(frames.every((value, n) => value === n % 30_000 + 1));
});

Deno.test("what is written before the track is published is said when it is", async () => {
  const { clock, track, frames, play } = setUp();
  await track.write(ramp(500), { final: true });
  assertEquals([track.bufferedMs, track.playedMs], [500, 0]);
  using _playout = play();
  await clock.until(track.drain());
  assertEquals(frames.length / 48, 500);
});

Deno.test("PCM of any rate and channels, changing in mid-stream, lasts as long as it should", async () => {
  const { clock, track, frames, play } = setUp();
  using _playout = play();
  const writing = (async () => {
    for (
      const [rate, channels] of [[48_000, 1], [16_000, 1], [44_100, 2], [8_000, 1], [24_000, 2]]
    ) {
      for (let n = 0; n < 20; n++) await track.write(tone(20, rate!, channels));
    }
    await track.write(new PcmChunk(new Int16Array(0), { sampleRate: 24_000 }), { final: true });
  })();
  await clock.until(writing);
  await clock.until(track.drain());
  assertAlmostEquals(frames.length / 48, 2000, 25);
  const middle = frames.slice(4800, -4800);
  assert(middle.every((value) => value > 7700 && value < 8300), "no gap and no click");
});

Deno.test("the last write of an utterance holds nothing back, and says that it is the last", () => {
  const { track } = setUp();
  const port = new ManualPort();
  track.bind(port);
  track.write(tone(20, 16_000));
  const held = Math.abs(port.samples.at(-1)! - 8000);
  track.write(tone(20, 16_000), { final: true });
  assert(port.pushedMs > 40, "the resampler's delay is said too");
  assert(held < 100 && Math.abs(port.samples.at(-1)!) < 4000);
  assertEquals(port.pushes.map((push) => push.final).indexOf(true), port.pushes.length - 1);
});

Deno.test("an empty final write ends the utterance also when everything was pushed before", () => {
  const { track } = setUp();
  const port = new ManualPort();
  track.bind(port);
  track.write(ramp(20));
  track.write(new PcmChunk(new Int16Array(0), { sampleRate: 48_000 }), { final: true });
  assertEquals(port.pushes.at(-1), { length: 0, epoch: 0, final: true });
});

Deno.test("a flush falls silent immediately and says what was played and what was not", async () => {
  const { clock, track, frames, play } = setUp();
  using _playout = play();
  const writing = track.write(ramp(5000));
  await clock.advance(1000);
  const before = frames.length;
  const result = await track.flush();
  await writing;
  assertEquals(result.playedMs + result.discardedMs, 5000);
  assertEquals(result.playedMs, before / 48);
  await clock.advance(1000);
  assertEquals(frames.length, before);
  assertEquals([track.playedMs, track.bufferedMs, track.epoch], [result.playedMs, 0, 1]);
});

Deno.test("nothing of before a flush is heard after it, not even from the resampler", async () => {
  const { clock, track, frames, play } = setUp();
  using _playout = play();
  await track.write(tone(100, 16_000));
  await track.flush();
  frames.length = 0;
  await track.write(new PcmChunk(new Int16Array(1600), { sampleRate: 16_000 }), { final: true });
  await clock.until(track.drain());
  assert(frames.length > 0 && frames.every((value) => value === 0));
});

Deno.test("what is written after a flush belongs to a new epoch and follows it on the wire", async () => {
  const { track } = setUp();
  const port = new ManualPort();
  const binding = track.bind(port);
  const answer = Promise.withResolvers<{ playedMs: number; discardedMs: number }>();
  port.answer = answer.promise;
  track.write(ramp(40));
  binding.report(report({ playedMs: 10, bufferedMs: 30 }));
  const flushing = track.flush();
  track.write(ramp(20));
  assertEquals(port.calls, ["push", "push", "flush 1", "push"]);
  assertEquals(port.pushes.map((push) => push.epoch), [0, 0, 1]);
  binding.report(report({ epoch: 0, playedMs: 40 }));
  assertEquals([track.playedMs, track.bufferedMs], [10, 20]);
  answer.resolve({ playedMs: 15, discardedMs: 25 });
  assertEquals(await flushing, { playedMs: 15, discardedMs: 25 });
  binding.report(report({ epoch: 1, playedMs: 5, bufferedMs: 15 }));
  assertEquals([track.playedMs, track.bufferedMs], [20, 15]);
});

Deno.test("each flush speaks of its own epoch", async () => {
  const { clock, track, play } = setUp();
  using _playout = play();
  await track.write(ramp(300));
  await clock.advance(95);
  const first = await track.flush();
  await track.write(ramp(200));
  await clock.advance(45);
  const second = await track.flush();
  const third = await track.flush();
  assertEquals(first, { playedMs: 100, discardedMs: 200 });
  assertEquals(second.playedMs + second.discardedMs, 200);
  assertAlmostEquals(second.playedMs, 45, 10);
  assertEquals(third, { playedMs: 0, discardedMs: 0 });
});

Deno.test("pausing keeps what was written, and resuming goes on where it stopped", async () => {
  const { clock, track, frames, play } = setUp();
  using _playout = play();
  await track.write(ramp(1000));
  await clock.advance(295);
  track.pause();
  track.pause();
  const paused = frames.length;
  await clock.advance(5000);
  assertEquals(frames.length, paused);
  track.resume();
  track.resume();
  await clock.until(track.drain());
  assert(frames.every((value, n) => value === n + 1 - (n >= 30_000 ? 30_000 : 0)));
  assertEquals(frames.length, 48_000);
});

Deno.test("a track that was paused before it is published stays silent until it is resumed", async () => {
  const { clock, track, frames, play } = setUp();
  track.pause();
  await track.write(ramp(100));
  using _playout = play();
  await clock.advance(500);
  assertEquals(frames.length, 0);
  track.resume();
  await clock.until(track.drain());
  assertEquals(frames.length, 4800);
});

Deno.test("a write that waits can be aborted; what is before and after it is said", async () => {
  const { clock, track, frames, play } = setUp();
  using _playout = play();
  await track.write(ramp(2400));
  const controller = new AbortController();
  const waiting = track.write(tone(5000, 48_000), { signal: controller.signal });
  const after = track.write(ramp(100), { final: true });
  controller.abort(new Error("changed my mind"));
  await assertRejects(() => waiting, Error, "changed my mind");
  await clock.until(after);
  await clock.until(track.drain());
  assert(frames.length / 48 < 3000, "the five seconds are not said");
  assertEquals(frames.slice(-4800), [...ramp(100).samples]);
  await assertRejects(
    () => track.write(ramp(1), { signal: AbortSignal.abort(new Error("before")) }),
    Error,
    "before",
  );
});

Deno.test("heardMs follows playedMs by the listener's delay and catches up in silence", async () => {
  const { clock, track, play } = setUp();
  using _playout = play(80);
  await track.write(ramp(200));
  await clock.advance(100);
  assertEquals([track.playedMs, track.heardMs], [110, 30]);
  await clock.advance(100);
  assertEquals([track.playedMs, track.heardMs], [200, 130]);
  await clock.advance(60);
  assertEquals(track.heardMs, 190);
  await clock.advance(20);
  assertEquals([track.playedMs, track.heardMs], [200, 200]);
});

Deno.test("a live track takes out what has built up, slowly, and counts it", async () => {
  const { clock, track, frames, play } = setUp({ mode: "live" });
  using _playout = play();
  const writing = (async () => {
    await track.write(ramp(200));
    for (let n = 0; n < 500; n++) {
      await clock.advance(20);
      await track.write(ramp(20));
    }
  })();
  await writing;
  assertAlmostEquals(track.bufferedMs, 50, 25);
  assertAlmostEquals(track.trimmedMs, 170, 40);
  assertEquals(frames.length / 48 + track.trimmedMs + track.bufferedMs, 200 + 10_000);
});

Deno.test("a speech track is never trimmed", async () => {
  const { clock, track, play } = setUp();
  using _playout = play();
  await track.write(ramp(1300));
  await clock.until(track.drain());
  assertEquals([track.trimmedMs, track.playedMs], [0, 1300]);
});

Deno.test("closing rejects the writes that wait, ends drains and unbinds", async () => {
  const { clock, track, frames, play } = setUp();
  using _playout = play();
  const waiting = track.write(ramp(5000));
  const draining = track.drain();
  track.close();
  track.close();
  await assertRejects(() => waiting, Error, "closed");
  await draining;
  await clock.advance(1000);
  assertEquals(frames.length, 0);
  assertEquals(clock.pending, 0);
  await assertRejects(() => track.write(ramp(1)), Error, "closed");
  await track.drain();
});

Deno.test("a sink that is lost in mid-flush leaves no caller waiting", async () => {
  const { track } = setUp();
  const port = new ManualPort();
  port.answer = new Promise(() => {});
  const binding = track.bind(port);
  track.write(ramp(100));
  binding.report(report({ playedMs: 30, bufferedMs: 70 }));
  const flushing = track.flush();
  binding[Symbol.dispose]();
  assertEquals(await flushing, { playedMs: 30, discardedMs: 70 });
});

Deno.test("a track can be published again elsewhere and goes on with what was not pushed", async () => {
  const { clock, track, frames, play } = setUp({ aheadMs: 400 });
  const lost = new ManualPort();
  const binding = track.bind(lost);
  const writing = track.write(ramp(1000), { final: true });
  binding.report(report({ playedMs: 100, bufferedMs: 300 }));
  assertThrows(() => track.bind(new ManualPort()), TypeError, "published already");
  binding[Symbol.dispose]();
  binding.report(report({ playedMs: 300 }));
  using _playout = play();
  await clock.until(writing);
  await clock.until(track.drain());
  assertEquals(frames.length / 48, 500);
  assertEquals(track.playedMs, 600);
  assertEquals(await track.flush(), { playedMs: 600, discardedMs: 400 });
});

Deno.test("a sink that reads later finds all that is due in order, and leaves the rest to the next", async () => {
  const { clock, track, frames, play } = setUp({ aheadMs: 400 });
  let source: PlayoutSource | undefined;
  const lazy = new ManualPort();
  lazy.onReady = (given) => source = given;
  const binding = track.bind(lazy);
  let isWritten = false;
  const writing = track.write(ramp(1300)).then(() => isWritten = true);
  await clock.advance(0);
  assertEquals([isWritten, track.bufferedMs], [false, 1300]);
  const read: number[] = [];
  for (let chunk = source!.read(); chunk; chunk = source!.read()) read.push(...chunk.samples);
  await writing;
  assertEquals([read.length / 48, track.bufferedMs], [400, 1300]);
  binding[Symbol.dispose]();
  assertEquals(source!.read(), undefined);
  using _playout = play();
  await clock.until(track.drain());
  const all = [...read, ...frames];
  assertEquals(all.length / 48, 1300);
  assert(all.every((value, n) => value === n % 30_000 + 1));
});

Deno.test("draining waits for all that was written, and can be given up", async () => {
  const { clock, track, play } = setUp();
  await track.drain();
  using _playout = play();
  await track.write(ramp(700));
  const controller = new AbortController();
  const givenUp = track.drain({ signal: controller.signal });
  controller.abort(new Error("no time"));
  await assertRejects(() => givenUp, Error, "no time");
  await clock.until(track.drain());
  assertEquals([clock.now(), track.playedMs], [690, 700]);
});

Deno.test("writes that are not awaited are refused before they fill the memory", async () => {
  const { track } = setUp();
  await track.write(ramp(1000));
  const writes = Array.from({ length: 256 }, () => track.write(ramp(100)));
  await assertRejects(() => track.write(ramp(100)), Error, "await write()");
  await track.flush();
  await Promise.all(writes);
});

Deno.test("a write that is a slip and is not awaited is reported, and ends no program", async () => {
  using unhandled = new UnhandledRejections();
  const slips: [unknown, unknown, string][] = [
    [new PcmChunk(new Int16Array(960), { sampleRate: 44_099 }), {}, "RangeError"],
    [new Int16Array(960), {}, "TypeError: pcm: expected a PcmChunk"],
    [ramp(20), null, "TypeError: the options of write: expected an object"],
  ];
  for (const [pcm, options, message] of slips) {
    const { clock, track, reported } = setUp();
    for (let n = 0; n < 3; n++) {
      track.write(pcm as PcmChunk, options as { final: true });
      await clock.advance(20);
    }
    await unhandled.assertNone(message);
    assertEquals([reported.length, reported[0]!.startsWith(message)], [1, true], reported[0]);
  }
});

Deno.test("wrong arguments are refused", async () => {
  const { track } = setUp();
  for (
    const pcm of [
      new Int16Array(3),
      { samples: new Uint8Array(960), sampleRate: 48_000, channels: 1, frames: 960 },
      Object.create(PcmChunk.prototype),
      undefined,
    ] as unknown as PcmChunk[]
  ) {
    await assertRejects(() => track.write(pcm), TypeError, "expected a");
  }
  assertThrows(() => new QueuedAudioTrack({ sampleRate: NaN }), RangeError, "sampleRate");
  assertThrows(() => new QueuedAudioTrack({ mode: "loud" as "live" }), TypeError, "loud");
  const port = Object.assign(new ManualPort(), { sampleRate: 16_000 });
  assertThrows(() => track.bind(port), RangeError, "48000");
});

Deno.test("a track refuses durations with which it would never be heard", () => {
  for (const value of [NaN, Infinity, -1, 1e300, "1", null, {}, 1n]) {
    const ms = value as number;
    assertThrows(() => new QueuedAudioTrack({ aheadMs: ms }), RangeError, "aheadMs: expected 0 to");
    assertThrows(
      () => new QueuedAudioTrack({ waitingMs: ms }),
      RangeError,
      "waitingMs: expected 0",
    );
  }
});

Deno.test("a chunk that was changed since, or whose rate cannot be had, rejects and keeps no caller waiting", async () => {
  const { track } = setUp({ waitingMs: 100 });
  const changed = (fields: object) => Object.assign(ramp(20), fields);
  const wrong: [PcmChunk, typeof TypeError, string][] = [
    [changed({ samples: new Uint8Array(960) }), TypeError, "samples: expected an Int16Array, got"],
    [changed({ samples: new Float32Array(960) }), TypeError, "got a Float32Array"],
    [changed({ samples: [1, 2] }), TypeError, "got an Array"],
    [changed({ sampleRate: 0 }), RangeError, "sampleRate: expected a whole number"],
    [changed({ channels: 0 }), RangeError, "channels: expected 1 to 8, got 0"],
    [changed({ channels: 7 }), RangeError, "expected whole frames of 7 channels, got 960"],
    [new PcmChunk(new Int16Array(9), { sampleRate: 44_101 }), RangeError, "a simpler ratio"],
  ];
  for (const [pcm, type, message] of wrong) {
    await assertRejects(() => track.write(pcm), type, message);
  }
  const port = new ManualPort();
  const binding = track.bind(port);
  const first = track.write(ramp(1000));
  for (const [pcm, type, message] of wrong) {
    await assertRejects(() => track.write(pcm), type, message);
  }
  const second = track.write(ramp(20));
  for (let playedMs = 100; playedMs <= 1000; playedMs += 100) binding.report(report({ playedMs }));
  await first;
  await second;
  assertEquals(track.bufferedMs, 20);
});
