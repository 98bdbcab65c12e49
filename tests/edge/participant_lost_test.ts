import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Connection } from "../../src/edge/connection.ts";
import { Call } from "../../src/edge/call.ts";
import {
  ConnectionStateChangedEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
} from "../../src/edge/events.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { join as joinCall, joinAnna } from "../agent/_call.ts";
import { Fixture } from "../inference/_fixture.ts";

/** A connection whose reports are the test's. */
class OpenConnection extends Connection {
  override publishTracks = () => Promise.resolve();
  override addTrackSubscriber = () => undefined;
  protected override deliverCustomEvent = () => Promise.resolve();
  protected override disconnect = () => Promise.resolve();
  enter = () => this.established();
  join = (id: string) =>
    this.participantJoined({ id, userId: id, name: id, kind: "person", original: null });
  leave = (id: string) => this.participantLeft(id);
  lose = (id: string, graceMs?: number) => this.participantLost(id, { graceMs });
  count = (viewers: number) => this.viewersCounted(viewers);
}

async function open() {
  const clock = new VirtualClock();
  const edge = new MemoryEdge({ clock, logger: silentLogger });
  const log: string[] = [];
  edge.events.subscribe(ParticipantJoinedEvent, (e) => void log.push(`joined ${e.participant.id}`));
  edge.events.subscribe(ParticipantLeftEvent, (e) => void log.push(`left ${e.participant.id}`));
  edge.events.subscribe(ConnectionStateChangedEvent, ({ state }) => void log.push(state));
  const agent = {
    user: { id: "agent", name: "Agent" },
    audioSubscription: { sampleRate: 16_000, agents: false } as const,
    receiveRow() {},
  };
  const connection = new OpenConnection({ edge, agent, call: new Call({ id: "kitchen" }) });
  connection.enter();
  await Promise.resolve();
  return { clock, edge, connection, log };
}

Deno.test("a lost participant stays in the call for six seconds, and has left then", async () => {
  const { clock, edge, connection, log } = await open();
  connection.join("anna");
  connection.lose("anna");
  await clock.advance(5999);
  assertEquals([connection.state, connection.idleForMs()], ["active", 0]);
  assertEquals((await connection.waitForParticipant()).id, "anna");
  await clock.advance(1);
  assertEquals([connection.state, connection.participants.size], ["idle", 0]);
  assertEquals(log, ["waiting", "active", "joined anna", "idle", "left anna"]);
  connection.lose("anna");
  connection.lose("stranger");
  assertThrows(() => connection.lose("anna", -1), RangeError, "graceMs");
  await clock.until(edge.close());
  assertEquals(clock.pending, 0);
});

Deno.test("a connection that closes waits for no lost participant", async () => {
  const { clock, edge, connection } = await open();
  connection.join("anna");
  connection.lose("anna");
  await clock.until(edge.close());
  assertEquals(clock.pending, 0);
});

Deno.test("anonymous viewers are no participants, and their call is not idle", async () => {
  const { clock, edge, connection, log } = await open();
  await clock.advance(100);
  assertEquals(connection.idleForMs(), 100);
  connection.count(2);
  const waiting = connection.waitForParticipant();
  assertEquals([connection.state, connection.participants.size], ["active", 0]);
  await clock.advance(100);
  assertEquals(connection.idleForMs(), 0);
  connection.join("anna");
  assertEquals((await waiting).id, "anna", "a viewer is no person to wait for");
  connection.leave("anna");
  assertEquals(connection.state, "active");
  connection.count(0);
  assertEquals(connection.state, "idle");
  assertEquals(log, ["waiting", "active", "joined anna", "left anna", "idle"]);
  for (const count of [-1, 0.5, NaN]) {
    assertThrows(() => connection.count(count), RangeError, "count: expected");
  }
  await clock.until(edge.close());
  connection.count(1);
  assertEquals(connection.state, "closed");
});

Deno.test("closeWhenIdleMs does not end the call of an agent that only viewers watch", async () => {
  const { clock, edge, call, connection } = await joinCall({ closeWhenIdleMs: 10_000 });
  await clock.advance(9000);
  edge.countViewers(call, 3);
  await clock.advance(60_000);
  assertEquals([connection.state, connection.participants.size], ["active", 0]);
  edge.countViewers(call, 0);
  await clock.advance(9999);
  assertEquals(connection.state, "idle");
  await clock.advance(1);
  assertEquals(await clock.until(connection.closed), "left");
});

/** Whatever is reported: who is in the call follows from the last report about each. */
Deno.test("participants come, go, are lost and come back in any order", async () => {
  const step = fc.record({
    what: fc.constantFrom("join", "leave", "lose", "wait", "count" as const),
    who: fc.constantFrom("anna", "bert"),
    ms: fc.integer({ min: 1, max: 5000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { clock, edge, connection, log } = await open();
      const until = new Map<string, number>();
      let [now, viewers] = [0, 0];
      const expectHere = () => {
        const here = [...until].filter(([, end]) => end > now).map(([id]) => id).sort();
        assertEquals([...connection.participants.keys()].sort(), here);
        assertEquals(connection.state === "active", here.length > 0 || viewers > 0);
      };
      for (const { what, who, ms } of steps) {
        if (what === "wait") await clock.advance(ms);
        else if (what === "count") connection.count(viewers = ms % 3);
        else connection[what](who);
        if (what === "wait") now += ms;
        for (const [id, end] of [...until]) if (end <= now) until.delete(id);
        if (what === "join") until.set(who, Infinity);
        if (what === "leave") until.delete(who);
        if (what === "lose" && until.has(who)) until.set(who, now + 6000);
        expectHere();
      }
      // Each comes and goes alternately.
      for (const who of ["anna", "bert"]) {
        const ways = log.filter((line) => line.endsWith(` ${who}`));
        assert(ways.every((line, at) => line.startsWith(at % 2 === 0 ? "joined" : "left")));
      }
      await clock.until(edge.close());
      assertEquals(clock.pending, 0);
    }),
    { seed: 42, numRuns: 100 },
  );
});

Deno.test("an agent goes on speaking to a person who is lost, and greets them once", async () => {
  const greeted: string[] = [];
  await using fixture = await Fixture.set({
    voice: { msPerChar: 50 },
    agent: {
      processors: [{
        name: "greeter",
        participantJoined: ({ userId }) => void greeted.push(userId),
      }],
    },
  });
  const { clock, agent, ann } = fixture;
  const saying = agent.say("One two three four five six seven eight nine ten.");
  await clock.advance(500);
  ann.loseNetwork();
  await clock.advance(1000);
  assertEquals(fixture.connection.state, "active");
  ann.regainNetwork();
  const { interrupted, text } = await clock.until(saying);
  assertEquals([interrupted, text.endsWith("ten.")], [false, true]);
  assertEquals(greeted, ["ann"]);
  assertEquals(fixture.connection.tracks.size, 1);
});

Deno.test("a person who does not come back has left their agent", async () => {
  const { clock, connection, anna, agent } = await joinAnna();
  anna.loseNetwork();
  await clock.advance(6000);
  assertEquals([connection.state, anna.isLost], ["idle", true]);
  anna.regainNetwork();
  assertEquals(connection.participants.size, 0);
  await clock.until(agent.close());
  assertEquals(clock.pending, 0);
});
