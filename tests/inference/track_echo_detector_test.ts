/** What an agent that writes to its track itself knows again. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { OutboundAudioTrack } from "../../src/edge/audio_track.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { PacedPlayout } from "../../src/edge/toolkit/paced_playout.ts";
import { QueuedAudioTrack } from "../../src/edge/toolkit/queued_audio_track.ts";
import { TrackEchoDetector } from "../../src/inference/echo/track_echo_detector.ts";
import { speechLike } from "../../src/testing/sounds.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

const RATE = 16_000;
const ROW = RATE / 50;
const participant = {
  original: null,
  userId: "ada",
  id: "ada",
  name: "Ada",
  kind: "person",
} as const;

function setUp() {
  const clock = new VirtualClock();
  const track = new QueuedAudioTrack({ clock, sampleRate: RATE, onError: () => {} });
  const played = new Int16Array(60 * RATE);
  const playout = new PacedPlayout(track, {
    clock,
    onFrame: (samples) => played.set(samples, Math.round(clock.now() * RATE / 1000)),
  });
  const echo = new TrackEchoDetector(track);
  const stop = () => {
    track.close();
    playout[Symbol.dispose]();
  };
  return { clock, track, played, echo, stop };
}

Deno.test("TrackEchoDetector knows the last words of twenty seconds that were written together", async () => {
  const { clock, played, echo, stop } = setUp();
  const said = speechLike(20_000, { seed: 5, sampleRate: RATE });
  const writing = echo.write(said, { final: true });
  let [own, sounds] = [0, 0];
  for (let row = 0; row < 1010; row++) {
    await clock.advance(20);
    const from = (row - 10) * ROW; // 200 ms later, ten times as quiet
    const heard = Int16Array.from({ length: ROW }, (_, at) => (played[from + at] ?? 0) / 10);
    const pcm = new PcmChunk(heard, { sampleRate: RATE });
    const isEcho = echo.isEcho({ participant, trackId: "a", pcm, row });
    if (row < 800 || !heard.some((sample) => Math.abs(sample) > 200)) continue;
    sounds++;
    if (isEcho) own++;
  }
  await writing;
  assert(sounds > 50 && own / sounds > 0.9, `${own} of ${sounds}`);
  stop();
});

Deno.test("TrackEchoDetector writes nothing of what a flush overtakes, and goes on with the next", async () => {
  const { clock, track, echo, stop } = setUp();
  const first = echo.write(speechLike(5000, { sampleRate: RATE }));
  const second = echo.write(speechLike(5000, { sampleRate: RATE }));
  await clock.advance(500);
  await clock.until(track.flush());
  await clock.until(Promise.all([first, second]));
  assertEquals(track.bufferedMs, 0);
  await clock.until(echo.write(speechLike(500, { sampleRate: RATE }), { final: true }));
  assert(track.bufferedMs > 480, `${track.bufferedMs} ms`);
  stop();
  // Not awaited, a write to a closed track ends no program.
  void echo.write(speechLike(500, { sampleRate: RATE }));
  await assertRejects(() => echo.write(speechLike(500, { sampleRate: RATE })), Error, "closed");
});

Deno.test("TrackEchoDetector refuses what is no track, and no PCM", async () => {
  assertThrows(() => new TrackEchoDetector({} as OutboundAudioTrack), TypeError, "track");
  const { echo, stop } = setUp();
  await assertRejects(() => echo.write("hello" as unknown as PcmChunk), TypeError, "pcm");
  stop();
});
