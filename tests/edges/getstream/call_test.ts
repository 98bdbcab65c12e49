import { delay } from "@std/async/delay";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AudioStatsEvent,
  CallEndedEvent,
  CustomEventReceivedEvent,
  ParticipantJoinedEvent,
} from "../../../src/edge/events.ts";
import { AudioLevelsEvent } from "../../../src/edges/getstream/mod.ts";
import { LatestVideoTrack } from "../../../src/edge/toolkit/latest_video_track.ts";
import { TrackType } from "../../../src/edge/types.ts";
import { API_KEY, API_SECRET, StreamDouble } from "./double/stream_double.ts";
import { AuthenticationError, ConnectionError } from "../../../src/edge/errors.ts";
import { StreamClient } from "@stream-io/node-sdk";
import { CID, edgeOn, keepsSound, TestCall } from "./_fixture.ts";
import type { Heard } from "./double/sfu/recorder.ts";
import { Listener, longestGap, medianFrequency, tone } from "./listener.ts";
import { until } from "../../fixtures/until.ts";

/** A moment in which something that should not happen would have happened. */
const pause = (ms = 400) => delay(ms);

Deno.test("GetStreamEdge carries both voices at their pitch and level", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const stats: AudioStatsEvent[] = [];
  test.edge.events.subscribe(AudioStatsEvent, (event) => void stats.push(event));
  const wanted = 0.3 / Math.SQRT2;
  const isRight = (frames: readonly Heard[], from: number, frequency: number) => {
    const recent = frames.filter(({ at }) => at > from);
    const level = recent.map(({ rms }) => rms).sort((a, b) => a - b)[recent.length >> 1] ?? 0;
    return Math.abs(medianFrequency(recent) - frequency) <= 50 &&
      Math.abs(20 * Math.log10(level / wanted)) < 1;
  };
  await until("0.8 s of both voices without a gap", async () => {
    const isHeard = await test.heard();
    const to = performance.now() - 100;
    const from = to - 800;
    return isRight(test.slots, from, 440) && isRight(isHeard, from, 660) &&
      longestGap(test.slots, from, to) < 150;
  });
  await until("how the audio arrives is known", () => stats.length > 0);
  const [{ participant, stats: { packetsReceived, audioMs, roundTripMs } }] = stats as [
    AudioStatsEvent,
  ];
  assertEquals(participant.userId, "anna");
  assert(packetsReceived > 10 && audioMs > 0 && roundTripMs !== undefined);
});

Deno.test("agents on two GetStreamEdges hear each other through the SFU, and know each other for agents", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  await using other = edgeOn(double);
  const second = new Listener({ id: "bot-2", name: "Second" }, {
    sampleRate: 24_000,
    agents: true,
  });
  await other.authenticate(second.user);
  await using connection = await other.join(second, await other.createCall("kitchen"));
  const kinds = [...connection.participants.values()].map(({ userId, kind }) => [userId, kind]);
  assertEquals(kinds.sort(), [["anna", "person"], ["bot", "agent"]]);
  await until("being known", () => test.connection.participants.size === 2);
  const seen = [...test.connection.participants.values()].find(({ userId }) => userId === "bot-2");
  assertEquals([seen?.name, seen?.kind], ["Second", "agent"]);
  await test.track.write(tone({ frequency: 880, ms: 1000 }), { final: true });
  await until("hearing", () => second.slots.filter(({ rms }) => rms > 0.1).length > 30);
  assert(Math.abs(medianFrequency(second.slots) - 880) <= 60);
  assertEquals((await double.report()).faults, []);
});

Deno.test("StreamCall hears media that comes before its announcement, or after it", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  for (const [index, on] of [true, false].entries()) {
    await double.sfu.command("mediaFirst", { cid: CID, on });
    const sessionId = await double.addPerson(CID, `late-${index}`);
    await double.sfu.command("speak", { cid: CID, sessionId, frequency: 500 });
    await until(
      "hearing",
      () => test.slots.some((slot) => slot.participantId === sessionId && slot.rms > 0.1),
    );
    await double.sfu.command("removePerson", { cid: CID, sessionId });
  }
});

Deno.test("StreamCall hears a microphone each time it is published again", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  const sessionId = test.participantSession;
  for (const frequency of [400, 600, 800]) {
    await double.sfu.command("speak", { cid: CID, sessionId, frequency });
    await until("hearing", () => {
      const last = test.slots.slice(-10);
      return last.every(({ rms }) => rms > 0.1) && Math.abs(medianFrequency(last) - frequency) < 50;
    });
    await double.sfu.command("unpublish", { cid: CID, sessionId });
    await until("the end", () => test.connection.tracks.size === 0);
  }
  assertEquals((await double.report()).faults, []);
});

Deno.test("a mute on GetStreamEdge is an event, silences the participant, and is no leaving", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const track = () => [...test.connection.tracks.values()][0];
  const sessionId = test.participantSession;
  await double.sfu.command("setMuted", { cid: CID, sessionId, muted: true });
  await until("being muted", () => track()?.muted);
  await pause();
  const from = performance.now();
  await pause();
  assertEquals(test.slots.filter(({ at, rms }) => at > from && rms > 0.01).length, 0);
  await double.sfu.command("setMuted", { cid: CID, sessionId, muted: false });
  await until("being unmuted", () => track()?.muted === false);
  await until("hearing", () => test.slots.some(({ at, rms }) => at > from + 400 && rms > 0.1));
});

Deno.test("GetStreamEdge emits how loud participants are", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  const levels: AudioLevelsEvent[] = [];
  test.edge.events.subscribe(AudioLevelsEvent, (event) => void levels.push(event));
  const { participantSession: sessionId } = test;
  await double.sfu.command("speak", { cid: CID, sessionId, frequency: 440, amplitude: 0.25 });
  const event = await until("levels", () => levels.find((one) => one.levels.length > 0));
  const { participant, level, speaking } = event.levels[0]!;
  assertEquals([participant.userId, level, speaking], ["anna", 0.25, true]);
});

Deno.test("GetStreamEdge sends a custom event once, and receives those of others with their sender", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  const came: CustomEventReceivedEvent[] = [];
  const sent: unknown[] = [];
  test.edge.events.subscribe(CustomEventReceivedEvent, (event) => void came.push(event));
  double.onEvent = (_cid, { type, custom, user }) => void sent.push({ type, custom, user });
  await test.connection.sendCustomEvent({ hello: "world" });
  assertEquals(sent, [{ type: "custom", custom: { hello: "world" }, user: { id: "bot" } }]);
  double.emit(CID, { type: "custom", custom: { n: 1 }, user: { id: "anna" } });
  double.emit("default:other", { type: "custom", custom: { n: 2 }, user: { id: "anna" } });
  await until("the event", () => came.length === 1);
  await pause(200);
  assertEquals(came.map(({ data, participant }) => [data, participant?.userId]), [
    [{ n: 1 }, "anna"],
  ]);
});

Deno.test("CoordinatorSocket reconnects when it is lost, and events come again", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  const came: unknown[] = [];
  test.edge.events.subscribe(CustomEventReceivedEvent, ({ data }) => void came.push(data));
  double.dropWatchers();
  await until("the loss", () => double.watchersOf(CID) === 0);
  await until("coming back", () => double.watchersOf(CID) === 1);
  double.emit(CID, { type: "custom", custom: { n: 1 }, user: { id: "anna" } });
  await until("the event", () => came.length === 1);
  assert(test.errors.some((line) => line.includes("coordinator")));
  assertEquals(test.states, [], "the call itself was not disturbed");
});

Deno.test("GetStreamEdge closes a connection whose call has ended, by whatever message it learns that", async () => {
  const ways: ((double: StreamDouble) => Promise<unknown>)[] = [
    (double) => double.sfu.command("endCall", { cid: CID }),
    (double) => double.sfu.command("error", { cid: CID, userId: "bot", strategy: 1 }),
    (double) =>
      new StreamClient(API_KEY, API_SECRET, { basePath: double.url })
        .video.call("default", "kitchen").end(),
  ];
  for (const end of ways) {
    await using double = await StreamDouble.start();
    await using test = await TestCall.start(double, { silent: true });
    const ended: string[] = [];
    test.edge.events.subscribe(CallEndedEvent, ({ reason }) => void ended.push(reason));
    await end(double);
    assertEquals(await test.connection.closed, "call-ended");
    assertEquals(ended, ["call-ended"]);
    await until("no process", () => test.edge.mediaProcessId === undefined);
  }
});

Deno.test("GetStreamEdge closes the connection of a blocked agent with that reason", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  double.emit(CID, { type: "call.blocked_user", user: { id: "anna" } });
  await pause(100);
  assertEquals(test.connection.state, "active");
  double.emit(CID, { type: "call.blocked_user", user: { id: "bot" } });
  assertEquals(await test.connection.closed, "kicked");
});

Deno.test("StreamCall informs the SFU when the agent leaves", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  await test.connection.close();
  const members = await double.sfu.command<{ userId: string }[]>("members", { cid: CID });
  assertEquals(members.map(({ userId }) => userId), ["anna"]);
  await until("the call is no longer watched", () => double.watchersOf(CID) === 0);
});

Deno.test("SfuSession sends health checks, and statistics at the interval of the service", async () => {
  await using double = await StreamDouble.start();
  double.statsIntervalMs = 300;
  await using test = await TestCall.start(double, { silenceTimeoutMs: 3000 });
  const find = async () => {
    const members = await double.sfu.command<{ userId: string; statsReports: number }[]>(
      "members",
      { cid: CID },
    );
    return members.find(({ userId }) => userId === "bot")!.statsReports;
  };
  const [before, from] = [await find(), performance.now()];
  await until("reports and health checks", async () => {
    return await find() - before >= 4 && (await double.report()).healthChecks >= 2;
  });
  const reports = await find() - before;
  const most = (performance.now() - from) / 300 + 2;
  assert(reports <= most, `${reports} reports, not ${most}`);
  const { faults } = await double.report();
  assertEquals([faults, test.states], [[], []]);
});

Deno.test("GetStreamEdge subscribes to video, with its size, only while a processor takes it", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  const { connection, participantSession: sessionId } = test;
  await double.sfu.command("show", { cid: CID, sessionId, type: TrackType.VIDEO, luma: 60 });
  await double.sfu.command("show", {
    cid: CID,
    sessionId,
    type: TrackType.SCREEN_SHARE,
    luma: 200,
    width: 160,
    height: 2400,
  });
  await until("the tracks", () => connection.tracks.size === 2);
  await pause();
  assertEquals((await double.report()).subscriptions, []);
  const lumaOf = async (type: TrackType) => {
    const info = [...connection.tracks.values()].find((one) => one.type === type)!;
    const track = connection.addTrackSubscriber(info.id)!;
    for await (const { data, width, height } of track) {
      const luma = data[(height >> 1) * width + (width >> 1)]!;
      return { track, luma, width, height };
    }
    throw new Error("no picture");
  };
  const camera = await lumaOf(TrackType.VIDEO);
  assert(Math.abs(camera.luma - 60) < 12, `luma ${camera.luma}`);
  const screen = await lumaOf(TrackType.SCREEN_SHARE);
  assert(Math.abs(screen.luma - 200) < 12, `luma ${screen.luma}`);
  assertEquals([screen.width, screen.height], [160, 2400], "an upright screen, in its full size");
  assertEquals((await double.report()).subscriptions, [
    { sessionId, trackType: TrackType.VIDEO, width: 1280 },
    // A screen is read at its full size.
    { sessionId, trackType: TrackType.SCREEN_SHARE, width: 3840 },
  ]);
  camera.track.close();
  await until("the end", async () => (await double.report()).subscriptions.length === 1);
  await double.sfu.command("unpublish", { cid: CID, sessionId, type: TrackType.SCREEN_SHARE });
  await until("the end", async () => (await double.report()).subscriptions.length === 0);
  assertEquals((await double.report()).faults, []);
});

Deno.test("GetStreamEdge subscribes to video as large as it is taken, and to none that is not", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  const { edge, connection, participantSession: sessionId } = test;
  const size = { width: 640, height: 360 };
  await double.sfu.command("show", { cid: CID, sessionId, type: TrackType.VIDEO, ...size });
  await until("the track", () => connection.tracks.size === 1);
  const [id] = [...connection.tracks.keys()];
  const widths = async () => (await double.report()).subscriptions.map(({ width }) => width);
  const track = edge.addTrackSubscriber(id!, { fps: 5, maxWidth: 320, maxHeight: 320 })!;
  for await (const { width, height } of track) {
    assertEquals([width, height], [320, 180]);
    break;
  }
  assertEquals(await widths(), [320]);
  const other = edge.addTrackSubscriber(id!, { fps: 2, maxWidth: 800, maxHeight: 600 })!;
  await until("the larger size", async () => `${await widths()}` === "800");
  for await (const { width } of track) if (width === 640) break;
  other.close();
  await until("the smaller size", async () => `${await widths()}` === "320");
  for await (const { width } of track) if (width === 320) break;
  track.close();
  await until("the end", async () => (await widths()).length === 0);
  for (const limits of [{ fps: 0 }, { fps: 61 }, { maxWidth: 0.5 }, { maxHeight: 10_000 }]) {
    assertThrows(() => edge.addTrackSubscriber(id!, limits), RangeError, "expected");
  }
  assertEquals((await double.report()).faults, []);
});

/** A grey picture that is shown again and again. */
function grey(luma: number): { video: LatestVideoTrack } & Disposable {
  const video = new LatestVideoTrack();
  const [width, height] = [160, 90];
  const data = new Uint8Array(width * height * 3 / 2).fill(128).fill(luma, 0, width * height);
  const timer = setInterval(() => {
    video.push({ format: "I420", width, height, data, timestampMs: performance.now() });
  }, 50);
  return { video, [Symbol.dispose]: () => clearInterval(timer) };
}

Deno.test("GetStreamEdge publishes voice and picture in one negotiation, in a codec that both have", async () => {
  await using double = await StreamDouble.start();
  await double.sfu.command("set", {
    publishOptions: [
      { id: 1, trackType: TrackType.AUDIO, codec: { name: "opus" } },
      { id: 2, trackType: TrackType.VIDEO, codec: { name: "H264" }, bitrate: 900_000 },
      { id: 3, trackType: TrackType.VIDEO, codec: { name: "VP9" }, bitrate: 400_000 },
    ],
  });
  await using edge = edgeOn(double);
  const agent = new Listener({ id: "bot", name: "Bot" });
  await edge.authenticate(agent.user);
  await using connection = await edge.join(agent, await edge.createCall("kitchen"));
  await double.sfu.command("record", { cid: CID, userId: "bot" });
  const audio = edge.createAudioTrack();
  using shown = grey(170);
  await connection.publishTracks({ audio, video: shown.video });
  const { calls, tracks, faults } = await double.report();
  assertEquals(calls.SetPublisher, 1);
  assertEquals(tracks.map(({ trackType, codec }) => [trackType, codec?.toLowerCase()]), [
    [TrackType.AUDIO, undefined],
    [TrackType.VIDEO, "vp9"],
  ]);
  assertEquals(faults, []);
  type Seen = { frames: number; size: string; luma: number };
  const seen = await until("pictures", async () => {
    const one = await double.sfu.command<Seen>("seen", { cid: CID, userId: "bot" });
    return one.frames > 3 ? one : undefined;
  });
  assert(Math.abs(seen.luma - 170) < 12, `luma ${seen.luma}`);
});

Deno.test("GetStreamEdge publishes no picture in a call that takes only H264, and reports why", async () => {
  await using double = await StreamDouble.start();
  await double.sfu.command("set", {
    publishOptions: [{ id: 2, trackType: TrackType.VIDEO, codec: { name: "H264" } }],
  });
  await using test = await TestCall.start(double, { silent: true });
  using shown = grey(100);
  await test.connection.publishTracks({ audio: test.track, video: shown.video });
  await until("the error", () => test.errors.some((line) => /H264/.test(line)));
  await test.track.write(tone({ frequency: 500, ms: 300 }), { final: true });
  await until("being heard", async () => (await test.heard()).some(({ rms }) => rms > 0.1));
  assertEquals((await double.report()).faults, []);
});

Deno.test("SfuSocket drops and counts malformed frames, and the call goes on", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  await test.command("garbage", { count: 50 });
  await until("the error", () => test.errors.some((line) => /malformed frames/.test(line)));
  await pause();
  assertEquals(test.errors.length, 1, "one line a second");
  assertEquals(test.states, []);
  assert(test.slots.at(-1)!.rms > 0.05);
});

Deno.test("an ICE restart that the SFU orders keeps the sound", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  let publisher = 0;
  for (const peer of ["publisher", "subscriber"]) {
    const times = await keepsSound(test, 300, () => test.command("iceRestart", { peer }));
    if (peer === "publisher") publisher = times;
  }
  const { calls, faults } = await double.report();
  assertEquals([calls.SetPublisher, faults], [1 + publisher, []]);
});

Deno.test("StreamCall renews the SFU's credentials before they expire", async () => {
  await using double = await StreamDouble.start();
  double.sfuTokenSeconds = 3;
  await using test = await TestCall.start(double, { silent: true });
  const joins = () => double.requests.filter(({ path }) => path.endsWith("/join")).length;
  await until("the renewal", () => joins() === 2);
  await pause(2000);
  const { participantSession: sessionId } = test;
  await double.sfu.command("show", { cid: CID, sessionId, type: TrackType.VIDEO });
  await until("the track", () => test.connection.tracks.size === 1);
  test.connection.addTrackSubscriber([...test.connection.tracks.keys()][0]!);
  await until("taking it", async () => (await double.report()).subscriptions.length === 1);
  assertEquals((await double.report()).faults, []);
  assertEquals([test.errors, test.states], [[], []]);
});

Deno.test("UserToken is renewed before it expires, and the coordinator's socket with it", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true, tokenValidityMs: 5000 });
  const watches = () => double.requests.filter(({ path }) => path.endsWith("/kitchen")).length;
  // The call, the first socket, and the next one.
  await until("another socket", () => watches() >= 3 && double.watchersOf(CID) === 1);
  assertEquals([test.errors, test.states], [[], []]);
});

Deno.test("GetStreamEdge emits each participant who was there once, however the join went", async () => {
  await using double = await StreamDouble.start();
  await using edge = edgeOn(double);
  const agent = new Listener({ id: "bot", name: "Bot" });
  await edge.authenticate(agent.user);
  const call = await edge.createCall("kitchen");
  for (let index = 0; index < 5; index++) await double.addPerson(CID, `person-${index}`);
  const joined: string[] = [];
  edge.events.subscribe(ParticipantJoinedEvent, (e) => void joined.push(e.participant.userId));
  await double.sfu.command("joinBehaviour", { code: 700, edge: "sfu-1" });
  await using connection = await edge.join(agent, call);
  assertEquals(joined.sort(), [0, 1, 2, 3, 4].map((index) => `person-${index}`));
  assertEquals(connection.participants.size, 5);
});

Deno.test("a refusal of the SFU's signal server is a typed error, and the next request works", async () => {
  await using double = await StreamDouble.start();
  await using edge = edgeOn(double);
  const agent = new Listener({ id: "bot", name: "Bot" });
  await edge.authenticate(agent.user);
  await using connection = await edge.join(agent, await edge.createCall("kitchen"));
  const audio = edge.createAudioTrack();
  for (
    const [status, code, type] of [
      [401, "unauthorized", AuthenticationError],
      [403, "forbidden", AuthenticationError],
      [429, "rate-limited", ConnectionError],
      [500, "service-failed", ConnectionError],
    ] as const
  ) {
    await double.sfu.command("set", { twirpStatus: status });
    const error = await connection.publishTracks({ audio }).then(() => undefined, (e) => e);
    assert(error instanceof type, `${status}: ${error}`);
    assertEquals(error.code, code);
  }
  await double.sfu.command("set", { twirpStatus: 0 });
  await double.sfu.command("record", { cid: CID, userId: "bot" });
  await connection.publishTracks({ audio });
  await audio.write(tone({ frequency: 500, ms: 600 }), { final: true });
  await until("being heard", async () => {
    return (await double.heard(CID, "bot")).some(({ rms }) => rms > 0.1);
  });
});

Deno.test("Subscriber sends its SDP answer again until it gets through, and the participant is heard", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  await double.sfu.command("set", { twirpStatus: 503 });
  const { participantSession: sessionId } = test;
  await double.sfu.command("speak", { cid: CID, sessionId, frequency: 440 });
  await pause(300);
  await double.sfu.command("set", { twirpStatus: 0 });
  await until("hearing", () => test.slots.some(({ rms }) => rms > 0.1));
  assertEquals((await double.report()).faults, []);
});

Deno.test("Subscriber takes another offer after an SDP answer that never got through", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  await double.sfu.command("set", { twirpStatus: 503 });
  const { participantSession: sessionId } = test;
  await double.sfu.command("speak", { cid: CID, sessionId, frequency: 440 });
  await until("the error", () => test.errors.some((line) => /answering/.test(line)));
  await double.sfu.command("set", { twirpStatus: 0 });
  await until("hearing", () => test.slots.some(({ rms }) => rms > 0.1));
});

Deno.test("GetStreamEdge replaces a media process that has no calls and has grown, also during a join", async () => {
  await using double = await StreamDouble.start();
  await using edge = edgeOn(double, { memoryLimit: { bytes: 1, checkEveryMs: 20 } });
  const agent = new Listener({ id: "bot", name: "Bot" });
  await edge.authenticate(agent.user);
  const call = await edge.createCall("kitchen");
  // The process has no call while the join waits for credentials.
  double.fail({ path: /\/join$/, hangs: true });
  const joining = edge.join(agent, call);
  const first = await until("a process", () => edge.mediaProcessId);
  await until("a second process", () => edge.mediaProcessId !== first && edge.mediaProcessId);
  double.heal();
  const connection = await joining;
  const pid = edge.mediaProcessId;
  await delay(100);
  assertEquals([connection.state, edge.mediaProcessId], ["waiting", pid]);
  await connection.close();
  await until("the last lease's release", () => edge.mediaProcessId === undefined);
});
