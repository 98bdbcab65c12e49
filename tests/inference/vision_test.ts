/** Pictures for a model. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { decode as decodeJpeg } from "@jsquash/jpeg";
import { decode as decodePng } from "@jsquash/png";
import type { VisionOptions } from "../../src/agent/conversation_options.ts";
import { type TrackInfo, TrackType } from "../../src/edge/types.ts";
import { ClosedError } from "../../src/edge/errors.ts";
import { type VideoFrame, videoFrameSize } from "../../src/edge/video_frame.ts";
import { jpegEncoder } from "../../src/adapters/jpeg/mod.ts";
import { transferAway } from "../fixtures/slips.ts";
import { encodeFrame } from "../../src/inference/vision/encode_frame.ts";
import { pngEncoder } from "../../src/inference/vision/png_encoder.ts";
import type { Pixels } from "../../src/inference/contracts/image_encoder.ts";
import { screenChanges } from "../../src/inference/vision/screen_changes.ts";
import { Fixture } from "./_fixture.ts";

/** A frame of one colour, in RGBA. */
function plain(width: number, height: number, rgb: number[], timestampMs = 0): VideoFrame {
  const data = Uint8Array.from({ length: width * height * 4 }, (_, n) => [...rgb, 255][n % 4]!);
  return { format: "RGBA", width, height, data, timestampMs };
}

/** A seeing model in a fixture. */
function seeing(vision: VisionOptions = {}): Promise<Fixture> {
  return Fixture.set({ agent: { vision }, seeing: true });
}

Deno.test("a frame becomes a PNG of the same colours, or a JPEG of nearly the same", async () => {
  const frame = plain(8, 4, [200, 100, 50]);
  const png = await encodeFrame(frame);
  assertEquals([png.width, png.height, png.mediaType], [8, 4, "image/png"]);
  const exact = await decodePng(png.data.buffer as ArrayBuffer);
  assertEquals([...exact.data.slice(0, 4)], [200, 100, 50, 255]);
  const jpeg = await encodeFrame(frame, { encoder: jpegEncoder() });
  const close = await decodeJpeg(jpeg.data.buffer as ArrayBuffer);
  for (const [n, value] of [200, 100, 50].entries()) {
    assert(Math.abs(close.data[n]! - value) <= 4, `${close.data[n]} for ${value}`);
  }
});

Deno.test("what WebRTC sends keeps its colours, whatever its size", async () => {
  const [width, height] = [5, 3];
  const data = new Uint8Array(videoFrameSize("I420", width, height));
  // Pure red in BT.601.
  data.fill(81, 0, 15);
  data.fill(90, 15, 21);
  data.fill(240, 21);
  const frame: VideoFrame = { format: "I420", width, height, data, timestampMs: 0 };
  const { data: png } = await encodeFrame(frame);
  const { data: pixels } = await decodePng(png.buffer as ArrayBuffer);
  const [red, green, blue] = [pixels[56]!, pixels[57]!, pixels[58]!];
  assert(red > 250 && green < 5 && blue < 5, `${red}, ${green}, ${blue}`);
});

Deno.test("a large frame is made smaller as the model wishes, and its detail averaged", async () => {
  const frame = plain(2000, 1000, [0, 0, 0]);
  for (let at = 0; at < frame.data.length; at += 8) frame.data.fill(255, at, at + 3);
  const { data, width, height } = await encodeFrame(frame, {
    maxSide: 500,
  });
  assertEquals([width, height], [500, 250]);
  assertEquals([...(await decodePng(data.buffer as ArrayBuffer)).data.slice(0, 3)], [
    128,
    128,
    128,
  ]);
  await assertRejects(() => encodeFrame(frame, { maxSide: 0 }), RangeError);
  assertThrows(() => jpegEncoder({ quality: 101 }), RangeError);
});

Deno.test("a frame or pixels whose data is not what the size says are refused by every encoder", async () => {
  const short = { ...plain(8, 8, [0, 0, 0]), data: new Uint8Array(8 * 8 * 4 - 1) };
  const floats = { ...short, data: new Float32Array(8 * 8 * 4) as unknown as Uint8Array };
  const wide = { ...short, width: 1e9 };
  for (const encoder of [undefined, jpegEncoder()]) {
    const encode = (frame: VideoFrame) => encodeFrame(frame, { encoder });
    await assertRejects(() => encode(short), RangeError, "data: expected 256 bytes of RGBA at 8 x");
    await assertRejects(
      () => encode(floats),
      TypeError,
      "data: expected a Uint8Array, got a Float",
    );
    await assertRejects(() => encode(wide), RangeError, "data: expected 32000000000 bytes");
  }
  const changes = screenChanges(() => {});
  const participant = { id: "ann", userId: "ann", name: "Ann", kind: "person", original: null };
  const track = { id: "screen", type: TrackType.SCREEN_SHARE, participant } as TrackInfo;
  await assertRejects(() => changes.processVideo(short, track), RangeError, "data: expected 256");
  const long = { data: new Uint8ClampedArray(65_501 * 4), width: 65_501, height: 1 };
  await assertRejects(
    () => jpegEncoder().encode(long),
    RangeError,
    "expected at most 65500 pixels",
  );
  const size = { width: 4000, height: 4000 };
  for (const encoder of [pngEncoder, jpegEncoder()]) {
    const few = { data: new Uint8ClampedArray(4), ...size };
    await assertRejects(
      () => encoder.encode(few),
      RangeError,
      "data: expected 64000000 bytes of 4",
    );
    const bytes = { data: new Uint8Array(64) as unknown as typeof few.data, width: 4, height: 4 };
    await assertRejects(() => encoder.encode(bytes), TypeError, "data: expected a Uint8ClampedAr");
    for (const width of [0, -4, NaN, 0.5]) {
      const none = { data: few.data, width, height: 1 };
      await assertRejects(() => encoder.encode(none), RangeError, "width, height: expected whole");
    }
  }
});

/** What becomes of a picture that an encoder was given, and is not to be seen in its file. */
const meanwhile: Record<string, (pixels: Pixels) => void> = {
  "transferred": ({ data }) => transferAway(data),
  "replaced": (pixels) => Object.assign(pixels, { data: new Uint8ClampedArray(4) }),
  "painted over": ({ data }) => data.fill(255),
};
const lies: Record<string, (pixels: Pixels) => Pixels> = {
  "given otherwise the second time": ({ data, width, height }) => {
    let reads = 0;
    return {
      get data() {
        return reads++ === 0 ? data : new Uint8ClampedArray(4);
      },
      width,
      height,
    };
  },
  "shorter by its own account": (pixels) => {
    Object.defineProperty(pixels.data, "length", { value: 4 });
    return pixels;
  },
  "longer by its own account": (pixels) => {
    Object.defineProperty(pixels.data, "length", { value: 2 ** 31 - 1 });
    return pixels;
  },
  "shorter by its class's account": ({ data, width, height }) => {
    class Short extends Uint8ClampedArray<ArrayBuffer> {
      override get length(): number {
        return 4;
      }
    }
    return { data: new Short(data.buffer), width, height };
  },
};

Deno.test("nothing but the picture is in its file, whatever becomes of it meanwhile", async () => {
  const [width, height] = [200, 100];
  const of = (...rgb: number[]): Pixels => {
    const data = new Uint8ClampedArray(width * height * 4);
    for (let at = 0; at < data.length; at += 4) data.set([...rgb, 255], at);
    return { data, width, height };
  };
  for (const encoder of [pngEncoder, jpegEncoder()]) {
    const decode = encoder === pngEncoder ? decodePng : decodeJpeg;
    for (const name of [...Object.keys(meanwhile), ...Object.keys(lies)]) {
      // What the encoder's memory still has of another picture.
      await encoder.encode(of(250, 20, 30));
      const black = of(0, 0, 0);
      const pixels = lies[name]?.(black) ?? black;
      const file = encoder.encode(pixels);
      meanwhile[name]?.(pixels);
      const { data } = await decode((await file).buffer);
      let worst = 0;
      for (let at = 0; at < data.length; at++) {
        if (at % 4 !== 3) worst = Math.max(worst, data[at]!);
      }
      assertEquals([data.length, worst], [width * height * 4, 0], `${encoder.mediaType} ${name}`);
    }
  }
});

Deno.test("a picture that the JPEG encoder has no memory for is refused, and the next is encoded", async () => {
  const large = { data: new Uint8ClampedArray(4), width: 15_000, height: 15_000 };
  await assertRejects(
    () => jpegEncoder().encode(large),
    RangeError,
    "expected at most 67108864 pixels in all, got 15000 x 15000",
  );
  assertThrows(() => jpegEncoder({ quality: "50" as unknown as number }), RangeError, '"50"');
  const small = { data: new Uint8ClampedArray(4), width: 1, height: 1 };
  assert((await jpegEncoder().encode(small)).length > 100);
});

Deno.test("a model that can be shown pictures gets the latest with what was said", async () => {
  await using fixture = await seeing({ maxSide: 4 });
  const video = fixture.ann.publishVideo();
  await fixture.clock.advance(100);
  const first = fixture.agent.waitForFirstFrame({ timeoutMs: 1000 });
  video.push(plain(8, 8, [1, 2, 3], fixture.clock.now()));
  assertEquals((await fixture.clock.until(first)).width, 8);
  await fixture.clock.advance(1000);
  video.push(plain(8, 8, [9, 9, 9], fixture.clock.now()));
  await fixture.clock.advance(100);
  await fixture.clock.until(fixture.agent.generateReply("What do you see?"));
  const message = fixture.llm.requests[0]?.messages.at(-1);
  assert(message?.role === "user");
  const [image] = message.images!;
  assertEquals([image?.width, image?.mediaType], [4, "image/png"]);
  const { data } = await decodePng(image!.data.buffer as ArrayBuffer);
  assertEquals(data[0], 9);
});

Deno.test("a shared screen is shown before a camera, and the camera when it ends", async () => {
  await using fixture = await seeing();
  const camera = fixture.ann.publishVideo();
  const screen = fixture.ann.publishVideo(TrackType.SCREEN_SHARE);
  await fixture.clock.advance(100);
  camera.push(plain(2, 2, [1, 1, 1], fixture.clock.now()));
  screen.push(plain(4, 4, [2, 2, 2], fixture.clock.now()));
  await fixture.clock.advance(100);
  assertEquals((await fixture.agent.latestImage())?.width, 4);
  screen.remove();
  await fixture.clock.advance(1000);
  camera.push(plain(2, 2, [1, 1, 1], fixture.clock.now()));
  await fixture.clock.advance(100);
  assertEquals((await fixture.agent.latestImage())?.width, 2);
  camera.remove();
  await fixture.clock.advance(100);
  assertEquals(await fixture.agent.latestImage(), undefined);
});

Deno.test("nothing is looked at for a model that cannot be shown pictures", async () => {
  await using fixture = await Fixture.set();
  const video = fixture.ann.publishVideo();
  await fixture.clock.advance(1000);
  assertEquals(video.subscribers, 0);
  await assertRejects(() => fixture.agent.waitForFirstFrame(), TypeError, "no video");
});

Deno.test("waiting for a first frame ends with its time", async () => {
  await using fixture = await seeing();
  const waiting = fixture.agent.waitForFirstFrame({ timeoutMs: 500 });
  const error = await assertRejects(() => fixture.clock.until(waiting), DOMException);
  assertEquals(error.name, "TimeoutError");
});

Deno.test("a realtime model is shown what is to be seen when a participant begins to speak", async () => {
  await using fixture = await Fixture.set({ realtime: [{ reply: "I see." }], seeing: true });
  const video = fixture.ann.publishVideo();
  await fixture.clock.advance(100);
  video.push(plain(8, 8, [1, 2, 3], fixture.clock.now()));
  await fixture.hear(600, 2000);
  // The encoder is no part of virtual time.
  while (fixture.realtime.sessions[0]!.images.length === 0) await fixture.clock.advance(10);
  assertEquals(fixture.realtime.sessions[0]!.images[0]?.width, 8);
});

Deno.test("a shared screen is told of when it is another one and stands still", async () => {
  const seen: number[] = [];
  const watching = screenChanges((image) => void seen.push(image.data.length));
  const { participant } = { participant: {} as never };
  const screen = { id: "s", type: TrackType.SCREEN_SHARE, participant, muted: false };
  const show = (at: number, brightness: number, track = screen) =>
    watching.processVideo(plain(64, 32, [brightness, brightness, brightness], at), track);
  await show(0, 10);
  assertEquals(seen.length, 1);
  // Noise is no change, and a camera is no screen.
  await show(500, 15);
  await show(600, 200, { ...screen, type: TrackType.VIDEO });
  assertEquals(seen.length, 1);
  // Scrolling: another one each time.
  await show(1000, 100);
  await show(1500, 160);
  await show(2000, 220);
  assertEquals(seen.length, 1);
  await show(2500, 220);
  await show(3000, 220);
  assertEquals(seen.length, 2);
  await show(9000, 220);
  assertEquals(seen.length, 2);
  watching.videoSourceChanged(undefined);
  await show(9500, 220);
  assertEquals(seen.length, 3);
});

Deno.test("a screen whose telling failed is told of again", async () => {
  const seen: number[] = [];
  let failing = true;
  const watching = screenChanges((image) => {
    if (failing) throw new Error("the model is down");
    seen.push(image.width);
  });
  const screen = {
    id: "s",
    type: TrackType.SCREEN_SHARE,
    participant: {} as never,
    muted: false,
  };
  const show = (at: number, brightness: number) =>
    watching.processVideo(plain(64, 32, [brightness, brightness, brightness], at), screen);
  await assertRejects(() => show(0, 10), Error, "the model is down");
  failing = false;
  await show(500, 10);
  assertEquals(seen, [64], "the first");
  failing = true;
  await show(1000, 100);
  await assertRejects(() => show(2000, 100), Error, "the model is down");
  failing = false;
  await show(2500, 100);
  await show(3000, 100);
  assertEquals(seen, [64, 64], "another one");
});

Deno.test("who waits for a first frame is told when the agent closes, and so is who asks later", async () => {
  await using fixture = await seeing();
  const waiting = fixture.agent.waitForFirstFrame();
  const told = assertRejects(() => waiting, ClosedError);
  await fixture.clock.until(fixture.agent.close());
  await told;
  await assertRejects(() => fixture.agent.waitForFirstFrame(), ClosedError);
});
