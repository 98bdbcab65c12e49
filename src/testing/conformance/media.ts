import type { Contract } from "./conformance.ts";
import type { RemoteParty } from "./under_test.ts";
import { audibleMs, type Bench, expect, NotingAgent, rejection, tone } from "./fixture.ts";
import { expectSame } from "./fixture.ts";
import { LatestVideoTrack } from "../../edge/toolkit/latest_video_track.ts";
import { AudioReceivedEvent } from "../../edge/events.ts";
import { TrackType } from "../../edge/types.ts";

/** How late the last of what was said may be heard. */
const PATIENCE_MS = 3000;

function near(bench: Bench, actual: number | undefined, expected: number, what: string): void {
  const off = Math.abs((actual ?? 0) - expected);
  expect(off <= bench.toleranceMs, `${what}: expected about ${expected} ms, got ${actual}`);
}

/** As `near`, with patience for what is still on its way: jitter buffers and busy machines. */
async function comesNear(
  bench: Bench,
  read: () => number | undefined,
  expected: number,
  what: string,
): Promise<void> {
  for (let passed = 0; passed < PATIENCE_MS; passed += 50) {
    if (Math.abs((read() ?? 0) - expected) <= bench.toleranceMs) break;
    await bench.pass(50);
  }
  near(bench, read(), expected, what);
}

/** What is heard, said and seen. */
export const media: Contract = {
  "what a person says is heard in full": async (bench) => {
    const agent = new NotingAgent("agent");
    const { connection } = await bench.join(agent);
    const anna = await bench.enterAndBeSeen(connection, "anna");
    await bench.until(anna.speak(tone(1000)), "speaking");
    await bench.pass(200);
    await comesNear(bench, () => agent.heardMs.get(anna.participantId), 1000, "what was heard");
    expectSame([...agent.heardMs.keys()], [anna.participantId], "who was heard");
  },

  "audio events name their connection and participant and carry a copy": async (bench) => {
    const { connection } = await bench.join();
    const anna = await bench.enterAndBeSeen(connection, "anna");
    const kept: AudioReceivedEvent[] = [];
    using _subscription = bench.edge.events.subscribe(AudioReceivedEvent, (event) => {
      kept.push(event);
    });
    await bench.until(anna.speak(tone(400)), "speaking");
    await bench.pass(200);
    const keptMs = () => kept.reduce((ms, event) => ms + audibleMs(event.pcm), 0);
    await comesNear(bench, keptMs, 400, "what was kept");
    expect(kept.every((event) => event.connection === connection), "the connection is named");
    const from = new Set(kept.map((event) => event.participant.id));
    expectSame([...from], [anna.participantId], "who was heard");
  },

  "audio that comes before its track's event is heard, and the track is told once": async (
    bench,
  ) => {
    if (!bench.sut.enterEarly) return;
    const agent = new NotingAgent("agent");
    const { connection, call } = await bench.join(agent);
    const anna = await bench.until(
      bench.sut.enterEarly(call, { userId: "anna", trackDelayMs: 200 }),
      "entering",
    );
    await bench.eventually(() => connection.participants.size === 1, "she is seen");
    await bench.until(anna.speak(tone(500)), "speaking");
    await bench.pass(200);
    await comesNear(bench, () => agent.heardMs.get(anna.participantId), 500, "what was heard");
    const told = bench.log.filter((line) => line === `track of ${anna.participantId}`);
    expectSame(told.length, 1, "events of the track");
  },

  "nobody is heard while muted": async (bench) => {
    const agent = new NotingAgent("agent");
    const { connection } = await bench.join(agent);
    const anna = await bench.enterAndBeSeen(connection, "anna");
    await bench.until(anna.mute(true), "muting");
    await bench.pass(100);
    await bench.until(anna.speak(tone(300)), "speaking");
    await bench.pass(200);
    near(bench, agent.heardMs.get(anna.participantId), 0, "what was heard");
  },

  "nobody is heard after leaving in mid-sentence, and the others are": async (bench) => {
    const agent = new NotingAgent("agent");
    const { connection } = await bench.join(agent);
    const anna = await bench.enterAndBeSeen(connection, "anna");
    const bert = await bench.enterAndBeSeen(connection, "bert");
    const speaking = Promise.all([
      anna.speak(tone(1000)).catch(() => {}),
      bert.speak(tone(1000)),
    ]);
    await bench.pass(400);
    await bench.until(anna.leave(), "leaving");
    await bench.eventually(() => connection.participants.size === 1, "anna is gone");
    const heard = agent.heardMs.get(anna.participantId);
    await bench.until(speaking, "speaking");
    await bench.pass(200);
    expectSame(agent.heardMs.get(anna.participantId), heard, "what was heard of her");
    await comesNear(bench, () => agent.heardMs.get(bert.participantId), 1000, "bert's part");
  },

  "a rate that changes in mid-call is neither a gap nor a change of speed": async (bench) => {
    if (bench.options.rateChange === false) return;
    const agent = new NotingAgent("agent");
    const { connection } = await bench.join(agent);
    const anna = await bench.enterAndBeSeen(connection, "anna");
    for (const [rate, channels] of [[48_000, 1], [16_000, 1], [44_100, 2], [8000, 1]]) {
      await bench.until(anna.speak(tone(300, rate, channels)), "speaking");
    }
    await bench.pass(200);
    await comesNear(bench, () => agent.heardMs.get(anna.participantId), 1200, "what was heard");
  },

  "two agents on one edge hear only their own calls": async (bench) => {
    const agents = [new NotingAgent("one"), new NotingAgent("two")];
    const heard: { callId: string; from: string }[] = [];
    using _subscription = bench.edge.events.subscribe(AudioReceivedEvent, (event) => {
      heard.push({ callId: event.connection.call.id, from: event.participant.id });
    });
    const parties: RemoteParty[] = [];
    for (const [index, agent] of agents.entries()) {
      const { connection } = await bench.join(agent, `kit-${index}`);
      parties.push(await bench.enterAndBeSeen(connection, `person-${index}`));
    }
    const speaking = Promise.all([parties[0]!.speak(tone(200)), parties[1]!.speak(tone(500))]);
    await bench.until(speaking, "speaking");
    await bench.pass(200);
    for (const [index, expected] of [200, 500].entries()) {
      const { heardMs } = agents[index]!;
      const id = parties[index]!.participantId;
      await comesNear(bench, () => heardMs.get(id), expected, `agent ${index}`);
      const audible = [...heardMs].filter(([, ms]) => ms > 0).map(([heardId]) => heardId);
      expectSame(audible, [id], `whom agent ${index} heard`);
    }
    const crossed = heard.filter(({ callId, from }) => {
      return parties[Number(callId.split("-")[1])]!.participantId !== from;
    });
    expectSame(crossed.length, 0, "events of the other call");
  },

  "agents are heard by agents who ask for it, and by no others": async (bench) => {
    const call = await bench.call();
    const deaf = new NotingAgent("deaf");
    const curious = new NotingAgent("curious", { hearsAgents: true });
    await bench.until(bench.edge.join(deaf, call), "joining");
    await bench.until(bench.edge.join(curious, call), "joining");
    const talker = new NotingAgent("talker");
    const connection = await bench.until(bench.edge.join(talker, call), "joining");
    const audio = bench.edge.createAudioTrack();
    await bench.until(bench.edge.publishTracks({ audio }, { connection }), "publishing");
    await bench.pass(300);
    await bench.until(audio.write(tone(500), { final: true }), "writing");
    await bench.until(audio.drain(), "playing");
    await bench.pass(300);
    const sum = (agent: NotingAgent) => [...agent.heardMs.values()].reduce((a, b) => a + b, 0);
    await comesNear(bench, () => sum(curious), 500, "what the curious one heard");
    expectSame([sum(deaf), sum(talker)], [0, 0], "what the others heard");
    audio.close();
  },

  "what the agent says is heard in full and once": async (bench) => {
    const { connection } = await bench.join();
    const anna = await bench.enterAndBeSeen(connection, "anna");
    const audio = bench.edge.createAudioTrack();
    await bench.until(bench.edge.publishTracks({ audio }, { connection }), "publishing");
    await bench.pass(300);
    await bench.until(audio.write(tone(700, 24_000), { final: true }), "writing");
    await bench.until(audio.drain(), "playing");
    await bench.pass(300);
    await comesNear(bench, () => anna.heardMs, 700, "what was heard");
    near(bench, audio.playedMs, 700, "playedMs");
    near(bench, audio.heardMs, 700, "heardMs");
    expectSame(audio.bufferedMs, 0, "bufferedMs");
    audio.close();
  },

  "voice and picture are published in one negotiation": async (bench) => {
    const { connection } = await bench.join();
    const audio = bench.edge.createAudioTrack();
    const video = new LatestVideoTrack();
    const before = bench.sut.negotiations?.(connection) ?? 0;
    const tracks = bench.options.video === false ? { audio } : { audio, video };
    await bench.until(bench.edge.publishTracks(tracks, { connection }), "publishing");
    const after = bench.sut.negotiations?.(connection) ?? before + 1;
    expectSame(after - before, 1, "negotiations");
    audio.close();
    video.close();
  },

  "a flush falls silent at once, and tells what was played and what was not": async (bench) => {
    const { connection } = await bench.join();
    const anna = await bench.enterAndBeSeen(connection, "anna");
    const audio = bench.edge.createAudioTrack();
    await bench.until(bench.edge.publishTracks({ audio }, { connection }), "publishing");
    await bench.pass(300);
    const writing = audio.write(tone(3000));
    await bench.pass(600);
    const result = await bench.until(audio.flush(), "flushing");
    await bench.until(writing, "writing");
    near(bench, result.playedMs + result.discardedMs, 3000, "played and discarded");
    await bench.pass(300);
    const heard = anna.heardMs;
    near(bench, heard, result.playedMs, "what was heard");
    await bench.pass(500);
    expectSame(anna.heardMs, heard, "what was heard later");
    await bench.until(audio.write(tone(200), { final: true }), "writing");
    await bench.until(audio.drain(), "playing");
    await bench.pass(300);
    await comesNear(bench, () => anna.heardMs - heard, 200, "what was said after the flush");
    audio.close();
  },

  "pausing falls silent and resuming says the rest": async (bench) => {
    const { connection } = await bench.join();
    const anna = await bench.enterAndBeSeen(connection, "anna");
    const audio = bench.edge.createAudioTrack();
    await bench.until(bench.edge.publishTracks({ audio }, { connection }), "publishing");
    await bench.pass(300);
    await bench.until(audio.write(tone(1000), { final: true }), "writing");
    await bench.pass(300);
    audio.pause();
    await bench.pass(300);
    const heard = anna.heardMs;
    await bench.pass(500);
    expectSame(anna.heardMs, heard, "what was heard while paused");
    audio.resume();
    await bench.until(audio.drain(), "playing");
    await bench.pass(300);
    await comesNear(bench, () => anna.heardMs, 1000, "what was heard in all");
    audio.close();
  },

  "a track's write can be aborted while it waits": async (bench) => {
    const audio = bench.edge.createAudioTrack();
    const controller = new AbortController();
    const waiting = audio.write(tone(5000), { signal: controller.signal });
    controller.abort(new Error("enough"));
    const error = await rejection(waiting, "the write");
    expectSame((error as Error).message, "enough", "the reason");
    audio.close();
  },

  "pictures are had by their track, and end with it": async (bench) => {
    if (bench.options.video === false) return;
    const { connection } = await bench.join();
    const anna = await bench.enterAndBeSeen(connection, "anna");
    for (const type of [TrackType.VIDEO, TrackType.SCREEN_SHARE] as const) {
      const published = await bench.until(anna.publishVideo!(type), "publishing");
      const find = () => [...connection.tracks.values()].find((one) => one.type === type);
      await bench.eventually(() => find() !== undefined, "the track is known");
      const track = bench.edge.addTrackSubscriber(find()!.id, { connection });
      expect(track !== undefined, "the track can be subscribed to");
      const frames = track[Symbol.asyncIterator]();
      const first = await bench.until(frames.next(), "a frame");
      expect(first.done !== true && first.value.width > 0, "there is a picture");
      await bench.until(published[Symbol.asyncDispose](), "unpublishing");
      await bench.eventually(() => find() === undefined, "the track is gone");
      const ended = (async () => {
        while (!(await frames.next()).done);
      })();
      await bench.until(ended, "the end of the pictures");
      track.close();
    }
  },

  "a track that does not exist cannot be subscribed to": async (bench) => {
    const { connection } = await bench.join();
    const none = bench.edge.addTrackSubscriber("no such track", { connection });
    expectSame(none, undefined, "the subscription");
  },
};
