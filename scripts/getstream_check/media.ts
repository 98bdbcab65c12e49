/** Checks of sound and picture. @module */
import { TrackType } from "../../src/edge/types.ts";
import { until } from "./check.ts";
import type { CheckedCall } from "./checked_call.ts";
import { FREQUENCY, LUMA } from "./tone.ts";

/** What the speaker sends arrives, and stops and begins as it says. */
export async function checkMedia(
  { check, first, second, listener, tone }: CheckedCall,
): Promise<void> {
  await check.do("audio and video are published", async () => [await tone.ready]);
  await check.do("the audio arrives", async () => {
    await until(() => listener.loudAt.length > 100);
    const off = Math.abs(listener.frequency - FREQUENCY) / FREQUENCY;
    if (off > 0.05) {
      throw new Error(`expected ${FREQUENCY} Hz, got ${listener.frequency.toFixed()} Hz`);
    }
    return [true, `${listener.frequency.toFixed()} Hz`];
  });
  await check.do("the video arrives", async () => {
    const info = await until(() =>
      [...second.tracks.values()].find(({ type }) => type === TrackType.VIDEO)
    );
    const track = second.addTrackSubscriber(info.id)!;
    const timer = setTimeout(() => track.close(), 10_000);
    try {
      for await (const { data, width, height } of track) {
        const luma = data[(height >> 1) * width + (width >> 1)]!;
        if (Math.abs(luma - LUMA) < 20) return [true, `${width} x ${height}`];
      }
      throw new Error("no frame arrived");
    } finally {
      clearTimeout(timer);
      track.close();
    }
  });
  await check.do("an agent mutes itself, and is heard again", async () => {
    await first.publishTracks({});
    await until(() => performance.now() - (listener.loudAt.at(-1) ?? 0) > 500);
    const from = performance.now();
    await tone.publish();
    await until(() => (listener.loudAt.at(-1) ?? 0) > from);
    return [true];
  });
  await check.do("video is no larger than it is taken", async () => {
    const info = await until(() =>
      [...second.tracks.values()].find(({ type }) => type === TrackType.VIDEO)
    );
    const track = second.addTrackSubscriber(info.id, { fps: 2, maxWidth: 160, maxHeight: 160 })!;
    const timer = setTimeout(() => track.close(), 10_000);
    try {
      for await (const { width, height } of track) {
        if (width > 160) throw new Error(`got ${width} x ${height}`);
        return [true, `${width} x ${height}`];
      }
      throw new Error("no frame arrived");
    } finally {
      clearTimeout(timer);
      track.close();
    }
  });
}
