import { assert, assertEquals } from "@std/assert";
import { LatestVideoTrack } from "../../src/edge/toolkit/latest_video_track.ts";
import type { VideoFrame } from "../../src/edge/video_frame.ts";
import { PublishedVideo } from "../../src/media/parent/published_video.ts";
import { FrameWriter } from "../../src/media/wire/frame_writer.ts";
import { PictureSender } from "../../src/media/wire/video_frames.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { transferAway } from "../fixtures/slips.ts";

function frame(width = 64, height = 64): VideoFrame {
  const data = new Uint8Array(width * height * 4);
  return { format: "RGBA", width, height, data, timestampMs: 0 };
}

const slips: Record<string, (track: LatestVideoTrack) => void> = {
  "too large for the wire": (track) => track.push(frame(5120, 2880)),
  "transferred after the push": (track) => {
    const gone = frame();
    track.push(gone);
    transferAway(gone.data);
  },
  "made wider after the push": (track) => {
    const wider = frame();
    track.push(wider);
    Object.assign(wider, { width: 128 });
  },
};

for (const [name, slip] of Object.entries(slips)) {
  Deno.test(`a frame ${name} is told, and costs itself only`, async () => {
    const clock = new VirtualClock();
    let bytes = 0;
    const errors: string[] = [];
    const writer = new FrameWriter((written) => {
      bytes += written.length;
      return Promise.resolve();
    }, (error) => void errors.push(String(error)));
    const track = new LatestVideoTrack();
    const onError = (error: unknown) => void errors.push(String(error));
    using _published = new PublishedVideo(track, new PictureSender(1, 1), {
      writer,
      clock,
      onError,
    });
    for (let n = 0; n < 3; n++) {
      slip(track);
      await clock.advance(20);
    }
    assertEquals([bytes, errors.length], [0, 1], errors.join("\n"));
    assert(errors[0]!.includes("data: expected"), errors[0]);
    track.push(frame());
    await clock.advance(20);
    assert(bytes > 64 * 64 * 4, `${bytes} bytes were sent`);
    track.close();
    writer.close();
  });
}
