/** The queue of the agent's speeches. */
import { assertEquals, assertThrows } from "@std/assert";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import type { OutboundAudioTrack } from "../../../src/edge/audio_track.ts";
import type { Participant } from "../../../src/edge/types.ts";
import { PlaybackReference } from "../../../src/inference/echo/playback_reference.ts";
import { SpeechHandle } from "../../../src/inference/speech/speech_handle.ts";
import { SpeechQueue } from "../../../src/inference/speech/speech_queue.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";

/** A track that plays frames of 10 ms; each is heard 50 ms after it was played. */
class FakeTrack {
  playedMs = 0;
  heardMs = 0;
  bufferedMs = 0;
  flushes = 0;
  /** How long a flush takes. */
  flushMs = 0;
  #isPaused = false;

  constructor(readonly clock: VirtualClock) {
    this.#tick();
  }

  write(pcm: PcmChunk): Promise<void> {
    this.bufferedMs += pcm.durationMs;
    return Promise.resolve();
  }

  async drain({ signal }: { signal: AbortSignal }): Promise<void> {
    while (this.bufferedMs > 0) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => void this.clock.schedule(resolve, 10));
    }
  }

  flush(): Promise<{ discardedMs: number; playedMs: number }> {
    this.flushes++;
    const discardedMs = this.bufferedMs;
    this.bufferedMs = 0;
    return new Promise((resolve) => {
      const { playedMs } = this;
      this.clock.schedule(() => resolve({ discardedMs, playedMs }), this.flushMs);
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  #tick(): void {
    if (!this.#isPaused && this.bufferedMs > 0) {
      this.bufferedMs -= 10;
      this.playedMs += 10;
      this.clock.schedule(() => this.heardMs += 10, 50);
    }
    this.clock.schedule(() => this.#tick(), 10);
  }
}

class QueueFixture {
  readonly clock = new VirtualClock();
  readonly track = new FakeTrack(this.clock);
  readonly seen: string[] = [];
  readonly errors: string[] = [];
  readonly queue = new SpeechQueue({
    track: this.track as unknown as OutboundAudioTrack,
    clock: this.clock,
    playback: new PlaybackReference(),
    report: (error, context) => void this.errors.push(`${context}: ${error}`),
  });

  /** A speech of sentences that each last a second, in parts of 100 ms. */
  speech(name: string, ...sentences: string[]): SpeechHandle {
    const see = (what: string) => this.seen.push(`${this.clock.now()} ${name} ${what}`);
    return new SpeechHandle({
      audio: async function* ({ spoken }) {
        for (const text of sentences) {
          spoken.say(text);
          yield* second();
          spoken.align([{ chars: spoken.spoken.length, atMs: spoken.audioMs }]);
        }
      },
      onPlaybackStarted: () => see("heard"),
      onStopped: () => see("stopped"),
      onEnded: ({ text, interrupted }) => see(`ended${interrupted ? " early" : ""}: ${text}`),
    });
  }
}

async function* second(): AsyncGenerator<PcmChunk, void, void> {
  for (let part = 0; part < 10; part++) {
    yield new PcmChunk(new Int16Array(1600).fill(500), { sampleRate: 16_000 });
  }
}

Deno.test("SpeechQueue plays one speech after another, each to the last sample that is heard", async () => {
  const { queue, seen, clock, speech } = bound();
  queue.add(speech("first", "One.", "Two."));
  queue.add(speech("second", "Three."));
  assertEquals([queue.isBusy, queue.waiting], [true, 1]);
  await clock.advance(5000);
  assertEquals(seen, [
    "60 first heard",
    "2050 first ended: One.Two.",
    "2110 second heard",
    "3100 second ended: Three.",
  ]);
  assertEquals([queue.isBusy, queue.waiting], [false, 0]);
});

Deno.test("SpeechQueue goes on where it was paused", async () => {
  const { queue, seen, clock, speech } = bound();
  queue.add(speech("first", "One."));
  await clock.advance(500);
  queue.pause();
  await clock.advance(10_000);
  assertEquals([queue.isBusy, seen.length], [true, 1]);
  queue.resume();
  await clock.advance(1000);
  assertEquals(seen[1], "11050 first ended: One.");
});

Deno.test("SpeechQueue interrupts what is played and drops what waits", async () => {
  const { queue, seen, clock, track, speech } = bound();
  queue.add(speech("first", "One two three four.", "Five."));
  queue.add(speech("second", "Six."));
  await clock.advance(500);
  const discarded = queue.interrupt();
  assertEquals(seen.slice(1), ["500 first stopped", "500 second stopped"], "immediately");
  assertEquals(await clock.until(discarded), 1500);
  assertEquals(seen.slice(3), ["500 first ended early: One two", "500 second ended early: "]);
  assertEquals([track.flushes, queue.isBusy], [1, false]);
});

Deno.test("SpeechQueue plays a speech that is added during an interruption after it", async () => {
  const { queue, seen, clock, track, speech } = bound();
  track.flushMs = 200;
  queue.add(speech("first", "One."));
  await clock.advance(500);
  queue.interrupt();
  queue.add(speech("second", "Two."));
  await clock.advance(3000);
  assertEquals(seen.slice(2), [
    "700 first ended early: ",
    "750 second heard",
    "1740 second ended: Two.",
  ]);
});

Deno.test("SpeechQueue plays nothing before the track is flushed, also where nothing was played", async () => {
  const { queue, seen, clock, track, speech } = bound();
  track.flushMs = 200;
  queue.interrupt();
  queue.add(speech("first", "One."));
  await clock.advance(2000);
  assertEquals(seen, ["250 first heard", "1240 first ended: One."]);
});

Deno.test("SpeechQueue resumes by an interruption, also by a second one that finds it paused", async () => {
  const { queue, seen, clock, track, speech } = bound();
  track.flushMs = 200;
  queue.add(speech("first", "One."));
  queue.pause();
  const first = queue.interrupt();
  queue.pause();
  queue.add(speech("dropped", "Two."));
  assertEquals(queue.interrupt(), first);
  queue.add(speech("last", "Three."));
  await clock.advance(3000);
  assertEquals(seen.at(-1)?.split(" ").slice(1).join(" "), "last ended: Three.");
  assertEquals(seen.filter((one) => one.includes("dropped")).length, 2);
  assertEquals(track.flushes, 1);
});

Deno.test("SpeechQueue gives up a track that does not flush, and plays on", async () => {
  const { queue, seen, clock, track, errors, speech } = bound();
  track.flushMs = Infinity;
  queue.add(speech("first", "One."));
  await clock.advance(500);
  assertEquals(await clock.until(queue.interrupt()), 0);
  assertEquals(clock.now(), 3500);
  assertEquals(errors.length, 1);
  queue.add(speech("second", "Two."));
  await clock.advance(2000);
  assertEquals(seen.at(-1), "4540 second ended: Two.");
});

Deno.test("SpeechQueue is full with 32 speeches that wait", async () => {
  const { queue, clock, speech } = bound();
  for (let count = 0; count < 33; count++) queue.add(speech(`${count}`, "One."));
  assertThrows(() => queue.checkCapacity(), RangeError, "speech queue full (32 waiting)");
  assertThrows(() => queue.add(speech("33", "One.")), RangeError);
  await clock.advance(1060);
  queue.checkCapacity();
});

Deno.test("SpeechQueue drops what is added once it is closed", async () => {
  const { queue, seen, clock, speech } = bound();
  await clock.until(queue.close());
  const late = speech("late", "One.");
  queue.add(late);
  assertEquals(await late.done, { text: "", interrupted: true });
  assertEquals(seen.length, 2);
});

Deno.test("SpeechQueue ends everything on request, also while one participant interrupts what they hear", async () => {
  const { queue, clock, track, speech } = bound();
  track.flushMs = 200;
  const [ann, bert] = ["ann", "bert"].map((id): Participant => ({
    original: undefined,
    userId: id,
    id,
    name: id,
    kind: "person",
  }));
  const directed = Object.assign(new FakeTrack(clock), { to: ann });
  const whisper = new SpeechHandle({
    async *audio() {
      await new Promise(() => {});
      yield* second();
    },
    isWaiting: () => true,
    track: directed as unknown as OutboundAudioTrack,
  });
  queue.add(whisper);
  const heard = speech("first", "One.");
  queue.add(heard);
  await clock.advance(500);
  const alone = queue.interrupt({ by: bert! });
  assertEquals([heard.signal.aborted, whisper.signal.aborted], [true, false]);
  const all = queue.interrupt({ all: true });
  await clock.until(Promise.all([alone, all]));
  assertEquals([heard.isEnded, whisper.isEnded, queue.isBusy], [true, true, false]);
});

/** A fixture whose `speech` can be taken out of it. */
function bound(): QueueFixture {
  const fixture = new QueueFixture();
  fixture.speech = fixture.speech.bind(fixture);
  return fixture;
}

Deno.test("SpeechQueue starts a speech that is over before its first poll", async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  // As on a busy machine: all of it was heard by the time anything is looked at.
  const track = {
    playedMs: 0,
    heardMs: 0,
    bufferedMs: 0,
    write(pcm: PcmChunk) {
      this.playedMs = this.heardMs += pcm.durationMs;
      return Promise.resolve();
    },
    drain: () => Promise.resolve(),
  };
  const queue = new SpeechQueue({
    track: track as unknown as OutboundAudioTrack,
    clock,
    playback: new PlaybackReference(),
    report: (error) => void seen.push(String(error)),
  });
  const pcm = new PcmChunk(new Int16Array(320).fill(1000), { sampleRate: 16_000 });
  const speech = new SpeechHandle({
    async *audio({ spoken }) {
      spoken.say("Bye.");
      yield pcm;
    },
    onPlaybackStarted: () => void seen.push("started"),
    onEnded: ({ text }) => void seen.push(`ended: ${text}`),
  });
  queue.add(speech);
  await clock.until(speech.done);
  assertEquals(seen, ["started", "ended: Bye."]);
});
