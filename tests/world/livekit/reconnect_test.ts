/** What interrupts an agent's call on LiveKit's own server, and how it comes back. */
import { assert, assertEquals } from "@std/assert";
import {
  ConnectionStateChangedEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  TrackAddedEvent,
  TrackRemovedEvent,
} from "@ringline/edge";
import { AgentMutedEvent, ReconnectedEvent } from "@ringline/livekit";
import { Listener } from "../../edges/getstream/listener.ts";
import { until } from "../../fixtures/until.ts";
import { edgeOn, entry, liveKitTest } from "./_fixture.ts";
import { Guest } from "./_guest.ts";
import { LiveKitServer } from "./_server.ts";
import { Wire } from "./_wire.ts";
import { playTone } from "../../fixtures/performer.ts";

const ANNA = { id: "anna", name: "Anna" };

/** Waits until the agent has heard a participant for so long, from now on. */
async function hears(agent: Listener, participantId: string, ms = 400): Promise<void> {
  const since = performance.now();
  await until(
    `the agent hears ${participantId}`,
    () =>
      agent.slots.filter(({ at, rms, participantId: id }) =>
        at > since && rms > 0.05 && id === participantId
      ).length > ms / 20,
  );
}

liveKitTest("a lost socket is opened again, and sound goes on meanwhile", async (world) => {
  const { server, guests } = world;
  await using wire = new Wire(server.port);
  await using edge = edgeOn(wire.url);
  const agent = new Listener({ id: "bot", name: "Bot" });
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(agent, call);
  await playTone(connection, edge);
  const anna = await Guest.join(guests, await entry(edge, call, server.url, ANNA));
  await anna.run("startTone", 440);
  await until("anna is here", () => connection.participants.has(anna.sid));
  await hears(agent, anna.sid);
  await anna.hears();
  let changes = 0;
  using _changes = edge.events.subscribe(
    [TrackAddedEvent, TrackRemovedEvent, ParticipantJoinedEvent],
    () => void changes++,
  );
  const { strategy } = await edge.reconnect(connection, "resume");
  assertEquals(strategy, "resume");
  await hears(agent, anna.sid);
  await anna.hears();
  assertEquals(changes, 0, "what the agent noticed of it");

  // Away for longer than a moment: it is tried again and again.
  wire.cut(true);
  await until("it is reconnecting", () => connection.isReconnecting);
  wire.cut(false);
  await until("it is back", () => !connection.isReconnecting);
  await hears(agent, anna.sid);

  const again = await edge.reconnect(connection, "rejoin");
  assertEquals([again.strategy, connection.state], ["rejoin", "active"]);
  assertEquals([...connection.participants.keys()], [anna.sid]);
  await hears(agent, anna.sid);
  await anna.hears();
});

liveKitTest("a server that dies is left for the next, where people come back as they were", async (
  world,
) => {
  const { server, guests } = world;
  await using next = await LiveKitServer.start();
  await using edge = edgeOn([server.url, next.url]);
  const agent = new Listener({ id: "bot", name: "Bot" });
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(agent, call);
  const story: string[] = [];
  edge.events.subscribe(ParticipantLeftEvent, () => void story.push("left"));
  edge.events.subscribe(ConnectionStateChangedEvent, ({ state, previous }) => {
    if (state !== previous) story.push(state);
  });
  await playTone(connection, edge);
  const before = await Guest.join(guests, await entry(edge, call, server.url, ANNA));
  await until("anna is here", () => connection.participants.has(before.sid));
  story.length = 0;
  await server.kill();
  await until("the agent is back", async () =>
    !connection.isReconnecting &&
    (await next.rooms.listParticipants("kitchen").catch(() => [])).length === 1);
  const anna = await Guest.join(guests, await entry(edge, call, next.url, ANNA));
  await anna.run("startTone", 440);
  await hears(agent, before.sid);
  await anna.hears();
  assertEquals([...connection.participants.keys()], [before.sid]);
  assertEquals([story, connection.idleForMs()], [[], 0]);
});

liveKitTest("a server that is stopped is left for the next", async ({ server }) => {
  await using next = await LiveKitServer.start();
  await using edge = edgeOn([server.url, next.url]);
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(new Listener({ id: "bot", name: "Bot" }), call);
  const back = Promise.withResolvers<ReconnectedEvent>();
  edge.events.subscribe(ReconnectedEvent, back.resolve);
  await server.hasMediaOf("bot", "kitchen");
  await server.stop();
  const { strategy, attempts } = await back.promise;
  assertEquals([strategy, connection.state], ["rejoin", "waiting"]);
  // It does not wait until what it says at the end has been sent: then three resumptions fail before.
  assert(attempts === 1 || attempts === 4, `${attempts} attempts`);
  assertEquals((await next.rooms.listParticipants("kitchen")).length, 1);
});

liveKitTest("a person who is lost and comes back was never away", async ({ server, guests }) => {
  await using edge = edgeOn(server.url);
  const agent = new Listener({ id: "bot", name: "Bot" });
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(agent, call);
  const anna = await Guest.join(guests, await entry(edge, call, server.url, ANNA));
  await anna.run("startTone", 440);
  await until("anna is here", () => connection.participants.has(anna.sid));
  await hears(agent, anna.sid);
  const story: string[] = [];
  edge.events.subscribe(
    [ParticipantJoinedEvent, ParticipantLeftEvent, ConnectionStateChangedEvent],
    ({ type }) => void story.push(type),
  );
  const [track] = connection.tracks.keys();
  await anna.run("lose");
  await anna.run("regain");
  await until("their new track", () => {
    const [id] = connection.tracks.keys();
    return id !== undefined && id !== track;
  });
  await hears(agent, anna.sid);
  assertEquals([[...connection.participants.keys()], story], [[anna.sid], []]);
});

liveKitTest(
  "a media process that dies is replaced, and all are still there",
  async ({ server, guests }) => {
    await using edge = edgeOn(server.url);
    const agent = new Listener({ id: "bot", name: "Bot" });
    const call = await edge.createCall("kitchen");
    const connection = await edge.join(agent, call);
    const audio = await playTone(connection, edge);
    const anna = await Guest.join(guests, await entry(edge, call, server.url, ANNA));
    await anna.run("startTone", 440);
    await until("anna is here", () => connection.participants.has(anna.sid));
    await hears(agent, anna.sid);
    const muted: string[] = [];
    edge.events.subscribe(AgentMutedEvent, (e) => void muted.push(`${e.track} ${e.muted}`));
    const story: string[] = [];
    edge.events.subscribe(
      [ParticipantJoinedEvent, ParticipantLeftEvent],
      ({ type }) => void story.push(type),
    );
    const pid = edge.mediaProcessId!;
    Deno.kill(pid, "SIGKILL");
    await until("another process", () => edge.mediaProcessId !== pid && !connection.isReconnecting);
    await hears(agent, anna.sid);
    await anna.hears();
    assertEquals([[...connection.participants.keys()], story], [[anna.sid], []]);

    // What a moderator has muted stays so, until the agent itself publishes it again.
    const [track] = (await server.rooms.getParticipant("kitchen", "bot")).tracks;
    await server.rooms.mutePublishedTrack("kitchen", "bot", track!.sid, true);
    await until("the mute", () => muted.length === 1);
    // A process that dies twice right after a message of one call lets that call go.
    await hears(agent, anna.sid, 2000);
    const second = edge.mediaProcessId!;
    Deno.kill(second, "SIGKILL");
    await until(
      "a third process",
      () => edge.mediaProcessId !== second && !connection.isReconnecting,
    );
    await hears(agent, anna.sid);
    const { tracks } = await server.rooms.getParticipant("kitchen", "bot");
    assertEquals([tracks.length, muted], [0, ["audio true"]]);
    await connection.publishTracks({ audio });
    await anna.hears();
  },
);
