/** What holds whatever happens, tried with whatever can happen. `FUZZ_RUNS` sets how often. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { checkCustomEvent, MAX_CUSTOM_EVENT_BYTES } from "../../src/edge/custom_event.ts";
import { FrameThrottle } from "../../src/edge/toolkit/frame_throttle.ts";
import { PacedPlayout } from "../../src/edge/toolkit/paced_playout.ts";
import { QueuedAudioTrack } from "../../src/edge/toolkit/queued_audio_track.ts";
import { Roster } from "../../src/edge/roster.ts";
import { type JsonValue, TrackType } from "../../src/edge/types.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

const numRuns = Number(Deno.env.get("FUZZ_RUNS") ?? 10_000);

Deno.test("any JSON is a custom event as it is, or a RangeError; nothing else passes", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (data) => {
      const json = new TextEncoder().encode(JSON.stringify(data)).byteLength;
      try {
        assertEquals(checkCustomEvent(data), JSON.stringify(data));
        assert(json <= MAX_CUSTOM_EVENT_BYTES);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        assert(json > MAX_CUSTOM_EVENT_BYTES);
      }
    }),
    { numRuns },
  );
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true }), (data) => {
      try {
        const text = checkCustomEvent(data);
        // What passes is the same on the other side. JSON knows no -0.
        assertEquals(checkCustomEvent(JSON.parse(text) as JsonValue), text);
      } catch (error) {
        assert(error instanceof TypeError || error instanceof RangeError, String(error));
      }
    }),
    { numRuns },
  );
});

type Step =
  | { do: "write"; ms: number; rate: number; final: boolean }
  | { do: "wait"; ms: number }
  | { do: "flush" | "pause" | "resume" | "rebind" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("write" as const),
    ms: fc.integer({ min: 0, max: 900 }),
    rate: fc.constantFrom(48_000, 16_000, 24_000),
    final: fc.boolean(),
  }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 700 }) }),
  fc.record({ do: fc.constantFrom("flush" as const, "pause" as const, "resume" as const) }),
  fc.record({ do: fc.constant("rebind" as const) }),
);

Deno.test("all that is written is played, trimmed or discarded, and every write settles", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("speech" as const, "live" as const),
      fc.array(step, { maxLength: 25 }),
      async (mode, steps) => {
        const clock = new VirtualClock();
        const track = new QueuedAudioTrack({ clock, mode });
        let framesMs = 0;
        const play = () => new PacedPlayout(track, { clock, onFrame: () => framesMs += 10 });
        let playout = play();
        const writes: Promise<void>[] = [];
        let [writtenMs, discardedMs, flushedMs, played] = [0, 0, 0, 0];
        for (const one of steps) {
          if (one.do === "write") {
            const samples = new Int16Array(one.rate * one.ms / 1000).fill(500);
            const pcm = new PcmChunk(samples, { sampleRate: one.rate });
            writes.push(track.write(pcm, { final: one.final }));
            writtenMs += one.ms;
          } else if (one.do === "wait") await clock.advance(one.ms);
          else if (one.do === "flush") {
            const result = await clock.until(track.flush());
            discardedMs += result.discardedMs;
            flushedMs += result.playedMs;
            assertAlmostEquals(track.bufferedMs, 0, 1e-6);
          } else if (one.do === "rebind") {
            playout[Symbol.dispose]();
            playout = play();
          } else track[one.do]();
          assert(track.playedMs >= played - 1e-6, "playedMs never goes back");
          assert(track.heardMs <= track.playedMs + 1e-6);
          played = track.playedMs;
        }
        track.resume();
        await clock.until(track.drain());
        await clock.until(Promise.all(writes));
        const last = await clock.until(track.flush());
        discardedMs += last.discardedMs;
        flushedMs += last.playedMs;
        assertAlmostEquals(flushedMs, track.playedMs, 1e-6);
        // Resampling has a delay of some milliseconds, which a final write says as well.
        const slackMs = 12 * (steps.length + 1);
        assertAlmostEquals(track.playedMs + track.trimmedMs + discardedMs, writtenMs, slackMs);
        assert(framesMs >= track.playedMs - 1e-6);
        track.close();
        playout[Symbol.dispose]();
        assertEquals(clock.pending, 0);
      },
    ),
    { numRuns: numRuns / 50 },
  );
});

Deno.test("whatever order people and tracks are told in, the roster is right in the end", () => {
  const ids = fc.constantFrom("a", "b", "c");
  const told = fc.oneof(
    fc.record({ kind: fc.constant("join" as const), id: ids }),
    fc.record({ kind: fc.constant("leave" as const), id: ids }),
    fc.record({ kind: fc.constant("add" as const), id: ids, track: fc.nat(3) }),
    fc.record({ kind: fc.constant("remove" as const), id: ids, track: fc.nat(3) }),
    fc.record({
      kind: fc.constant("mute" as const),
      id: ids,
      track: fc.nat(3),
      muted: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(fc.array(told, { maxLength: 40 }), (events) => {
      const roster = new Roster();
      const announced = new Set<string>();
      for (const event of events) {
        const name = "track" in event ? `${event.id}${event.track}` : "";
        if (event.kind === "join") {
          const { id } = event;
          const person = { id, userId: id, name: id, kind: "person" as const, original: null };
          const { tracks } = roster.join(person);
          for (const track of tracks) {
            assert(!announced.has(track.id));
            announced.add(track.id);
          }
        } else if (event.kind === "leave") {
          for (const track of roster.leave(event.id).tracks) assert(announced.delete(track.id));
        } else if (event.kind === "add") {
          const info = { id: name, type: TrackType.AUDIO, participantId: event.id };
          if (roster.addTrack(info)) {
            assert(!announced.has(name));
            announced.add(name);
          }
        } else if (event.kind === "remove") {
          assertEquals(roster.removeTrack(name) !== undefined, announced.delete(name));
        } else {
          const changed = roster.updateTrack(name, event.muted);
          assert(!changed || announced.has(name));
        }
        assertEquals([...roster.tracks.keys()].sort(), [...announced].sort());
        for (const track of roster.tracks.values()) {
          assertEquals(roster.participants.get(track.participant.id), track.participant);
        }
      }
    }),
    { numRuns: numRuns / 5 },
  );
});

Deno.test("a throttle lets through what it should, however a source jitters", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 0.2, noNaN: true }),
      fc.integer(),
      (fps, sourceFps, jitter, seed) => {
        const throttle = new FrameThrottle(fps);
        let state = seed >>> 0;
        let passed = 0;
        for (let n = 0; n < sourceFps * 20; n++) {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          const offset = (state / 2 ** 32 - 0.5) * jitter;
          if (throttle.accept(1000 + (n + offset) * 1000 / sourceFps)) passed++;
        }
        assert(passed / 20 <= fps + 0.1, `${passed / 20} of ${fps}`);
        assert(passed / 20 >= Math.min(fps, sourceFps) * 0.9 - 0.1, `${passed / 20} of ${fps}`);
      },
    ),
    { numRuns: numRuns / 50 },
  );
});
