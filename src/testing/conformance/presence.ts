/** The contract of an edge: who is in a call. @module */
import type { Connection } from "../../edge/connection.ts";
import { type Contract, expect, expectSame, part, RecordingAgent, rejection } from "./fixture.ts";

/** Participants, and the state of the connection. */
export const presence: Contract = {
  "authenticate accepts a user repeatedly": async (fixture) => {
    await fixture.call(new RecordingAgent("one"));
    await fixture.call(new RecordingAgent("one"));
    await fixture.call(new RecordingAgent("two"));
  },

  "createCall creates a call, and returns it again": async (fixture) => {
    const first = await fixture.call();
    const again = await fixture.call();
    expectSame([first.id, again.id, again.type], ["kit", "kit", "default"], "the calls");
  },

  "joining an empty call returns a waiting connection": async (fixture) => {
    const { connection, call } = await fixture.join();
    expectSame(connection.state, "waiting", "the state");
    expectSame(connection.participants.size, 0, "the participants");
    const { edge } = connection as Connection;
    expectSame([connection.call.id, edge === fixture.edge], [call.id, true], "its call");
    expectSame(fixture.log, ["establishing -> waiting"], "the events");
  },

  "an empty call is idle from the moment the agent joined": async (fixture) => {
    const { connection } = await fixture.join();
    await fixture.pass(120);
    expect(connection.idleForMs() >= 100, `idle for ${connection.idleForMs()} ms after 120`);
    expect(connection.onCallForMs() >= 100, `on call for ${connection.onCallForMs()} ms`);
    expect(connection.idleSince() > 0, "idleSince tells when");
  },

  "events describe the participants in the call on joining, with their tracks": async (fixture) => {
    const agent = new RecordingAgent("agent");
    const call = await fixture.call(agent);
    // A call may exist for people only while an agent keeps it open.
    const first = await fixture.until(
      fixture.edge.join(new RecordingAgent("first"), call),
      "joining",
    );
    const anna = await fixture.enterAndBeSeen(first, "anna");
    await fixture.eventually(() => first.tracks.size > 0, "the first agent sees the track");
    const connection = await fixture.until(fixture.edge.join(agent, call), "joining");
    await fixture.eventually(
      () => connection.participants.has(anna.participantId),
      "anna is known",
    );
    await fixture.eventually(
      () => [...connection.tracks.values()].some((one) => one.participant.kind === "person"),
      "their track is known",
    );
    expectSame(connection.state, "active", "the state");
    expectSame(connection.idleForMs(), 0, "idleForMs");
    const joined = fixture.log.filter((line) => line === `joined ${anna.participantId}`).length;
    expectSame(joined, 2, "events, one for each of the two connections");
  },

  "the connection is active while a person is present and idle when all have left": async (
    fixture,
  ) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    const bert = await fixture.enterAndBeSeen(connection, "bert");
    expectSame([connection.state, connection.idleForMs()], ["active", 0], "with two");
    await fixture.until(anna.leave(), "leaving");
    await fixture.eventually(() => connection.participants.size === 1, "anna is gone");
    expectSame([connection.state, connection.idleForMs()], ["active", 0], "with one");
    await fixture.until(bert.leave(), "leaving");
    await fixture.eventually(() => connection.state === "idle", "the connection is idle");
    await fixture.pass(60);
    expect(connection.idleForMs() >= 50, `idle for ${connection.idleForMs()} ms after 60`);
    await fixture.enterAndBeSeen(connection, "carl");
    expectSame([connection.state, connection.idleForMs()], ["active", 0], "with another");
    const states = fixture.log.filter((line) => line.includes("->"));
    expectSame(states, [
      "establishing -> waiting",
      "waiting -> active",
      "active -> idle",
      "idle -> active",
    ], "the states");
  },

  "waitForParticipant resolves when one joins, and waits again after all have left": async (
    fixture,
  ) => {
    const { connection } = await fixture.join();
    const waiting = fixture.later(connection.waitForParticipant({ timeoutMs: fixture.limitMs }));
    const anna = await fixture.enter(connection.call, "anna");
    expectSame((await fixture.until(waiting, "waiting")).id, anna.participantId, "who came");
    await fixture.until(anna.leave(), "leaving");
    await fixture.eventually(() => connection.state === "idle", "the connection is idle");
    const error = await rejection(
      fixture.until(connection.waitForParticipant({ timeoutMs: 50 }), "waiting"),
      "waiting in an empty call",
    );
    expectSame((error as Error).name, "TimeoutError", "the error");
  },

  "a participant's leaving follows the removal of their tracks": async (fixture) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    const id = anna.participantId;
    await fixture.eventually(() => connection.tracks.size === 1, "their track is known");
    await fixture.until(anna.leave(), "leaving");
    await fixture.eventually(() => fixture.log.includes(`left ${id}`), "their leaving is logged");
    const story = fixture.log.filter((line) => line.endsWith(id));
    const expected = [`joined ${id}`, `track of ${id}`, `no track of ${id}`, `left ${id}`];
    expectSame(story, expected, "the events");
    expectSame([connection.participants.size, connection.tracks.size], [0, 0], "what is left");
  },

  "one user on two devices is two participants, and leaving with one removes one": async (
    fixture,
  ) => {
    const { connection } = await fixture.join();
    const laptop = await fixture.enterAndBeSeen(connection, "anna");
    const phone = await fixture.enterAndBeSeen(connection, "anna");
    expect(laptop.participantId !== phone.participantId, "their ids differ");
    const users = [...connection.participants.values()].map((one) => one.userId);
    expectSame(users.length, 2, "the participants");
    expectSame(new Set(users).size, 1, "the users");
    await fixture.eventually(() => connection.tracks.size === 2, "both tracks are known");
    await fixture.until(laptop.leave(), "leaving");
    await fixture.eventually(() => connection.participants.size === 1, "the laptop is gone");
    expectSame([...connection.participants.keys()], [phone.participantId], "who is left");
    const owners = [...connection.tracks.values()].map((one) => one.participant.id);
    expectSame(owners, [phone.participantId], "whose track is left");
    expect(fixture.log.includes(`no track of ${laptop.participantId}`), "the removal is an event");
    expectSame(connection.state, "active", "the state");
  },

  "muting and unmuting update the track": part("mute", async (fixture) => {
    const { connection } = await fixture.join();
    const anna = await fixture.enterAndBeSeen(connection, "anna");
    await fixture.eventually(() => connection.tracks.size === 1, "their track is known");
    const muted = () => [...connection.tracks.values()][0]?.muted;
    await fixture.until(anna.mute(true), "muting");
    await fixture.eventually(() => muted() === true, "the track is muted");
    await fixture.until(anna.mute(false), "unmuting");
    await fixture.eventually(() => muted() === false, "the track is unmuted");
    const told = fixture.log.filter((line) => line.endsWith("muted"));
    const id = anna.participantId;
    expectSame(told, [`track of ${id} muted`, `track of ${id} unmuted`], "the events");
  }),

  "agents are not people: two agents alone wait, and are idle": async (fixture) => {
    const call = await fixture.call();
    const one = await fixture.until(fixture.edge.join(new RecordingAgent("one"), call), "joining");
    const two = await fixture.until(fixture.edge.join(new RecordingAgent("two"), call), "joining");
    await fixture.eventually(
      () => one.participants.size === 1 && two.participants.size === 1,
      "the agents see each other",
    );
    const kinds = [...one.participants.values()].map((participant) => participant.kind);
    expectSame(kinds, ["agent"], "what one sees");
    await fixture.pass(60);
    expectSame([one.state, two.state], ["waiting", "waiting"], "the states");
    expect(one.idleForMs() >= 50, `idle for ${one.idleForMs()} ms after 60`);
  },
};
