/** Returns what it hears in LiveKit's rooms, over LiveKit's own client for Node: see `echoes.ts`. @module */
import { serveEchoes } from "./echoes.ts";

// Not in the lock file: it is fetched by those who compare.
const specifier = "npm:@livekit/rtc-node@1.1.0";
const rtc = await import(specifier);

await serveEchoes(async ({ url, token }) => {
  const room = new rtc.Room();
  const source = new rtc.AudioSource(48_000, 1, 0);
  // deno-lint-ignore no-explicit-any
  room.on(rtc.RoomEvent.TrackSubscribed, async (track: any) => {
    if (track.kind !== rtc.TrackKind.KIND_AUDIO) return;
    for await (const frame of new rtc.AudioStream(track, 48_000, 1)) {
      await source.captureFrame(frame);
    }
  });
  await room.connect(url, token, { autoSubscribe: true });
  const track = rtc.LocalAudioTrack.createAudioTrack("echo", source);
  const options = new rtc.TrackPublishOptions();
  options.source = rtc.TrackSource.SOURCE_MICROPHONE;
  await room.localParticipant.publishTrack(track, options);
  return async () => {
    await room.disconnect();
    await source.close();
  };
});
Deno.exit();
