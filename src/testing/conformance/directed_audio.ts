/** The contract of an edge: audio for one participant. @module */
import type { CallConnection } from "../../edge/call_connection.ts";
import {
  comesNear,
  type Contract,
  expect,
  expectCannot,
  expectSame,
  type Fixture,
  near,
  part,
  RecordingAgent,
  rejection,
  tone,
  without,
} from "./fixture.ts";

/** Audio that one participant hears, and edges whose participants all hear the same. */
export const directedAudio: Contract = {
  "an edge whose participants all hear the same says so": without(
    "directedAudio",
    async (fixture) => {
      const { connection } = await fixture.join();
      const anna = await fixture.enterAndBeSeen(connection, "anna");
      expectSame(fixture.edge.supportsDirectedAudio, false, "supportsDirectedAudio");
      const create = async () => await trackTo(fixture, connection, anna.participantId);
      expectCannot(await rejection(create(), "a track to one participant"), fixture.edge);
      expectSame(connection.state, "active", "the state");
    },
  ),

  "a track to one participant is heard by them, and by no other person or agent": part(
    "directedAudio",
    async (fixture) => {
      const { connection, call } = await fixture.join();
      const curious = new RecordingAgent("curious", { hearsAgents: true });
      await fixture.until(fixture.edge.join(curious, call), "joining");
      const anna = await fixture.enterAndBeSeen(connection, "anna");
      const bert = await fixture.enterAndBeSeen(connection, "bert");
      const track = trackTo(fixture, connection, anna.participantId);
      await fixture.until(connection.publishDirectedAudio(track), "publishing");
      const whispering = fixture.later(track.write(tone(10_000)));
      await fixture.eventually(() => anna.heardMs >= 300, "anna hears it");
      const others = () => [bert.heardMs, ...curious.heardMs.values()].filter((ms) => ms > 0);
      expectSame(others(), [], "what the others heard");
      const { playedMs, discardedMs } = await fixture.until(track.flush(), "flushing");
      await fixture.until(whispering, "writing");
      near(fixture, playedMs + discardedMs, 10_000, "played and discarded");
      await fixture.pass(300);
      expectSame(others(), [], "what the others heard later");
      // They could hear: a track to all is heard by both.
      const audio = fixture.edge.createAudioTrack();
      await fixture.until(fixture.edge.publishTracks({ audio }, { connection }), "publishing");
      const speaking = fixture.later(audio.write(tone(10_000)));
      await fixture.eventually(() => others().length === 2, "the others hear a track to all");
      await fixture.until(audio.flush(), "flushing");
      await fixture.until(speaking, "writing");
      audio.close();
      track.close();
    },
  ),

  "a track to one participant flushes and pauses as any other": part(
    "directedAudio",
    async (fixture) => {
      const { connection } = await fixture.join();
      const anna = await fixture.enterAndBeSeen(connection, "anna");
      const track = trackTo(fixture, connection, anna.participantId);
      await fixture.until(connection.publishDirectedAudio(track), "publishing");
      await fixture.pass(300);
      const writing = fixture.later(track.write(tone(3000)));
      await fixture.eventually(() => anna.heardMs > 0, "anna hears its beginning");
      track.pause();
      await fixture.pass(500);
      const { playedMs: pausedMs } = track;
      await comesNear(fixture, () => anna.heardMs, pausedMs, "what was heard before the pause");
      await fixture.pass(300);
      expectSame(track.playedMs, pausedMs, "what was played while paused");
      const { playedMs, discardedMs } = await fixture.until(track.flush(), "flushing");
      await fixture.until(writing, "writing");
      track.resume();
      await comesNear(fixture, () => playedMs + discardedMs, 3000, "played and discarded");
      await comesNear(fixture, () => anna.heardMs, playedMs, "what was heard in all");
      track.close();
    },
  ),

  "a track to one participant is closed when they leave": part("directedAudio", async (fixture) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    await fixture.enterAndBeSeen(connection, "bert");
    const track = trackTo(fixture, connection, anna.participantId);
    await fixture.until(connection.publishDirectedAudio(track), "publishing");
    const twice = await rejection(connection.publishDirectedAudio(track), "publishing it again");
    expect(twice instanceof TypeError, `expected a TypeError, got ${twice}`);
    let isClosed = false;
    void track.closed.then(() => isClosed = true);
    await fixture.until(anna.leave(), "leaving");
    await fixture.eventually(() => isClosed, "the track is closed");
    expectSame(connection.state, "active", "the state");
  }),
};

/** A track to a participant whom the agent sees. */
function trackTo(fixture: Fixture, connection: CallConnection, participantId: string) {
  return fixture.edge.createAudioTrack({ to: connection.participants.get(participantId)! });
}
