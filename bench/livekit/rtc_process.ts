/** An agent in LiveKit's rooms, over LiveKit's own client for Node: see `contender_process.ts`. @module */
import { contend } from "./contender_process.ts";

// Not in the lock file: it is fetched by those who compare.
const specifier = "npm:@livekit/rtc-node@1.1.0";
const rtc = await import(specifier);

const RATE = 48_000;
/** None, the fastest way, for what comes in real time; and more than is written ahead of what is played. */
const QUEUE_MS = { echo: 0, speak: 2000 } as const;

await contend(async ({ url, token, task }) => {
  const room = new rtc.Room();
  const source = new rtc.AudioSource(RATE, 1, QUEUE_MS[task]);
  if (task === "echo") {
    // deno-lint-ignore no-explicit-any
    room.on(rtc.RoomEvent.TrackSubscribed, async (track: any) => {
      if (track.kind !== rtc.TrackKind.KIND_AUDIO) return;
      for await (const frame of new rtc.AudioStream(track, RATE, 1)) {
        await source.captureFrame(frame);
      }
    });
  }
  await room.connect(url, token, { autoSubscribe: true });
  const track = rtc.LocalAudioTrack.createAudioTrack("agent", source);
  const options = new rtc.TrackPublishOptions();
  options.source = rtc.TrackSource.SOURCE_MICROPHONE;
  await room.localParticipant.publishTrack(track, options);
  const leave = async () => {
    await room.disconnect();
    await track.close(); // and with it the source
  };
  if (task === "echo") return { leave };
  return {
    leave,
    voice: {
      get queuedMs() {
        return source.queuedDuration;
      },
      write: (samples) => source.captureFrame(new rtc.AudioFrame(samples, RATE, 1, samples.length)),
      clear: () => source.clearQueue(),
    },
  };
});
