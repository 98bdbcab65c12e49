/** The contract of an edge: audio and video. @module */
import type { CallConnection } from "../../edge/call_connection.ts";
import type { RemoteParticipant } from "./under_test.ts";
import {
  audibleMs,
  comesNear,
  type Contract,
  expect,
  expectSame,
  type Fixture,
  near,
  part,
  RecordingAgent,
  rejection,
  tone,
} from "./fixture.ts";
import { LatestVideoTrack } from "../../edge/toolkit/latest_video_track.ts";
import { AudioReceivedEvent } from "../../edge/events.ts";
import { TrackType } from "../../edge/types.ts";

/** Audio and video. */
export const media: Contract = {
  "the agent hears all of a person's speech": async (fixture) => {
    const agent = new RecordingAgent("agent");
    const { connection } = await fixture.join(agent);
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    await fixture.until(anna.speak(tone(1000)), "speaking");
    await fixture.pass(200);
    await comesNear(fixture, () => agent.heardMs.get(anna.participantId), 1000, "what was heard");
    expectSame([...agent.heardMs.keys()], [anna.participantId], "who was heard");
  },

  "AudioReceivedEvent names its connection and participant and carries a copy": async (fixture) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    const kept: AudioReceivedEvent[] = [];
    using _subscription = fixture.edge.events.subscribe(AudioReceivedEvent, (event) => {
      kept.push(event);
    });
    await fixture.until(anna.speak(tone(400)), "speaking");
    await fixture.pass(200);
    const keptMs = () => kept.reduce((ms, event) => ms + audibleMs(event.pcm), 0);
    await comesNear(fixture, keptMs, 400, "what was kept");
    expect(kept.every((event) => event.connection === connection), "the connection is named");
    const from = new Set(kept.map((event) => event.participant.id));
    expectSame([...from], [anna.participantId], "who was heard");
  },

  "audio before its track's event is heard, and the track is added once": part("earlyAudio", async (
    fixture,
  ) => {
    const enterEarly = fixture.own(
      "EdgeUnderTest.enterEarly",
      fixture.edgeUnderTest.enterEarly,
    );
    const agent = new RecordingAgent("agent");
    const { connection, call } = await fixture.join(agent);
    const anna = await fixture.until(
      enterEarly.call(fixture.edgeUnderTest, call, { userId: "anna", trackDelayMs: 200 }),
      "entering",
    );
    await fixture.eventually(() => connection.participants.size === 1, "anna is seen");
    await fixture.until(anna.speak(tone(500)), "speaking");
    await fixture.pass(200);
    await comesNear(fixture, () => agent.heardMs.get(anna.participantId), 500, "what was heard");
    const told = fixture.log.filter((line) => line === `track of ${anna.participantId}`);
    expectSame(told.length, 1, "events of the track");
  }),

  "a muted participant is not heard": part("mute", async (fixture) => {
    const agent = new RecordingAgent("agent");
    const { connection } = await fixture.join(agent);
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    await fixture.until(anna.mute(true), "muting");
    await fixture.pass(100);
    await fixture.until(anna.speak(tone(300)), "speaking");
    await fixture.pass(200);
    near(fixture, agent.heardMs.get(anna.participantId), 0, "what was heard");
  }),

  "a participant who leaves in mid-sentence is not heard any more, and the others are": async (
    fixture,
  ) => {
    const agent = new RecordingAgent("agent");
    const { connection } = await fixture.join(agent);
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    const bert = await fixture.enterAndBeSeen(connection, "bert");
    const speaking = fixture.later(Promise.all([
      anna.speak(tone(1000)).catch(() => {}),
      bert.speak(tone(1000)),
    ]));
    await fixture.pass(400);
    await fixture.until(anna.leave(), "leaving");
    await fixture.eventually(() => connection.participants.size === 1, "anna is gone");
    const heard = agent.heardMs.get(anna.participantId);
    await fixture.until(speaking, "speaking");
    await fixture.pass(200);
    expectSame(agent.heardMs.get(anna.participantId), heard, "what was heard of anna");
    await comesNear(fixture, () => agent.heardMs.get(bert.participantId), 1000, "bert's part");
  },

  "a sample rate that changes during a call causes neither a gap nor another speed": part(
    "rateChange",
    async (
      fixture,
    ) => {
      const agent = new RecordingAgent("agent");
      const { connection } = await fixture.join(agent);
      const anna = await fixture.enterAndBeSeen(connection, "anna");
      for (const [rate, channels] of [[48_000, 1], [16_000, 1], [44_100, 2], [8000, 1]]) {
        await fixture.until(anna.speak(tone(300, rate, channels)), "speaking");
      }
      await fixture.pass(200);
      await comesNear(fixture, () => agent.heardMs.get(anna.participantId), 1200, "what was heard");
    },
  ),

  "two agents on one edge hear only their own calls": async (fixture) => {
    const agents = [new RecordingAgent("one"), new RecordingAgent("two")];
    const heard: { callId: string; from: string }[] = [];
    using _subscription = fixture.edge.events.subscribe(AudioReceivedEvent, (event) => {
      heard.push({ callId: event.connection.call.id, from: event.participant.id });
    });
    const participants: RemoteParticipant[] = [];
    for (const [index, agent] of agents.entries()) {
      const { connection } = await fixture.join(agent, `kit-${index}`);
      participants.push(await fixture.enterAndBeSeen(connection, `person-${index}`));
    }
    const speaking = Promise.all([
      participants[0]!.speak(tone(200)),
      participants[1]!.speak(tone(500)),
    ]);
    await fixture.until(speaking, "speaking");
    await fixture.pass(200);
    for (const [index, expected] of [200, 500].entries()) {
      const { heardMs } = agents[index]!;
      const id = participants[index]!.participantId;
      await comesNear(fixture, () => heardMs.get(id), expected, `agent ${index}`);
      const audible = [...heardMs].filter(([, ms]) => ms > 0).map(([heardId]) => heardId);
      expectSame(audible, [id], `whom agent ${index} heard`);
    }
    const crossed = heard.filter(({ callId, from }) => {
      return participants[Number(callId.split("-")[1])]!.participantId !== from;
    });
    expectSame(crossed.length, 0, "events of the other call");
  },

  "agents hear agents only when they ask to": async (fixture) => {
    const call = await fixture.call();
    const deaf = new RecordingAgent("deaf");
    const curious = new RecordingAgent("curious", { hearsAgents: true });
    await fixture.until(fixture.edge.join(deaf, call), "joining");
    await fixture.until(fixture.edge.join(curious, call), "joining");
    const talker = new RecordingAgent("talker");
    const connection = await fixture.until(fixture.edge.join(talker, call), "joining");
    const audio = fixture.edge.createAudioTrack();
    await fixture.until(fixture.edge.publishTracks({ audio }, { connection }), "publishing");
    await fixture.pass(300);
    await fixture.until(audio.write(tone(500), { final: true }), "writing");
    await fixture.until(audio.drain(), "playing");
    await fixture.pass(300);
    const sum = (agent: RecordingAgent) => [...agent.heardMs.values()].reduce((a, b) => a + b, 0);
    await comesNear(fixture, () => sum(curious), 500, "what the curious one heard");
    expectSame([sum(deaf), sum(talker)], [0, 0], "what the others heard");
    audio.close();
  },

  "the agent's speech is heard in full and once": async (fixture) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    const audio = fixture.edge.createAudioTrack();
    await fixture.until(fixture.edge.publishTracks({ audio }, { connection }), "publishing");
    await fixture.pass(300);
    await fixture.until(audio.write(tone(700, 24_000), { final: true }), "writing");
    await fixture.until(audio.drain(), "playing");
    await fixture.pass(300);
    await comesNear(fixture, () => anna.heardMs, 700, "what was heard");
    near(fixture, audio.playedMs, 700, "playedMs");
    near(fixture, audio.heardMs, 700, "heardMs");
    expectSame(audio.bufferedMs, 0, "bufferedMs");
    audio.close();
  },

  "audio and video can be published together": async (fixture) => {
    await publishBoth(fixture);
  },

  "audio and video are published in one negotiation": part("negotiations", async (fixture) => {
    const { edgeUnderTest } = fixture;
    const count = fixture.own("EdgeUnderTest.negotiations", edgeUnderTest.negotiations);
    let before = 0;
    const connection = await publishBoth(fixture, (connection) => {
      before = count.call(edgeUnderTest, connection);
    });
    expectSame(count.call(edgeUnderTest, connection) - before, 1, "negotiations");
  }),

  "flush silences immediately, and returns what was played and what was discarded": async (
    fixture,
  ) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    const audio = fixture.edge.createAudioTrack();
    await fixture.until(fixture.edge.publishTracks({ audio }, { connection }), "publishing");
    await fixture.pass(300);
    const writing = fixture.later(audio.write(tone(3000)));
    await fixture.pass(600);
    const result = await fixture.until(audio.flush(), "flushing");
    await fixture.until(writing, "writing");
    near(fixture, result.playedMs + result.discardedMs, 3000, "played and discarded");
    await fixture.pass(300);
    const heard = anna.heardMs;
    near(fixture, heard, result.playedMs, "what was heard");
    await fixture.pass(500);
    expectSame(anna.heardMs, heard, "what was heard later");
    await fixture.until(audio.write(tone(200), { final: true }), "writing");
    await fixture.until(audio.drain(), "playing");
    await fixture.pass(300);
    await comesNear(fixture, () => anna.heardMs - heard, 200, "what was said after the flush");
    audio.close();
  },

  "pause silences and resume plays the rest": async (fixture) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    const audio = fixture.edge.createAudioTrack();
    await fixture.until(fixture.edge.publishTracks({ audio }, { connection }), "publishing");
    await fixture.pass(300);
    await fixture.until(audio.write(tone(1000), { final: true }), "writing");
    await fixture.pass(300);
    audio.pause();
    await fixture.pass(300);
    const heard = anna.heardMs;
    await fixture.pass(500);
    expectSame(anna.heardMs, heard, "what was heard while paused");
    audio.resume();
    await fixture.until(audio.drain(), "playing");
    await fixture.pass(300);
    await comesNear(fixture, () => anna.heardMs, 1000, "what was heard in all");
    audio.close();
  },

  "a track's write can be aborted while it waits": async (fixture) => {
    const audio = fixture.edge.createAudioTrack();
    const controller = new AbortController();
    const waiting = audio.write(tone(5000), { signal: controller.signal });
    controller.abort(new Error("enough"));
    const error = await rejection(waiting, "the write");
    expectSame((error as Error).message, "enough", "the reason");
    audio.close();
  },

  "video frames come from their track, and end with it": part("video", async (fixture) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    const publish = fixture.own("RemoteParticipant.publishVideo", anna.publishVideo);
    for (const type of [TrackType.VIDEO, TrackType.SCREEN_SHARE] as const) {
      const published = await fixture.until(publish.call(anna, type), "publishing");
      const find = () => [...connection.tracks.values()].find((one) => one.type === type);
      await fixture.eventually(() => find() !== undefined, "the track is known");
      const track = fixture.edge.addTrackSubscriber(find()!.id, { connection });
      expect(track !== undefined, "the track can be subscribed to");
      const frames = track[Symbol.asyncIterator]();
      const first = await fixture.until(frames.next(), "a frame");
      expect(first.done !== true && first.value.width > 0, "there is a picture");
      await fixture.until(published[Symbol.asyncDispose](), "unpublishing");
      await fixture.eventually(() => find() === undefined, "the track is gone");
      const ended = (async () => {
        while (!(await frames.next()).done);
      })();
      await fixture.until(ended, "the end of the pictures");
      track.close();
    }
  }),

  "addTrackSubscriber returns undefined for an unknown track": async (fixture) => {
    const { connection } = await fixture.join();
    const none = fixture.edge.addTrackSubscriber("no such track", { connection });
    expectSame(none, undefined, "the subscription");
  },
};

/** Joins, and publishes audio and, where the edge carries it, video. */
async function publishBoth(
  fixture: Fixture,
  onJoined?: (connection: CallConnection) => void,
): Promise<CallConnection> {
  const { connection } = await fixture.join();
  onJoined?.(connection);
  const audio = fixture.edge.createAudioTrack();
  const video = new LatestVideoTrack();
  const tracks = fixture.options.video === false ? { audio } : { audio, video };
  await fixture.until(fixture.edge.publishTracks(tracks, { connection }), "publishing");
  audio.close();
  video.close();
  return connection;
}
