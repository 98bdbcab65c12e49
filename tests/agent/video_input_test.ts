import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import type { Processor } from "../../src/agent/processor.ts";
import { screenChanges } from "../../src/inference/vision/screen_changes.ts";
import { TrackType } from "../../src/edge/types.ts";
import type { VideoFrame, VideoLimits } from "../../src/edge/video_frame.ts";
import { sleep } from "../../src/events/waiting.ts";
import type { MemoryVideo } from "../../src/testing/memory_participant.ts";
import { ConversationProcessor } from "../../src/agent/conversation_processor.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { joinAnna, setUp } from "./_call.ts";

function frame(timestampMs: number): VideoFrame {
  return { format: "RGBA", width: 1, height: 1, data: new Uint8Array(4), timestampMs };
}

/** Notes whose frames come, and what the agent looks at. */
function viewer(more: Partial<Processor> = {}) {
  const seen: string[] = [];
  const processor: Processor = {
    name: "viewer",
    processVideo: (_frame, track) => void seen.push(track.id),
    videoSourceChanged: (track) => void seen.push(`looks at ${track?.id ?? "nothing"}`),
    ...more,
  };
  return { seen, processor };
}

async function show(clock: VirtualClock, ...videos: MemoryVideo[]) {
  for (const video of videos) video.push(frame(clock.now()));
  await clock.advance(40);
}

Deno.test("nothing is subscribed while no processor looks", async () => {
  const { clock, agent, anna } = await joinAnna({
    processors: [{ name: "ears", processAudio() {} }],
  });
  const camera = anna.publishVideo();
  await show(clock, camera);
  assertEquals(camera.subscribers, 0);
  await clock.until(agent.close());
});

Deno.test("a screen goes before a camera, and the camera comes back when it ends", async () => {
  const { seen, processor } = viewer();
  const { clock, agent, anna } = await joinAnna({ processors: [processor] });
  const camera = anna.publishVideo();
  await show(clock, camera);
  const screen = anna.publishVideo(TrackType.SCREEN_SHARE);
  await show(clock, camera, screen);
  assertEquals([camera.subscribers, screen.subscribers], [0, 1]);
  screen.remove();
  await show(clock, camera);
  camera.remove();
  await show(clock);
  assertEquals(seen, [
    `looks at ${camera.id}`,
    camera.id,
    `looks at ${screen.id}`,
    screen.id,
    `looks at ${camera.id}`,
    camera.id,
    "looks at nothing",
  ]);
  await clock.until(agent.close());
});

Deno.test("tracks that were there before the agent are looked at, the screen first", async () => {
  const { seen, processor } = viewer();
  const { clock, edge, agent, call } = await setUp({ processors: [processor] });
  const anna = edge.enter(call, { userId: "anna" });
  const camera = anna.publishVideo();
  const screen = anna.publishVideo(TrackType.SCREEN_SHARE);
  await clock.until(agent.join(call));
  await show(clock, camera, screen);
  assertEquals(seen.at(-1), screen.id);
  assertEquals([camera.subscribers, screen.subscribers], [0, 1]);
  await clock.until(agent.close());
  assertEquals(screen.subscribers, 0);
});

Deno.test("a second camera does not take over; it steps in when the first ends or is muted", async () => {
  const { seen, processor } = viewer();
  const { clock, agent, anna, edge, call } = await joinAnna({ processors: [processor] });
  const first = anna.publishVideo();
  const second = edge.enter(call, { userId: "bert" }).publishVideo();
  await show(clock, first, second);
  first.mute();
  await show(clock, second);
  first.mute(false);
  await show(clock, first, second);
  anna.leave();
  await show(clock, second);
  assertEquals(seen.filter((line) => !line.startsWith("looks")), [
    first.id,
    second.id,
    second.id,
    second.id,
  ]);
  await clock.until(agent.close());
});

Deno.test("a track whose pictures come late is asked for again, and another is looked at till then", async () => {
  const { seen, processor } = viewer();
  const { clock, agent, anna, edge } = await joinAnna({ processors: [processor] });
  const subscribe = edge.addTrackSubscriber.bind(edge);
  let ready = false;
  const camera = anna.publishVideo();
  edge.addTrackSubscriber = (id, options) => {
    if (id !== camera.id && !ready) return undefined;
    return subscribe(id, options);
  };
  const screen = anna.publishVideo(TrackType.SCREEN_SHARE);
  await clock.advance(1000);
  assertEquals(seen, [`looks at ${camera.id}`]);
  ready = true;
  await clock.advance(300);
  assertEquals(seen.at(-1), `looks at ${screen.id}`);
  await clock.until(agent.close());
});

Deno.test("a track that never shows is given up, and no timer is left", async () => {
  const { processor } = viewer();
  const { clock, agent, anna, edge } = await joinAnna({ processors: [processor] });
  let asked = 0;
  edge.addTrackSubscriber = () => {
    asked++;
    return undefined;
  };
  anna.publishVideo();
  await clock.advance(60_000);
  assertEquals([asked, clock.pending], [41, 0]);
  await clock.until(agent.close());
});

Deno.test("each processor gets frames at its own rate, by phase", async () => {
  const counts: Record<number, number> = { 8: 0, 20: 0, 25: 0 };
  const processors = [8, 20, 25].map((fps): Processor => ({
    name: `${fps}`,
    videoFps: fps,
    processVideo: () => void counts[fps]!++,
  }));
  const { clock, agent, anna } = await joinAnna({ processors });
  const camera = anna.publishVideo();
  for (let n = 0; n < 300; n++) {
    camera.push(frame(n * 1000 / 30));
    await clock.advance(1000 / 30);
  }
  for (const fps of [8, 20, 25]) assertAlmostEquals(counts[fps]! / 10, fps, 0.2);
  await clock.until(agent.close());
});

Deno.test("a slow processor misses frames and keeps no other processor waiting", async () => {
  const times: number[] = [];
  let quick = 0;
  const { clock, agent, anna, errors } = await joinAnna({
    processors: [
      {
        name: "slow",
        processVideo: async (one) => {
          times.push(one.timestampMs);
          await sleep(1000, { clock: theClock() });
          throw new Error("and it fails");
        },
      },
      { name: "quick", processVideo: () => void quick++ },
    ],
  });
  function theClock() {
    return clock;
  }
  const camera = anna.publishVideo();
  for (let n = 0; n < 50; n++) await show(clock, camera);
  assertEquals(quick, 50);
  assertEquals(times.length, 2);
  assertEquals(errors[0], "processor slow: Error: and it fails");
  await clock.until(agent.close());
});

Deno.test("a processor that keeps a frame too long is reported, unless it may take as long", async () => {
  const never = new Promise<void>(() => {});
  const slow = (name: string, videoLimitMs?: number): Processor => ({
    name,
    videoLimitMs,
    processVideo: () => never,
  });
  const { clock, agent, anna, errors } = await joinAnna({
    processors: [
      slow("default"),
      slow("hasty", 100),
      slow("waiting", Infinity),
      // It waits for what it tells to be told, as for a spoken reply.
      screenChanges(() => never),
    ],
  });
  const screen = anna.publishVideo(TrackType.SCREEN_SHARE);
  for (let n = 0; n < 200; n++) await show(clock, screen);
  const late = (name: string, ms: number) =>
    `processor ${name}: TimeoutError: processor ${name} took more than ${ms} ms for a frame; ` +
    "it receives no frames until it is done";
  assertEquals(errors, [late("hasty", 100), late("default", 5000)]);
  await clock.until(agent.close());
});

Deno.test("a track whose iteration fails is reported and replaced", async () => {
  const { seen, processor } = viewer();
  const { clock, agent, anna, edge, errors } = await joinAnna({ processors: [processor] });
  const subscribe = edge.addTrackSubscriber.bind(edge);
  const camera = anna.publishVideo();
  edge.addTrackSubscriber = (id, options) =>
    id === camera.id ? subscribe(id, options) : {
      id,
      close() {},
      // deno-lint-ignore require-yield
      async *[Symbol.asyncIterator]() {
        throw new Error("decoder lost");
      },
    };
  anna.publishVideo(TrackType.SCREEN_SHARE);
  await show(clock, camera);
  await show(clock, camera);
  assert(errors[0]!.includes("decoder lost"));
  assertEquals(seen.at(-1), camera.id);
  await clock.until(agent.close());
});

Deno.test("an agent subscribes to the size and rate that its processors take, and to whole screens", async () => {
  const asked = async (processors: Partial<Processor>[]) => {
    const { clock, edge, agent, call } = await setUp({
      processors: processors.map((one) => viewer(one).processor),
    });
    const limits: VideoLimits[] = [];
    const subscribe = edge.addTrackSubscriber.bind(edge);
    edge.addTrackSubscriber = (id, options = {}) => {
      const { fps, maxWidth, maxHeight } = options;
      limits.push({ fps, maxWidth, maxHeight });
      return subscribe(id, options);
    };
    const anna = edge.enter(call, { userId: "anna" });
    anna.publishVideo();
    await clock.until(agent.join(call));
    const screen = anna.publishVideo(TrackType.SCREEN_SHARE);
    await clock.until(agent.close());
    screen.remove();
    return limits;
  };
  const any = { fps: undefined, maxWidth: undefined, maxHeight: undefined };
  assertEquals(
    await asked([{ videoFps: 2, videoMaxSide: 320 }, { videoFps: 5, videoMaxSide: 640 }]),
    [
      { fps: 5, maxWidth: 640, maxHeight: 640 },
      { ...any, fps: 5 },
    ],
  );
  // One that says nothing takes all.
  assertEquals(await asked([{ videoFps: 2, videoMaxSide: 320 }, {}]), [any, any]);
  const clock = new VirtualClock();
  const llm = Object.assign(new FakeLLM(clock), { acceptsImages: true });
  const eyes = ConversationProcessor.from({
    llm,
    tts: new FakeTTS(clock),
    vision: { maxSide: 512 },
  })!;
  assertEquals([eyes.videoFps, eyes.videoMaxSide], [2, 512], "as large as the model is shown");
  await assertRejects(() => asked([{ videoMaxSide: 0 }]), RangeError, "videoMaxSide: expected");
});
