import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { Call } from "../../src/edge/call.ts";
import { Connection } from "../../src/edge/connection.ts";
import type { AudioRow, EdgeAgent } from "../../src/edge/edge_agent.ts";
import { type EdgeOptions, EdgeTransport } from "../../src/edge/edge_transport.ts";
import * as events from "../../src/edge/events.ts";
import {
  type CloseReason,
  type JsonValue,
  type Participant,
  TrackType,
} from "../../src/edge/types.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

class TestConnection extends Connection {
  disconnects: CloseReason[] = [];
  sent: string[] = [];
  disconnecting: Promise<void> = Promise.resolve();
  onDisconnect = (): void => {};

  override publishTracks(): Promise<void> {
    return Promise.resolve();
  }
  override addTrackSubscriber(): undefined {
    return undefined;
  }
  protected override deliverCustomEvent(_data: JsonValue, text: string): Promise<void> {
    this.sent.push(text);
    return Promise.resolve();
  }
  protected override disconnect(reason: CloseReason): Promise<void> {
    this.disconnects.push(reason);
    this.onDisconnect();
    return this.disconnecting;
  }
  /** What an author does from inside. */
  does<T>(act: (connection: Author) => T): T {
    return act(this as unknown as Author);
  }
}

/** The methods that are protected, for a test that plays the author. */
interface Author {
  established(): void;
  participantJoined(participant: Participant): void;
  participantLeft(id: string): void;
  trackAdded(track: { id: string; type: TrackType; participantId: string; muted?: boolean }): void;
  trackUpdated(id: string, change: { muted: boolean }): void;
  trackRemoved(id: string): void;
  receiveAudio(id: string, pcm: PcmChunk, options?: { trackId?: string; row?: number }): void;
  receiveRow(row: AudioRow): void;
  customEventReceived(data: JsonValue, participantId?: string): void;
  reconnecting(): void;
  reconnected(): void;
  ended(reason: CloseReason, options?: { error?: unknown }): void;
}

class TestEdge extends EdgeTransport {
  releases = 0;
  constructor(options: EdgeOptions) {
    super({ logger: silentLogger, ...options });
  }
  override authenticate(): Promise<void> {
    return Promise.resolve();
  }
  override createCall(id: string): Promise<Call> {
    return Promise.resolve(new Call({ id }));
  }
  override join(agent: EdgeAgent, call: Call): Promise<TestConnection> {
    return Promise.resolve(new TestConnection({ edge: this, agent, call }));
  }
  protected override release(): Promise<void> {
    this.releases++;
    return Promise.resolve();
  }
}

function person(id: string, userId = id): Participant {
  return { id, userId, name: id, kind: "person", original: undefined };
}
function robot(id: string): Participant {
  return { ...person(id), kind: "agent" };
}

async function setUp() {
  const clock = new VirtualClock();
  const edge = new TestEdge({ clock });
  const rows: string[] = [];
  const agent: EdgeAgent = {
    user: { id: "agent", name: "Agent" },
    audioSubscription: { sampleRate: 16_000, agents: false },
    receiveRow: (row) => {
      for (let n = 0; n < row.count; n++) {
        const { participant, trackId, pcm, row: number } = row.entries[n]!;
        rows.push(`${number} ${participant.id} ${trackId} ${pcm.durationMs}`);
      }
    },
  };
  const connection = await edge.join(agent, new Call({ id: "kitchen" }));
  const log: string[] = [];
  edge.events.subscribe(
    [
      events.ParticipantJoinedEvent,
      events.ParticipantLeftEvent,
      events.TrackAddedEvent,
      events.TrackRemovedEvent,
      events.TrackUpdatedEvent,
      events.CallEndedEvent,
      events.ConnectionStateChangedEvent,
      events.CustomEventReceivedEvent,
      events.ErrorEvent,
    ],
    (event) => {
      assertEquals(event.connection, connection);
      if ("participant" in event && "data" in event) {
        log.push(`custom ${JSON.stringify(event.data)} from ${event.participant?.id}`);
      } else if ("participant" in event) {
        const what = event instanceof events.ParticipantJoinedEvent ? "joined" : "left";
        log.push(`${event.participant.id} ${what}`);
      } else if ("track" in event) {
        const name = event.constructor.name.replace("Track", "").replace("Event", "");
        const muted = event.track.muted ? " muted" : "";
        log.push(`${name} ${event.track.id} of ${event.track.participant.id}${muted}`);
      } else if ("state" in event) {
        const repairing = event.reconnecting ? " reconnecting" : "";
        log.push(`${event.previous} -> ${event.state}${repairing}`);
      } else if ("reason" in event) log.push(`ended: ${event.reason}`);
      else log.push(`error: ${event.context}: ${event.error}`);
    },
  );
  const author = connection as unknown as Author;
  return { clock, edge, agent, connection, author, log, rows };
}

const AUDIO = TrackType.AUDIO;

Deno.test("a call without participants is idle from the moment the agent joined", async () => {
  const { clock, connection, author, log } = await setUp();
  assertEquals([connection.state, connection.idleForMs()], ["establishing", 0]);
  await clock.advance(100);
  author.established();
  assertEquals(connection.state, "waiting");
  await clock.advance(250);
  assertEquals([connection.idleForMs(), connection.onCallForMs()], [250, 250]);
  assertEquals(connection.idleSince(), clock.epochMs() - 250);
  assertEquals(log, ["establishing -> waiting"]);
});

Deno.test("idling starts when the last person has left, and ends when one comes back", async () => {
  const { clock, connection, author, log } = await setUp();
  author.established();
  await clock.advance(50);
  author.participantJoined(person("anna"));
  author.participantJoined(person("bert"));
  await clock.advance(50);
  assertEquals([connection.state, connection.idleForMs(), connection.idleSince()], [
    "active",
    0,
    0,
  ]);
  author.participantLeft("anna");
  assertEquals(connection.state, "active");
  author.participantLeft("bert");
  await clock.advance(70);
  clock.jumpWallClock(-10_000_000);
  assertEquals([connection.state, connection.idleForMs()], ["idle", 70]);
  author.participantJoined(person("carl"));
  assertEquals([connection.state, connection.idleForMs()], ["active", 0]);
  assertEquals(log, [
    "establishing -> waiting",
    "waiting -> active",
    "anna joined",
    "bert joined",
    "anna left",
    "active -> idle",
    "bert left",
    "idle -> active",
    "carl joined",
  ]);
});

Deno.test("agents do not count: two agents alone are waiting, and idle", async () => {
  const { clock, connection, author } = await setUp();
  author.established();
  author.participantJoined(robot("other"));
  await clock.advance(30);
  assertEquals([connection.state, connection.idleForMs()], ["waiting", 30]);
  const waiting = connection.waitForParticipant({ timeoutMs: 100 });
  await assertRejects(() => clock.until(waiting), DOMException, "100 ms");
  author.participantJoined(person("anna"));
  author.participantLeft("anna");
  assertEquals([connection.state, connection.participants.size], ["idle", 1]);
});

Deno.test("who and what is there already is announced on joining, people before tracks", async () => {
  const { connection, author, log } = await setUp();
  author.trackAdded({ id: "t1", type: AUDIO, participantId: "anna" });
  author.participantJoined(person("anna"));
  author.participantJoined(person("bert"));
  author.trackAdded({ id: "t2", type: AUDIO, participantId: "bert", muted: true });
  author.participantJoined(person("gone"));
  author.trackAdded({ id: "t3", type: AUDIO, participantId: "gone" });
  author.participantLeft("gone");
  const waiting = connection.waitForParticipant();
  assertEquals(log, []);
  author.established();
  assertEquals(log, [
    "establishing -> active",
    "anna joined",
    "bert joined",
    "Added t1 of anna",
    "Added t2 of bert muted",
  ]);
  assertEquals((await waiting).id, "anna");
});

Deno.test("a track that is told before its participant is announced after them", async () => {
  const { connection, author, log } = await setUp();
  author.established();
  author.trackAdded({ id: "t1", type: AUDIO, participantId: "anna" });
  author.trackUpdated("t1", { muted: true });
  author.trackAdded({ id: "t2", type: AUDIO, participantId: "anna" });
  author.trackRemoved("t2");
  assertEquals(connection.tracks.size, 0);
  author.participantJoined(person("anna"));
  assertEquals(log.slice(2), ["anna joined", "Added t1 of anna muted"]);
});

Deno.test("tracks of participants who never come are bounded", async () => {
  const { author, log } = await setUp();
  author.established();
  for (let n = 0; n < 1000; n++) {
    author.trackAdded({ id: `t${n}`, type: AUDIO, participantId: "anna" });
  }
  author.participantJoined(person("anna"));
  assertEquals(log.filter((line) => line.startsWith("Added")).length, 64);
});

Deno.test("a participant who leaves takes their tracks with them, and no others", async () => {
  const { author, log, connection } = await setUp();
  author.established();
  author.participantJoined(person("phone", "anna"));
  author.participantJoined(person("laptop", "anna"));
  author.trackAdded({ id: "p", type: AUDIO, participantId: "phone" });
  author.trackAdded({ id: "l", type: AUDIO, participantId: "laptop" });
  author.participantLeft("laptop");
  assertEquals(log.slice(-2), ["Removed l of laptop", "laptop left"]);
  assertEquals([...connection.tracks.keys()], ["p"]);
  assertEquals(connection.state, "active");
});

Deno.test("telling something twice announces it once", async () => {
  const { author, log, connection } = await setUp();
  author.established();
  for (let n = 0; n < 2; n++) {
    author.participantJoined(person("anna"));
    author.trackAdded({ id: "t", type: AUDIO, participantId: "anna" });
    author.trackUpdated("t", { muted: true });
  }
  author.participantJoined({ ...person("anna"), name: "Anna B." });
  assertEquals(connection.participants.get("anna")!.name, "Anna B.");
  assertEquals(connection.tracks.get("t")!.participant.name, "Anna B.");
  for (let n = 0; n < 2; n++) {
    author.trackRemoved("t");
    author.participantLeft("anna");
  }
  assertEquals(log.slice(2), [
    "anna joined",
    "Added t of anna",
    "Updated t of anna muted",
    "Removed t of anna muted",
    "active -> idle",
    "anna left",
  ]);
});

Deno.test("waitForParticipant waits again after all participants have left", async () => {
  const { clock, author, connection } = await setUp();
  author.established();
  const first = connection.waitForParticipant();
  author.participantJoined(person("anna"));
  assertEquals((await first).id, "anna");
  assertEquals((await connection.waitForParticipant({ timeoutMs: 0 })).id, "anna");
  author.participantLeft("anna");
  const again = connection.waitForParticipant({ timeoutMs: 500 });
  await clock.advance(400);
  author.participantJoined(person("bert"));
  assertEquals((await again).id, "bert");
  assertEquals(clock.pending, 0);
});

Deno.test("waitForParticipant ends with a timeout, the signal's reason, or the connection", async () => {
  const { clock, author, connection } = await setUp();
  author.established();
  const timedOut = clock.until(connection.waitForParticipant({ timeoutMs: 10 }));
  assertEquals((await timedOut.catch((error) => error)).name, "TimeoutError");
  const controller = new AbortController();
  const aborted = connection.waitForParticipant({ signal: controller.signal });
  controller.abort(new Error("enough"));
  await assertRejects(() => aborted, Error, "enough");
  await assertRejects(
    () => connection.waitForParticipant({ signal: AbortSignal.abort(new Error("before")) }),
    Error,
    "before",
  );
  const closed = connection.waitForParticipant();
  connection.close();
  await assertRejects(() => closed, Error, "the connection is closed");
  await assertRejects(() => connection.waitForParticipant(), Error, "closed");
  await assertRejects(() => connection.waitForParticipant({ timeoutMs: -1 }), Error);
});

Deno.test("closing is shared: all callers await the same end, and the call is left once", async () => {
  const { clock, author, connection, log, edge } = await setUp();
  author.established();
  const gate = Promise.withResolvers<void>();
  connection.disconnecting = gate.promise;
  let done = 0;
  for (let n = 0; n < 3; n++) connection.close().then(() => done++);
  await clock.advance(100);
  assertEquals([connection.state, connection.closeReason, done], ["closed", "left", 0]);
  gate.resolve();
  await clock.advance(0);
  assertEquals([done, connection.disconnects], [3, ["left"]]);
  assertEquals(await connection.closed, "left");
  assertEquals(log, ["establishing -> waiting", "waiting -> closed"]);
  assertEquals(edge.connections.size, 0);
  assertEquals([connection.idleForMs(), connection.onCallForMs()], [0, 0]);
});

Deno.test("a disconnect that fails or hangs is reported and closing goes on", async () => {
  for (const broken of [Promise.reject(new Error("gone")), new Promise<void>(() => {})]) {
    broken.catch(() => {});
    const { clock, author, connection, log } = await setUp();
    author.established();
    connection.disconnecting = broken;
    await clock.until(connection.close());
    assertEquals(await connection.closed, "left");
    assert(log.at(-1)!.startsWith("error: disconnecting"), log.at(-1));
    assertEquals(clock.pending, 0);
  }
});

Deno.test("a call that ends says why, once, and releases everything", async () => {
  const { author, connection, log } = await setUp();
  author.established();
  author.participantJoined(person("anna"));
  author.ended("kicked", { error: new Error("rude") });
  author.ended("network");
  connection.close();
  assertEquals(await connection.closed, "kicked");
  assertEquals(log.slice(-2), ["active -> closed", "ended: kicked"]);
  assertEquals(connection.disconnects, ["kicked"]);
  assertEquals([connection.participants.size, connection.tracks.size], [0, 0]);
});

Deno.test("a CallEnded handler that closes and awaits it does not deadlock", async () => {
  const { clock, author, edge } = await setUp();
  author.established();
  let handled = false;
  edge.events.subscribe(events.CallEndedEvent, async (event) => {
    await event.connection.close();
    handled = true;
  });
  author.ended("call-ended");
  await clock.advance(0);
  assert(handled);
});

Deno.test("closing before the join is complete makes it fail, as aborted", async () => {
  const { author, connection, log } = await setUp();
  connection.close();
  assertEquals(await connection.closed, "aborted");
  assertThrows(() => author.established(), Error, "closed");
  assertEquals(log, ["establishing -> closed"]);
});

Deno.test("who leaves while the agent leaves does not make it idle", async () => {
  const { clock, author, connection } = await setUp();
  author.participantJoined(person("anna"));
  author.established();
  connection.onDisconnect = () => author.participantLeft("anna");
  await connection.close();
  await clock.advance(10);
  assertEquals([connection.state, connection.idleForMs(), connection.idleSince()], [
    "closed",
    0,
    0,
  ]);
});

Deno.test("what is told after closing is ignored", async () => {
  const { author, connection, log, rows } = await setUp();
  author.established();
  await connection.close();
  const before = log.length;
  author.participantJoined(person("anna"));
  author.trackAdded({ id: "t", type: AUDIO, participantId: "anna" });
  author.receiveAudio("anna", new PcmChunk(new Int16Array(320), { sampleRate: 16_000 }));
  author.customEventReceived("late");
  author.reconnecting();
  author.ended("network");
  assertEquals([log.length, rows.length, connection.participants.size], [before, 0, 0]);
});

Deno.test("audio reaches the agent, and an event is made only when there is a subscriber", async () => {
  const { author, rows, edge, connection } = await setUp();
  author.established();
  author.participantJoined(person("anna"));
  const pcm = new PcmChunk(new Int16Array(320).fill(7), { sampleRate: 16_000 });
  let copies = 0;
  const original = PcmChunk.prototype.clone;
  PcmChunk.prototype.clone = function () {
    copies++;
    return original.call(this);
  };
  try {
    author.receiveAudio("anna", pcm, { trackId: "t", row: 5 });
    assertEquals([rows, copies], [["5 anna t 20"], 0]);
    const heard: events.AudioReceivedEvent[] = [];
    edge.events.subscribe(events.AudioReceivedEvent, (event) => void heard.push(event));
    author.receiveAudio("anna", pcm, { trackId: "t", row: 6 });
    pcm.samples.fill(0);
    assertEquals([heard.length, copies], [1, 1]);
    assertEquals([heard[0]!.row, heard[0]!.trackId, heard[0]!.pcm.samples[0]], [6, "t", 7]);
    assertEquals(heard[0]!.connection, connection);
  } finally {
    PcmChunk.prototype.clone = original;
  }
});

Deno.test("audio that is no chunk is its author's mistake, whatever participant it is of", async () => {
  const { author, rows } = await setUp();
  author.established();
  author.participantJoined(person("anna"));
  const samples = new Uint8Array(640);
  for (const wrong of [{ samples, sampleRate: 16_000, channels: 1 }, samples, undefined]) {
    const pcm = wrong as unknown as PcmChunk;
    for (const id of ["anna", "unknown"]) {
      assertThrows(() => author.receiveAudio(id, pcm), TypeError, "pcm: expected a PcmChunk, got");
    }
  }
  assertEquals(rows, []);
});

Deno.test("a row reaches the agent as it is, and its events carry copies", async () => {
  const { author, rows, edge } = await setUp();
  author.established();
  const anna = person("anna"), bert = person("bert");
  const heard: [string, number | undefined, number][] = [];
  edge.events.subscribe(events.AudioReceivedEvent, (event) => {
    heard.push([event.participant.id, event.row, event.pcm.samples[0]!]);
  });
  const samples = new Int16Array(320).fill(3);
  const pcm = new PcmChunk(samples, { sampleRate: 16_000 });
  author.receiveRow({
    count: 2,
    entries: [anna, bert, person("stale")].map((participant) => ({
      participant,
      trackId: "",
      pcm,
      row: 9,
    })),
  });
  assertEquals(rows, ["9 anna  20", "9 bert  20"]);
  assertEquals(heard, [["anna", 9, 3], ["bert", 9, 3]]);
});

Deno.test("audio of unknown participants is dropped, counted and reported once a second", async () => {
  const { author, rows, log } = await setUp();
  author.established();
  const pcm = new PcmChunk(new Int16Array(320), { sampleRate: 16_000 });
  for (let n = 0; n < 5; n++) author.receiveAudio("unknown", pcm);
  assertEquals(rows, []);
  assertEquals(log.filter((line) => line.startsWith("error")).length, 1);
});

Deno.test("losing and regaining the network is told without leaving the state", async () => {
  const { author, log, connection } = await setUp();
  author.established();
  author.reconnecting();
  author.reconnecting();
  assert(connection.isReconnecting);
  author.reconnected();
  assertEquals(log.slice(1), ["waiting -> waiting reconnecting", "waiting -> waiting"]);
});

Deno.test("custom events are checked before an edge sees them", async () => {
  const { author, connection, log } = await setUp();
  author.established();
  await connection.sendCustomEvent({ a: 1 });
  await connection.sendCustomEvent("x".repeat(5118));
  await assertRejects(() => connection.sendCustomEvent("x".repeat(5119)), RangeError);
  // deno-lint-ignore no-explicit-any
  await assertRejects(() => connection.sendCustomEvent(undefined as any), TypeError);
  assertEquals(connection.sent.map((text) => text.length), [7, 5120]);
  author.participantJoined(person("anna"));
  author.customEventReceived({ hi: true }, "anna");
  author.customEventReceived(null);
  assertEquals(log.slice(-2), ['custom {"hi":true} from anna', "custom null from undefined"]);
  await connection.close();
  await assertRejects(() => connection.sendCustomEvent(1), Error, "closed");
});

Deno.test("what an author sends as events of their own is taken as if they had told it", async () => {
  const { author, connection, edge, rows, log } = await setUp();
  const anna = person("anna");
  const pcm = new PcmChunk(new Int16Array(320), { sampleRate: 16_000 });
  author.established();
  edge.events.send(new events.AudioReceivedEvent({ connection, participant: anna, pcm }));
  assertEquals(rows, ["-1 anna  20"]);
  const track = { id: "t", type: AUDIO, participant: anna, muted: false };
  edge.events.send(new events.TrackAddedEvent({ connection, track }));
  assertEquals([connection.state, connection.tracks.get("t")?.type], ["active", AUDIO]);
  edge.events.send(
    new events.TrackUpdatedEvent({ connection, track: { ...track, muted: true } }),
  );
  assert(connection.tracks.get("t")!.muted);
  edge.events.send(new events.TrackRemovedEvent({ connection, track }));
  assertEquals(connection.tracks.size, 0);
  edge.events.send(new events.ParticipantJoinedEvent({ connection, participant: person("bert") }));
  edge.events.send(new events.ParticipantLeftEvent({ connection, participant: anna }));
  assertEquals([...connection.participants.keys()], ["bert"]);
  edge.events.send(new events.CallEndedEvent({ connection, reason: "kicked" }));
  assertEquals(await connection.closed, "kicked");
  assertEquals(log, [
    "establishing -> waiting",
    "waiting -> active",
    "anna joined",
    "Added t of anna",
    "Updated t of anna muted",
    "Removed t of anna",
    "bert joined",
    "anna left",
    "active -> closed",
    "ended: kicked",
  ]);
});

Deno.test("an author's events before the join is complete are announced with it", async () => {
  const { author, connection, edge, log } = await setUp();
  const anna = person("anna");
  const track = { id: "t", type: AUDIO, participant: anna, muted: false };
  edge.events.send(new events.TrackAddedEvent({ connection, track }));
  edge.events.send(new events.ParticipantJoinedEvent({ connection, participant: anna }));
  assertEquals(log, []);
  author.established();
  assertEquals(log, ["establishing -> active", "anna joined", "Added t of anna"]);
});

Deno.test("an edge uses the connection named, or the only one", async () => {
  const { author, connection, edge, agent } = await setUp();
  await assertRejects(() => edge.sendCustomEvent(1), TypeError, "no call is joined");
  author.established();
  await edge.sendCustomEvent(1);
  const second = await edge.join(agent, new Call({ id: "hall" }));
  await edge.sendCustomEvent(2);
  second.does((one) => one.established());
  await assertRejects(() => edge.sendCustomEvent(3), TypeError, "2 calls are joined");
  await edge.sendCustomEvent(4, { connection: second });
  assertEquals([connection.sent, second.sent], [["1", "2"], ["4"]]);
  await second.close();
  await assertRejects(() => edge.sendCustomEvent(5, { connection: second }), Error, "closed");
  const other = new TestEdge({});
  await assertRejects(() => other.sendCustomEvent(6, { connection }), TypeError, "another edge");
});

Deno.test("closing an edge closes its connections first, once, for all who ask", async () => {
  const { clock, author, connection, edge } = await setUp();
  author.established();
  const gate = Promise.withResolvers<void>();
  connection.disconnecting = gate.promise;
  const closings = [edge.close(), edge.close()];
  await clock.advance(10);
  assertEquals([connection.state, edge.releases], ["closed", 0]);
  gate.resolve();
  await Promise.all(closings);
  assertEquals([edge.releases, edge.isClosed], [1, true]);
  await edge[Symbol.asyncDispose]();
  assertThrows(
    () =>
      new TestConnection({
        edge,
        agent: { user: { id: "agent", name: "Agent" } } as EdgeAgent,
        call: new Call({ id: "x" }),
      }),
    Error,
    "the edge is closed",
  );
});

Deno.test("errors without a listener are logged, and a failing listener is not asked again", () => {
  const said: string[] = [];
  const logger = {
    ...silentLogger,
    warn: (text: string) => void said.push(`warn ${text}`),
    error: (text: string) => void said.push(`error ${text}`),
  };
  const edge = new TestEdge({ logger });
  edge.events.send(new events.ErrorEvent({ error: new Error("bad"), context: "testing" }));
  assertEquals(said, ["warn testing: Error: bad"]);
  let calls = 0;
  edge.events.subscribe(events.ErrorEvent, () => {
    calls++;
    throw new Error("worse");
  });
  edge.events.send(new events.ErrorEvent({ error: new Error("bad"), context: "testing" }));
  assertEquals(calls, 1);
  assertEquals(said.length, 2);
  assert(said[1]!.startsWith("error a subscriber of ErrorEvent failed"));
});
