/** What moderators and the SFU order, on the double. */
import { delay } from "@std/async/delay";
import { assert, assertEquals } from "@std/assert";
import { CallEndedEvent } from "../../../src/edge/events.ts";
import { LatestVideoTrack } from "../../../src/edge/toolkit/latest_video_track.ts";
import { TrackType } from "../../../src/edge/types.ts";
import { AgentMutedEvent } from "../../../src/edges/getstream/mod.ts";
import { TRIES } from "../../../src/edges/getstream/wire/retrying.ts";
import { StreamDouble } from "./double/stream_double.ts";
import { CID, TestCall } from "./_fixture.ts";
import { until } from "../../fixtures/until.ts";

/** Waits until the agent is heard by the SFU, or no longer. */
async function isHeard(test: TestCall, wanted = true): Promise<void> {
  await until(wanted ? "being heard" : "silence", async () => {
    const last = (await test.heard()).slice(-30);
    return last.length > 0 && last.every(({ rms }) => rms > 0.05 === wanted);
  });
}

/** A picture of 320 x 180 pixels, twenty times a second. */
function shownVideo(): { video: LatestVideoTrack } & Disposable {
  const video = new LatestVideoTrack();
  const [width, height] = [320, 180];
  const data = new Uint8Array(width * height * 3 / 2).fill(128);
  const timer = setInterval(() => {
    video.push({ format: "I420", width, height, data, timestampMs: performance.now() });
  }, 50);
  return { video, [Symbol.dispose]: () => clearInterval(timer) };
}

Deno.test("an agent that a moderator mutes is silent until it publishes again", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const muted: unknown[] = [];
  test.edge.events.subscribe(AgentMutedEvent, (e) => void muted.push([e.track, e.muted]));
  await isHeard(test);
  await test.command("moderate", { type: TrackType.AUDIO });
  await isHeard(test, false);
  // It publishes no video.
  await test.command("moderate", { type: TrackType.VIDEO });
  await test.command("moderate", { type: TrackType.SCREEN_SHARE_AUDIO });
  assertEquals(muted, [["audio", true]]);
  const bot = async () => {
    const members = await double.sfu.command<{ userId: string; muted: number[] }[]>("members", {
      cid: CID,
    });
    return members.find(({ userId }) => userId === "bot")!.muted;
  };
  assertEquals(await bot(), [TrackType.AUDIO]);
  await test.connection.publishTracks({ audio: test.track });
  await isHeard(test);
  assertEquals(await bot(), []);

  // By its own will.
  await test.connection.publishTracks({});
  await isHeard(test, false);
  assertEquals([await bot(), muted.length], [[TrackType.AUDIO], 1]);
  await test.connection.publishTracks({ audio: test.track });
  await isHeard(test);
  assertEquals((await double.report()).faults, []);
});

Deno.test("an agent whose rights are withdrawn is silent, and heard again with them", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const muted: unknown[] = [];
  test.edge.events.subscribe(AgentMutedEvent, (e) => void muted.push([e.track, e.muted]));
  await test.command("grant", { audio: false, video: true });
  await isHeard(test, false);
  // It may want to speak.
  await test.connection.publishTracks({ audio: test.track });
  await isHeard(test, false);
  await test.command("grant", { audio: true, video: true });
  await isHeard(test);
  assertEquals(muted, [["audio", true], ["audio", false]]);
});

Deno.test("an agent whose rights are withdrawn while it rejoins stays and listens", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const muted: unknown[] = [];
  test.edge.events.subscribe(AgentMutedEvent, (e) => void muted.push([e.track, e.muted]));
  const { length } = (await double.report()).joins;
  await double.sfu.command("rpcFault", { method: "SetPublisher", code: 403, times: 9 });
  await test.command("error", { strategy: 3 });
  await until("being back", () => test.reconnected.length === 1);
  const from = performance.now();
  await until("hearing", () => test.slots.some(({ at, rms }) => at > from && rms > 0.1));
  assertEquals([test.connection.state, muted], ["active", [["audio", true]]]);
  assertEquals(test.errors.length, 1);
  assert(/publishing.*PERMISSION_DENIED/.test(test.errors[0]!), `${test.errors}`);
  assertEquals((await double.report()).joins.length, length + 1);
  await double.sfu.command("rpcFault", { method: "SetPublisher", clear: true });
  const granted = performance.now();
  await test.command("grant", { audio: true, video: true });
  await until("being heard again", async () => {
    return (await test.heard()).some(({ at, rms }) => at > granted && rms > 0.05);
  });
  assertEquals([muted.slice(1), (await double.report()).faults], [[["audio", false]], []]);
});

Deno.test("an agent follows what the service says of its rights when it rejoins", async () => {
  await using double = await StreamDouble.start();
  double.capabilities.set("bot", ["send-audio"]);
  await using test = await TestCall.start(double);
  const muted: unknown[] = [];
  test.edge.events.subscribe(AgentMutedEvent, (e) => void muted.push([e.track, e.muted]));
  const rejoin = async (capabilities: string[]) => {
    const { length } = test.reconnected;
    double.capabilities.set("bot", capabilities);
    await test.command("error", { strategy: 3 });
    await until("being back", () => test.reconnected.length === length + 1);
    assertEquals(test.edge.capabilitiesOf(test.connection), capabilities);
  };
  await rejoin(["join-call"]);
  const from = performance.now();
  await rejoin(["send-audio", "send-video"]);
  await until("being heard again", async () => {
    return (await test.heard()).some(({ at, rms }) => at > from && rms > 0.05);
  });
  assertEquals([muted, test.errors], [[["audio", true], ["audio", false]], []]);
});

Deno.test("an agent without the right to speak joins and listens, and is heard once it has it", async () => {
  await using double = await StreamDouble.start();
  double.capabilities.set("bot", ["join-call"]);
  await using test = await TestCall.start(double, { silent: true });
  assertEquals([test.connection.state, test.muted], ["active", ["audio true"]]);
  await test.command("speak", { sessionId: test.participantSession, frequency: 440 });
  await until("hearing", () => test.slots.some(({ rms }) => rms > 0.1));
  await double.changeRights(CID, "bot", { grant: ["send-audio"] });
  await until("the right", () => test.muted.length === 2);
  await test.talk();
  const { calls, faults } = await double.report();
  assertEquals([test.muted, calls.SetPublisher], [["audio true", "audio false"], 1]);
  assertEquals([faults, test.errors], [[], []]);
});

Deno.test("an agent stays muted, and without its rights, when its media process is replaced", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  const replace = async () => {
    const from = test.states.length;
    Deno.kill(test.edge.mediaProcessId!, "SIGKILL");
    await until("being back", () => `${test.states.slice(from)}` === "reconnecting,active");
    const members = await double.sfu.command<{ userId: string; types: number[] }[]>("members", {
      cid: CID,
    });
    return members.findLast(({ userId }) => userId === "bot")!.types;
  };
  await test.command("moderate", { type: TrackType.AUDIO });
  await until("the mute", () => test.muted.length === 1);
  assertEquals(await replace(), []);
  await test.connection.publishTracks({ audio: test.track });
  await test.talk();
  assertEquals(test.muted, ["audio true"]);

  await double.changeRights(CID, "bot", { revoke: ["send-audio"] });
  await until("the loss of the right", () => test.muted.length === 2);
  assertEquals(await replace(), []);
  await double.changeRights(CID, "bot", { grant: ["send-audio"] });
  await isHeard(test);
  assertEquals(test.muted.slice(1), ["audio true", "audio false"]);
  assertEquals([(await double.report()).faults, test.errors], [[], []]);
});

Deno.test("an agent stays muted when its first publication in the next media process fails", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  using shown = shownVideo();
  await test.connection.publishTracks({ audio: test.track, video: shown.video });
  await test.command("moderate", { type: TrackType.AUDIO });
  await until("the mute", () => test.muted.length === 1);
  // As often as one publication asks.
  const fault = { method: "SetPublisher", code: 500, shouldRetry: true, times: TRIES };
  await double.sfu.command("rpcFault", fault);
  Deno.kill(test.edge.mediaProcessId!, "SIGKILL");
  await until("being back", () => `${test.states}` === "reconnecting,active");
  const members = await double.sfu.command<{ userId: string; types: number[] }[]>("members", {
    cid: CID,
  });
  assertEquals(members.findLast(({ userId }) => userId === "bot")!.types, [TrackType.VIDEO]);
  assertEquals([test.muted, test.errors], [["audio true"], []]);
});

Deno.test("an agent that loses its rights together with its media process stays and listens", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  // The refusal may come with a later publication.
  const fault = { method: "SetPublisher", code: 500, shouldRetry: true, times: TRIES };
  await double.sfu.command("rpcFault", fault);
  await double.sfu.command("rpcFault", { method: "SetPublisher", code: 403, times: 9 });
  Deno.kill(test.edge.mediaProcessId!, "SIGKILL");
  await until("being back", () => `${test.states}` === "reconnecting,active");
  const from = performance.now();
  await until("hearing", () => test.slots.some(({ at, rms }) => at > from && rms > 0.1));
  assertEquals([test.muted, test.errors.length], [["audio true"], 1]);
  assert(/publishing.*PERMISSION_DENIED/.test(test.errors[0]!), `${test.errors}`);
  await double.sfu.command("rpcFault", { method: "SetPublisher", clear: true });
  await test.command("grant", { audio: true, video: true });
  await until("the right", () => test.muted.length === 2);
  await isHeard(test);
});

Deno.test("GetStreamEdge tells an agent that is kicked from a call that ended, and why it ended", async () => {
  const ways: [string, Record<string, unknown>, string, RegExp?][] = [
    ["endCall", { reason: 3 }, "kicked"],
    ["endCall", { reason: 2 }, "call-ended"],
    ["error", { code: 104 }, "call-ended"],
    ["error", { code: 403, strategy: 1 }, "call-ended", /an error on command.*PERMISSION_DENIED/],
  ];
  await using double = await StreamDouble.start();
  for (const [command, params, reason, text] of ways) {
    await using test = await TestCall.start(double, { silent: true });
    const ended: string[] = [];
    test.edge.events.subscribe(CallEndedEvent, ({ reason }) => void ended.push(reason));
    await test.command(command, params);
    assertEquals([await test.connection.closed, ended], [reason, [reason]]);
    if (text) assert(test.errors.some((line) => text.test(line)), test.errors.join("\n"));
    else assertEquals(test.errors, []);
  }
});

Deno.test("an agent that may be backstage stays when a call is no longer live", async () => {
  await using double = await StreamDouble.start();
  double.capabilities.set("bot", ["send-audio", "join-backstage"]);
  await using test = await TestCall.start(double, { silent: true });
  await test.command("endCall", { reason: 2 });
  await test.command("error", { code: 104 });
  await test.connection.publishTracks({ audio: test.track });
  assertEquals(test.connection.state, "active");
});

Deno.test("one failure of SetPublisher passes, and publishing survives a reconnection", async () => {
  await using double = await StreamDouble.start();
  await double.sfu.command("rpcFault", { method: "SetPublisher", status: 503 });
  await double.sfu.command("rpcFault", { method: "SetPublisher", code: 500, shouldRetry: true });
  await double.sfu.command("rpcFault", { method: "IceTrickle", status: 503, times: 3 });
  await using test = await TestCall.start(double);
  await isHeard(test);
  const { calls, faults } = await double.report();
  assertEquals([calls.SetPublisher, faults, test.errors], [3, [], []]);
});

Deno.test("an agent declares its video's own size, and sends what the SFU wants of it", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  using shown = shownVideo();
  await test.connection.publishTracks({ audio: test.track, video: shown.video });
  const seen = () =>
    double.sfu.command<{ frames: number; size: string }>("seen", { cid: CID, userId: "bot" });
  await until("pictures", async () => (await seen()).size === "320x180");
  await until("the layer", async () => {
    const { tracks } = await double.report();
    const { layers = [] } = tracks.find(({ trackType }) => trackType === TrackType.VIDEO) ?? {};
    // A quarter of the option's pixels has a quarter of its bitrate.
    return `${layers}` === "320,180,125000,15";
  });
  await test.command("quality", { active: true, scaleDownBy: 2, maxBitrate: 50_000 });
  await until("smaller pictures", async () => (await seen()).size === "160x90");
  await test.command("quality", { active: true, maxFramerate: 2 });
  await until("two pictures a second of twenty", async () => {
    const { frames } = await seen();
    await delay(1500);
    const more = (await seen()).frames - frames;
    return more > 0 && more <= 6;
  });
  await test.command("quality", { active: false });
  await until("no pictures", async () => {
    const { frames } = await seen();
    await delay(700);
    return (await seen()).frames === frames;
  });
  await test.command("quality", { active: true });
  await until("pictures of their own size", async () => (await seen()).size === "320x180");
  assertEquals([(await double.report()).faults, test.errors], [[], []]);
});

Deno.test("an agent publishes in the codec that the SFU asks for, also after it has reconnected", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  using shown = shownVideo();
  await test.connection.publishTracks({ audio: test.track, video: shown.video });
  const codecs = async () => {
    const { tracks } = await double.report();
    return tracks.flatMap(({ trackType, codec }) => trackType === TrackType.VIDEO ? [codec] : []);
  };
  await until("VP8", async () => `${await codecs()}` === "vp8");
  const vp9 = { id: 4, trackType: TrackType.VIDEO, codec: { name: "vp9", clockRate: 90_000 } };
  await test.command("options", { publishOptions: [vp9] });
  await until("VP9 beside it", async () => (await codecs()).includes("vp9"));
  await test.command("error", { strategy: 3 });
  await until("being back", () => test.reconnected.length === 1);
  await until("VP9 only", async () => `${await codecs()}` === "vp9");
  const { joins, faults } = await double.report();
  assertEquals(joins.map(({ preferred }) => preferred), [["vp8"], ["vp9"]]);
  assertEquals([faults, test.errors], [[], []]);
});
