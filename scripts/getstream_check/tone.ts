/** What the speaker of the check sends: a tone and a grey picture. @module */
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import type { CallConnection } from "../../src/edge/call_connection.ts";
import { LatestVideoTrack } from "../../src/edge/toolkit/latest_video_track.ts";
import type { GetStreamEdge } from "../../src/edges/getstream/mod.ts";

/** The tone's frequency, in hertz. */
export const FREQUENCY = 660;
/** The picture's brightness. */
export const LUMA = 170;

/** Publishes a tone and an image until the result is disposed. */
export function publishTone(
  connection: CallConnection,
  edge: GetStreamEdge,
): Disposable & { ready: Promise<void>; publish: () => Promise<void> } {
  const track = edge.createAudioTrack();
  const samples = new Int16Array(4800);
  for (let index = 0; index < samples.length; index++) {
    samples[index] = Math.sin(2 * Math.PI * FREQUENCY * index / 48_000) * 10_000;
  }
  const picture = new LatestVideoTrack();
  const [width, height] = [320, 180];
  const data = new Uint8Array(width * height * 3 / 2).fill(128).fill(LUMA, 0, width * height);
  const timer = setInterval(() => {
    picture.push({ format: "I420", width, height, data, timestampMs: performance.now() });
  }, 100);
  let isPlaying = true;
  (async () => {
    while (isPlaying) await track.write(new PcmChunk(samples, { sampleRate: 48_000 }));
  })().catch(() => {});
  const publish = () => connection.publishTracks({ audio: track, video: picture });
  return {
    ready: publish(),
    publish,
    [Symbol.dispose]: () => {
      isPlaying = false;
      clearInterval(timer);
      picture.close();
      track.close();
    },
  };
}
