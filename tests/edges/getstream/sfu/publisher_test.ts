import { create } from "@bufbuild/protobuf";
import { assertEquals, assertRejects } from "@std/assert";
import type { CallMedia } from "../../../../src/edges/getstream/child/sfu/media.ts";
import {
  PublishOptionSchema,
  VideoSenderSchema,
} from "../../../../src/edges/getstream/child/proto/signal_pb.ts";
import { Publisher } from "../../../../src/edges/getstream/child/sfu/publisher.ts";
import type { SignalClient } from "../../../../src/edges/getstream/child/sfu/signal_client.ts";
import { TrackType } from "../../../../src/edge/types.ts";
import type { PictureLimits } from "../../../../src/media/child/contract.ts";
import type { RtcTrack } from "../../../../src/media/webrtc/rtc_types.ts";

class FakeTrack implements RtcTrack {
  enabled = true;
  readyState: "live" | "ended" = "live";
  copies = 0;
  constructor(readonly id: string, readonly kind: "audio" | "video") {}
  clone(): RtcTrack {
    return new FakeTrack(`${this.id}-${++this.copies}`, this.kind);
  }
  stop(): void {
    this.readyState = "ended";
  }
}

/** A publisher whose connection and server only note what they are given. */
function publisherWith(codecs: [id: number, codec: string][]) {
  const sections: { mid: string; sender: { track: RtcTrack | null } }[] = [];
  const calls: { method: string; request: Record<string, unknown> }[] = [];
  const pictures: { size?: { width: number; height: number }; limits?: PictureLimits } = {};
  const answers: string[] = [];
  const media = {
    createPeer: () => ({
      state: "connected",
      addTransceiver: (track: RtcTrack) => {
        const sender = {
          track: track as RtcTrack | null,
          replaceTrack: (other: RtcTrack | null) => Promise.resolve(void (sender.track = other)),
        };
        const section = { mid: String(sections.length), sender };
        sections.push(section);
        return section;
      },
      createOffer: () => Promise.resolve("v=0"),
      acceptAnswer: (sdp: string) => Promise.resolve(void answers.push(sdp)),
      close: () => Promise.resolve(),
    }),
  } as unknown as CallMedia;
  const signal = {
    call: (method: string, request: Record<string, unknown>) => {
      calls.push({ method, request });
      const answered = sections.map(({ mid }) => `m=video 9 X 96\r\na=mid:${mid}\r\n`);
      return Promise.resolve(`v=0\r\n${answered.join("")}`);
    },
  } as unknown as SignalClient;
  const optionsOf = (list: [id: number, codec: string][]) =>
    list.map(([id, name]) =>
      create(PublishOptionSchema, {
        id,
        trackType: Number(TrackType.VIDEO),
        codec: { name },
        bitrate: 1_000_000,
        fps: 15,
        videoDimension: { width: 640, height: 360 },
      })
    );
  const publisher = new Publisher({
    media,
    signal,
    iceServers: [],
    sessionId: "s",
    onState: () => {},
    onError: () => {},
    publishOptions: optionsOf(codecs),
    videoCodecs: ["vp8", "vp9", "av1"],
    audio: { dtx: false, red: true },
    pictures: { size: () => pictures.size, limit: (limits) => void (pictures.limits = limits) },
  });
  const announced = () =>
    publisher.tracks.map(({ trackId, codec, publishOptionId }) => [
      trackId,
      codec?.name,
      publishOptionId,
    ]);
  const sent = () => sections.map(({ sender }) => sender.track?.id ?? null);
  const layers = (id: number, active: boolean[]) =>
    create(VideoSenderSchema, {
      trackType: Number(TrackType.VIDEO),
      publishOptionId: id,
      layers: active.map((one) => ({ name: "q", active: one })),
    });
  const bitrates = () =>
    [...answers.at(-1)!.matchAll(/b=AS:(\d+)/g)].map(([, kbits]) => Number(kbits));
  return { publisher, calls, announced, sent, optionsOf, layers, pictures, bitrates };
}

const camera = () => new FakeTrack("camera", "video");

Deno.test("Publisher sends each codec a track with an id of its own", async () => {
  const { publisher, announced, sent, calls } = publisherWith([[1, "vp8"], [2, "VP9"]]);
  await publisher.publish({ video: camera() });
  assertEquals(announced(), [["camera", "vp8", 1], ["camera-1", "VP9", 2]]);
  assertEquals(sent(), ["camera", "camera-1"]);
  assertEquals(calls.map(({ method }) => method), ["SetPublisher"]);
  await publisher.publish({});
  assertEquals(sent(), [null, null]);
  const [, mute] = calls;
  assertEquals(mute!.request.muteStates, [{ trackType: Number(TrackType.VIDEO), muted: true }]);
  await publisher.close();
});

Deno.test("Publisher changes codecs when the SFU asks for others, and back", async () => {
  const { publisher, announced, sent, optionsOf, calls } = publisherWith([[1, "vp8"]]);
  await publisher.publish({ video: camera() });
  await publisher.setOptions(optionsOf([[2, "vp9"]]));
  assertEquals([announced(), sent()], [[["camera-1", "vp9", 2]], [null, "camera-1"]]);
  await publisher.setOptions(optionsOf([[2, "vp9"], [1, "vp8"]]));
  assertEquals(sent(), ["camera", "camera-1"]);
  assertEquals(calls.length, 2, "what was negotiated once is not negotiated again");
  await publisher.setOptions(optionsOf([[1, "vp8"]]));
  assertEquals(sent(), ["camera", null]);
  // A codec that wrtc lacks is an error, and what is published stays.
  await assertRejects(() => publisher.setOptions(optionsOf([[3, "h264"]])), Error, "h264");
  assertEquals(sent(), ["camera", null]);
  await publisher.close();
});

Deno.test("Publisher encodes nothing while no participant watches", async () => {
  const { publisher, sent, layers, announced } = publisherWith([[1, "vp8"]]);
  await publisher.publish({ video: camera() });
  await publisher.setQuality([layers(1, [false, false])]);
  assertEquals([sent(), announced().length], [[null], 1]);
  await publisher.publish({});
  await publisher.setQuality([layers(1, [false, true])]);
  assertEquals(sent(), [null], "it is muted");
  await publisher.publish({ video: camera() });
  assertEquals(sent(), ["camera"]);
  await publisher.setQuality([layers(7, [false])]);
  assertEquals(sent(), ["camera"], "another option's");
  await publisher.close();
});

Deno.test("Publisher describes audio as the call's settings say", async () => {
  const { publisher } = publisherWith([]);
  await publisher.publish({ audio: new FakeTrack("voice", "audio") });
  const [{ dtx, red, stereo } = {}] = publisher.tracks;
  assertEquals([dtx, red, stereo], [false, true, false]);
  await publisher.close();
});

Deno.test("Publisher declares the one layer that it sends, with the size of its pictures", async () => {
  const { publisher, calls, pictures, bitrates } = publisherWith([[1, "vp8"]]);
  const declared = () => {
    const [layer, ...more] = publisher.tracks[0]!.layers!;
    const { rid, videoDimension: size, bitrate, fps } = layer!;
    return [rid, size!.width, size!.height, bitrate, fps, more.length];
  };
  await publisher.redeclare();
  await publisher.publish({ video: camera() });
  assertEquals(declared(), ["q", 640, 360, 1_000_000, 15, 0]);
  assertEquals([bitrates(), pictures.limits], [[1000], { fps: 15, scaleDownBy: 1 }]);
  // The first picture comes after the publication.
  pictures.size = { width: 320, height: 180 };
  await publisher.redeclare();
  await publisher.redeclare();
  assertEquals([declared(), bitrates()], [["q", 320, 180, 250_000, 15, 0], [250]]);
  assertEquals(calls.map(({ method }) => method), ["SetPublisher", "SetPublisher"]);
  pictures.size = { width: 1920, height: 1080 };
  assertEquals(declared(), ["q", 1920, 1080, 1_000_000, 15, 0]);
  await publisher.close();
});

Deno.test("Publisher sends no more than the SFU wants: bitrate, rate and size, without asking it", async () => {
  const { publisher, calls, pictures, bitrates, layers } = publisherWith([[1, "vp8"], [2, "vp9"]]);
  await publisher.publish({ video: camera() });
  const less = layers(1, [true]);
  Object.assign(less.layers[0]!, { maxBitrate: 60_000, maxFramerate: 5, scaleResolutionDownBy: 2 });
  await publisher.setQuality([less]);
  assertEquals(bitrates(), [60, 1000]);
  assertEquals(pictures.limits, { fps: 15, scaleDownBy: 1 }, "the other section wants all");
  await publisher.setQuality([layers(2, [false])]);
  assertEquals(pictures.limits, { fps: 5, scaleDownBy: 2 });
  await publisher.restartIce();
  assertEquals(bitrates(), [60, 1000], "also after another negotiation");
  await publisher.setQuality([layers(1, [true]), layers(2, [true])]);
  assertEquals([bitrates(), pictures.limits], [[1000, 1000], { fps: 15, scaleDownBy: 1 }]);
  assertEquals(calls.length, 2, "the publication, and the restart");
  await publisher.close();
});
