import { Rejection } from "../../../src/edges/local/wire/rejection.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Invitation } from "../../../src/edges/local/wire/invitation.ts";
import { FakeConnection, hello, MEDIA, RoomFixture, settle } from "./fakes.ts";

Deno.test("Room announces a participant and their tracks once connected, to later agents too", async () => {
  const fixture = new RoomFixture();
  const first = new FakeConnection(1);
  fixture.room.addAgent(first.connection);
  const page = fixture.enter("Ada");
  page.say({ type: "media", ...MEDIA });
  assertEquals(first.take(), []);
  page.say({ type: "answer", offer: 1, sdp: "v=0" });
  await settle();
  fixture.peers[0]!.become("connected");
  assertEquals(first.take(), ["participantJoined Ada", "trackAdded audio"]);

  const second = new FakeConnection(2, "Parrot");
  fixture.room.addAgent(second.connection);
  assertEquals(second.take(), [
    "participantJoined Echo",
    "participantJoined Ada",
    "trackAdded audio",
  ]);
  assertEquals(first.take(), ["participantJoined Parrot"]);
  assertEquals(page.last("joined")?.participant.name, "Parrot");
});

Deno.test("Room tells pages about the other members, never about themselves", async () => {
  const fixture = new RoomFixture();
  fixture.room.addAgent(new FakeConnection(1).connection);
  const ada = await fixture.join("Ada");
  const grace = await fixture.join("Grace");
  assertEquals(grace.page.last("welcome")!.participants.map(({ name }) => name), ["Echo", "Ada"]);
  assertEquals(ada.page.last("joined")?.participant.name, "Grace");
  const itself = grace.page.last("welcome")!.id;
  assert(
    !grace.page.received.some((message) =>
      "participant" in message && message.participant.id === itself
    ),
  );
  grace.page.say({ type: "leave" });
  assertEquals(ada.page.last("left")?.id, itself);
});

Deno.test("Room passes mute, cameras and screens to agents as track changes, and to pages", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const ada = await fixture.join("Ada");
  const grace = await fixture.join("Grace");
  agent.take();

  ada.page.say({ type: "media", ...MEDIA, muted: true });
  assertEquals(agent.take(), ["trackUpdated audio true"]);
  const id = ada.page.last("welcome")!.id;
  assertEquals(fixture.audio.sources.get(`${id}:audio`)?.muted, true);
  assertEquals(grace.page.last("updated")?.participant.audible, false);

  ada.page.say({ type: "media", ...MEDIA, camera: true, screen: true });
  assertEquals(agent.take(), [
    "trackUpdated audio false",
    "trackAdded camera",
    "trackAdded screen",
  ]);
  assertEquals(grace.page.last("videos")?.slots.map((ref) => ref?.kind), [
    "screen",
    "camera",
    undefined,
    undefined,
  ]);
  assertEquals(fixture.room.videoTrack(`${id}:screen`), ada.peer.transceivers[2]!.receiver.track);

  ada.page.say({ type: "media", ...MEDIA });
  assertEquals(agent.take(), ["trackRemoved camera", "trackRemoved screen"]);
  assertEquals(grace.page.last("videos")?.slots, [null, null, null, null]);
});

Deno.test("Room sends an agent's video to all, and names the paused ones", async () => {
  const fixture = new RoomFixture({ videos: 1 });
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  fixture.room.publish(agent.connection, { audio: true, video: true });
  const ada = await fixture.join("Ada", { camera: true });
  const grace = await fixture.join("Grace");
  assertEquals(ada.peer.videos, [agent.videoTrack.id]);
  assertEquals(grace.peer.videos, [agent.videoTrack.id]);
  assertEquals(grace.page.last("videos")?.paused, [
    { participantId: ada.page.last("welcome")!.id, kind: "camera" },
  ]);
});

Deno.test("Room sends videos turned upright to a browser that does not turn them, as long as it gets them", async () => {
  const fixture = new RoomFixture();
  const ada = await fixture.join("Ada", { camera: true });
  const camera = ada.peer.transceivers[1]!.receiver.track.id;
  const grace = await fixture.join("Grace");
  assertEquals(grace.peer.videos[0], camera);
  const page = fixture.enter("Linus");
  const peer = fixture.peers.at(-1)!;
  peer.turnsPictures = false;
  page.say({ type: "media", ...MEDIA });
  page.say({ type: "answer", offer: page.last("offer")!.offer, sdp: "v=0" });
  await settle();
  peer.become("connected");
  assertEquals(peer.videos[0], `upright ${camera}`);
  assertEquals([...fixture.uprights], [camera]);
  ada.page.say({ type: "media", ...MEDIA });
  await settle();
  assertEquals([peer.videos[0], fixture.uprights.size], [undefined, 0]);
  ada.page.say({ type: "media", ...MEDIA, camera: true });
  await settle();
  assertEquals(fixture.uprights.size, 1);
  page.say({ type: "leave" });
  await settle();
  assertEquals(fixture.uprights.size, 0);
});

Deno.test("Room gives the ninth and all further people packets that are longer and cost less", async () => {
  const fixture = new RoomFixture({ people: 20 });
  for (let index = 0; index < 10; index++) await fixture.join(`Person ${index + 1}`);
  assertEquals(
    fixture.peers.map(({ options }) => options.packetMs),
    [10, 10, 10, 10, 10, 10, 10, 10, 20, 20],
  );
});

Deno.test("Room reads the figures of one connection at a time: each reading holds up all sound", async () => {
  const fixture = new RoomFixture();
  fixture.room.addAgent(new FakeConnection(1).connection);
  for (const name of ["Ada", "Grace", "Linus"]) await fixture.join(name);
  const read = () => fixture.peers.map((peer) => peer.read);
  const reading = fixture.room.audioStats();
  await settle();
  assertEquals(read(), [1, 0, 0]);
  await fixture.clock.advance(99);
  assertEquals(read(), [1, 0, 0]);
  await fixture.clock.advance(1);
  assertEquals(read(), [1, 1, 0]);
  await fixture.clock.advance(100);
  assertEquals(read(), [1, 1, 1]);
  await reading;
});

Deno.test("Room passes a new source of a subscribed video to the agent", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const { page, peer } = await fixture.join("Ada", { camera: true });
  const trackId = `${page.last("welcome")!.id}:camera`;
  agent.subscribed.add(trackId);
  page.say({ type: "repair" });
  page.say({ type: "answer", offer: 2, sdp: "v=0" });
  await settle();
  assertEquals(agent.sources, [
    [trackId, undefined],
    [trackId, fixture.peers[1]!.transceivers[1]!.receiver.track.id],
  ]);
  assert(peer.closed);
});

Deno.test("Room removes a page that leaves immediately and completely", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const { page, peer } = await fixture.join("Ada", { camera: true });
  agent.take();
  page.hangUp(1001);
  assertEquals(agent.take(), ["trackRemoved audio", "trackRemoved camera", "participantLeft"]);
  await settle();
  assert(peer.closed);
  assertEquals([
    fixture.audio.sources.size,
    fixture.audio.listeners.size,
    fixture.room.participantCount,
  ], [
    0,
    0,
    0,
  ]);
  assertEquals(fixture.clock.pending, 0);
});

Deno.test("Room removes a killed browser within a second", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const { page } = await fixture.join("Ada");
  agent.take();
  page.hangUp(1006, false);
  await fixture.clock.advance(900);
  assertEquals(agent.take(), ["trackRemoved audio", "participantLeft"]);
});

Deno.test("Room removes a killed browser whose last packets are late only a little later", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const { page, peer } = await fixture.join("Ada");
  agent.take();
  page.hangUp(1006, false);
  await fixture.clock.advance(200);
  peer.packets += 5;
  await fixture.clock.advance(300);
  assertEquals(agent.take(), ["participantLost"]);
  await fixture.clock.advance(450);
  assertEquals(agent.take(), ["trackRemoved audio", "participantLeft"]);
});

Deno.test("Room waits for a browser whose media continues, and takes it back as the same participant", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const { page, peer } = await fixture.join("Ada");
  const grace = await fixture.join("Grace");
  agent.take();
  page.hangUp(1006, false);
  for (let ms = 0; ms < 3000; ms += 100) {
    peer.packets += 10;
    await fixture.clock.advance(100);
  }
  const { messages: [lost] } = agent;
  // The room decides when they have left; agents wait a little longer than it does.
  const { id: participantId } = page.last("welcome")!;
  assertEquals(lost, { type: "participantLost", participantId, graceMs: 8000 });
  assertEquals(agent.take(), ["participantLost"]);
  assertEquals(grace.page.last("updated")?.participant.reconnecting, true);

  const { id, resume } = page.last("welcome")!;
  const again = fixture.enter("Ada", { resume, keepPeer: true });
  const welcome = again.last("welcome")!;
  assertEquals([welcome.id, welcome.resumed, welcome.keepPeer], [id, true, true]);
  assertEquals(again.last("offer"), undefined);
  assertEquals(grace.page.last("updated")?.participant.reconnecting, false);
  await keepAlive(fixture, [again, grace.page], 20_000);
  assertEquals(agent.take(), ["participantJoined Ada"]);
});

Deno.test("Room keeps events for a participant who is cut off, the latest 100", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const { page } = await fixture.join("Ada");
  page.hangUp(1006, false);
  for (let event = 0; event < 110; event++) fixture.room.sendCustomEvent(agent.connection, event);
  const again = fixture.enter("Ada", { resume: page.last("welcome")!.resume });
  const data = (of: typeof page) =>
    of.received.flatMap((message) => message.type === "event" ? [message.data] : []);
  assertEquals([data(page), data(again).length, data(again)[0]], [[], 100, 10]);
  assertEquals(again.received[0]!.type, "welcome");
  fixture.room.sendCustomEvent(agent.connection, "now");
  assertEquals(data(again).at(-1), "now");
});

Deno.test("Room sends an agent's event for one participant to them alone, also after they were cut off", async () => {
  const fixture = new RoomFixture();
  const [agent, other] = [new FakeConnection(1), new FakeConnection(2)];
  fixture.room.addAgent(agent.connection);
  fixture.room.addAgent(other.connection);
  const { page: ada } = await fixture.join("Ada");
  const { page: bob } = await fixture.join("Bob");
  other.take();
  const { id, resume } = ada.last("welcome")!;
  fixture.room.sendCustomEvent(agent.connection, "psst", id);
  fixture.room.sendCustomEvent(agent.connection, "lost", "who has left");
  ada.hangUp(1006, false);
  fixture.room.sendCustomEvent(agent.connection, "again", id);
  const again = fixture.enter("Ada", { resume, events: 1 });
  const data = (of: typeof ada) =>
    of.received.flatMap((message) => message.type === "event" ? [message.data] : []);
  assertEquals([data(ada), data(again), data(bob), other.take()], [["psst"], ["again"], [], []]);
});

Deno.test("Room sends again what was on its way to a page that was cut off, and nothing twice", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const { page } = await fixture.join("Ada");
  const data = (of: typeof page) =>
    of.received.flatMap((message) => message.type === "event" ? [message.data] : []);
  for (let event = 0; event < 10; event++) fixture.room.sendCustomEvent(agent.connection, event);
  page.say({ type: "ping", id: 1, events: 4 });
  page.hangUp(1006, false);
  fixture.room.sendCustomEvent(agent.connection, 10);
  await fixture.clock.advance(1);
  // The last two did not arrive.
  const { resume } = page.last("welcome")!;
  const second = fixture.enter("Ada", { resume, events: 8 });
  assertEquals(data(second), [8, 9, 10]);
  second.hangUp(1006, false);
  // Nor did all of this socket, its welcome included.
  const third = fixture.enter("Ada", { resume, events: 8 });
  assertEquals(data(third), [8, 9, 10]);
  third.say({ type: "ping", id: 2, events: 3 });
  third.hangUp(1006, false);
  const last = fixture.enter("Ada", { resume: third.last("welcome")!.resume, events: 3 });
  assertEquals(data(last), []);
});

Deno.test("Room tells a page that comes back how much of what it said has arrived", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const page = fixture.enter("Ada");
  assertEquals(page.last("welcome")!.received, undefined);
  // Before they are connected, agents do not know them: it waits.
  page.say({ type: "text", text: "one" });
  assertEquals([agent.take(), page.last("received")], [[], undefined]);
  page.say({ type: "answer", offer: 1, sdp: "v=0" });
  await settle();
  fixture.peers[0]!.become("connected");
  page.say({ type: "event", data: "two" });
  assertEquals(agent.take(), ["participantJoined Ada", "text", "customEvent"]);
  assertEquals(page.last("received")?.count, 2);
  page.hangUp(1006, false);
  await fixture.clock.advance(1);
  const { resume } = page.last("welcome")!;
  const second = fixture.enter("Ada", { resume });
  assertEquals(second.last("welcome")!.received, 2);
  second.hangUp(1006, false);
  // The page did not see that.
  const third = fixture.enter("Ada", { resume });
  assertEquals(third.last("welcome")!.received, 2);
  third.say({ type: "text", text: "three" });
  assertEquals(third.last("received")?.count, 1);
});

Deno.test("Room sends a returning page its video slots again", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  fixture.room.publish(agent.connection, { audio: true, video: true });
  const { page, peer } = await fixture.join("Ada");
  page.hangUp(1006, false);
  const again = fixture.enter("Ada", { resume: page.last("welcome")!.resume, keepPeer: true });
  assertEquals(again.last("videos")?.slots[0], { participantId: "agent-1", kind: "camera" });
  assertEquals(peer.videos[0], agent.videoTrack.id);
});

Deno.test("Room mutes a browser whose network was cut, and removes it after the grace", async () => {
  const fixture = new RoomFixture({ graceMs: 6000 });
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const { page } = await fixture.join("Ada");
  agent.take();
  await fixture.clock.advance(5000);
  assertEquals(page.closeReason, "silent");
  assertEquals(agent.take(), ["participantLost", "trackUpdated audio true"]);
  await fixture.clock.advance(5000);
  assertEquals(agent.take(), []);
  await fixture.clock.advance(1000);
  assertEquals(agent.take(), ["trackRemoved audio", "participantLeft"]);
});

Deno.test("Room takes a browser back with a new connection as the same participant, unmuted", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const { page, peer } = await fixture.join("Ada");
  await fixture.clock.advance(5000);
  agent.take();
  const again = fixture.enter("Ada", { resume: page.last("welcome")!.resume, keepPeer: false });
  assertEquals(again.last("welcome")!.id, page.last("welcome")!.id);
  assertEquals(again.last("offer")!.offer, 2);
  assert(peer.closed);
  again.say({ type: "media", ...MEDIA });
  again.say({ type: "answer", offer: 2, sdp: "v=0" });
  await settle();
  assertEquals(agent.take(), ["trackUpdated audio false", "participantJoined Ada"]);
  assertEquals(fixture.audio.sources.size, 1);
});

/** A room in another media process, whose agent knows of Ada; and the token that Ada's page has. */
async function replaced(options: { muted?: boolean; invitation?: Invitation } = {}) {
  const { muted = false, invitation } = options;
  const before = new RoomFixture();
  before.room.addAgent(new FakeConnection(1).connection);
  const { page } = await before.join("Ada", { muted }, invitation);
  const { id, resume } = page.last("welcome")!;
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  const userId = invitation?.user.id ?? id;
  agent.known = {
    participants: [
      { id, userId, name: "Ada", kind: "person" },
      { id: "agent-2", userId: "other", name: "Other", kind: "agent" },
    ],
    tracks: [{ id: `${id}:audio`, type: 1, participantId: id, muted }],
  };
  fixture.room.addAgent(agent.connection);
  return { fixture, agent, id, resume };
}

Deno.test("Room takes those back who were there in a media process that was lost, as the same ones", async () => {
  const { fixture, agent, id, resume } = await replaced();
  // As before, and nothing else: the agent sees no difference. The other agent joins by itself.
  assertEquals(agent.take(), ["participantJoined Ada", "trackAdded audio"]);
  const guest = fixture.enter("Guest");
  assertEquals(
    guest.last("welcome")!.participants.map(({ name, reconnecting }) => [name, reconnecting]),
    [["Echo", false], ["Ada", true]],
  );
  const page = fixture.enter("Ada", { resume });
  const welcome = page.last("welcome")!;
  assertEquals([welcome.id, welcome.resumed, welcome.keepPeer], [id, true, false]);
  page.say({ type: "media", ...MEDIA });
  page.say({ type: "answer", offer: page.last("offer")!.offer, sdp: "v=0" });
  await settle();
  assertEquals(agent.take(), ["participantJoined Ada"]);
  assertEquals([fixture.audio.sources.size, guest.types().includes("left")], [1, false]);
  // A second agent of the call knows of them, too.
  const second = new FakeConnection(2, "Other");
  second.known = agent.known;
  fixture.room.addAgent(second.connection);
  assertEquals(fixture.room.participantCount, 2);
});

Deno.test("Room lets those go who do not come back from a lost media process within the grace", async () => {
  const { fixture, agent } = await replaced();
  agent.take();
  await fixture.clock.advance(5999);
  assertEquals(agent.take(), []);
  await fixture.clock.advance(1);
  assertEquals(agent.take(), ["trackRemoved audio", "participantLeft"]);
  assertEquals([fixture.room.participantCount, fixture.clock.pending], [0, 0]);
});

Deno.test("Room tells what changed while a media process was replaced, and nothing else", async () => {
  const { fixture, agent, resume } = await replaced({ muted: true });
  agent.take();
  const page = fixture.enter("Ada", { resume });
  page.say({ type: "media", ...MEDIA });
  await settle();
  assertEquals(agent.take(), ["participantJoined Ada", "trackUpdated audio false"]);
});

Deno.test("Room gives an invited participant back to their own invitation only", async () => {
  const invitation = (id: string): Invitation => ({
    id,
    user: { id, name: "" },
    grants: { publish: true, subscribe: true, sendEvents: true },
    expired: false,
  });
  const { fixture, id, resume } = await replaced({ invitation: invitation("anna") });
  const guest = fixture.enter("Eve", { resume });
  const other = fixture.enter("Eve", { resume }, { invitation: invitation("eve") });
  assert([guest, other].every((page) => page.last("welcome")!.id !== id));
  // It may have expired: those whom it has admitted stay.
  const theirs = { ...invitation("anna"), expired: true };
  assertEquals(fixture.enter("Ada", { resume }, { invitation: theirs }).last("welcome")?.id, id);
});

Deno.test("Room keeps the transcript from those who may not hear, back from a lost process too", async () => {
  const invitation: Invitation = {
    id: "anna",
    user: { id: "anna", name: "" },
    grants: { publish: true, subscribe: false, sendEvents: true },
    expired: false,
  };
  const { fixture, agent, resume } = await replaced({ invitation });
  const line = { type: "transcript", text: "hello" };
  fixture.room.sendCustomEvent(agent.connection, line);
  fixture.room.sendCustomEvent(agent.connection, "missed");
  const page = fixture.enter("Ada", { resume }, { invitation });
  fixture.room.sendCustomEvent(agent.connection, line);
  fixture.room.sendCustomEvent(agent.connection, "now");
  const events = page.received.flatMap((one) => one.type === "event" ? [one.data] : []);
  assertEquals(events, ["missed", "now"]);
});

Deno.test("Room takes a wrong token for a new participant, and a second socket for the first", async () => {
  const fixture = new RoomFixture();
  fixture.room.addAgent(new FakeConnection(1).connection);
  const { page } = await fixture.join("Ada");
  const other = fixture.enter("Ada", { resume: "A".repeat(22) });
  assert(other.last("welcome")!.id !== page.last("welcome")!.id);
  fixture.enter("Ada", { resume: page.last("welcome")!.resume, keepPeer: true });
  assertEquals(page.last("goodbye")?.code, "replaced");
});

Deno.test("a full Room rejects newcomers, and takes its participants back", async () => {
  const fixture = new RoomFixture({ people: 1 });
  const { page } = await fixture.join("Ada");
  assertEquals(fixture.enter("Grace").last("rejected")?.code, "room-full");
  const again = fixture.enter("Ada", { resume: page.last("welcome")!.resume });
  assertEquals(again.last("welcome")?.resumed, true);
});

Deno.test("Room asks for a port for each newcomer, whatever they say that they were", async () => {
  let isFull = false;
  const fixture = new RoomFixture({}, {
    assertSpace: () => {
      if (isFull) throw new Rejection("room-full");
    },
  });
  const { page } = await fixture.join("Ada");
  isFull = true;
  assertEquals(fixture.enter("Eve", { resume: "x" }).last("rejected")?.code, "room-full");
  const { resume, id } = page.last("welcome")!;
  assertEquals(fixture.enter("Ada", { resume }).last("welcome")?.id, id);
});

Deno.test("Room filters and counts candidates", async () => {
  const fixture = new RoomFixture({ candidates: 3 });
  const { page, peer } = await fixture.join("Ada");
  const candidate = (address: string) => `candidate:1 1 udp 1 ${address} 5000 typ host`;
  const { keepCandidate } = peer.options;
  assertEquals(keepCandidate?.(candidate("127.0.0.1"), "remote"), true);
  assertEquals(keepCandidate?.(candidate("10.0.0.1"), "remote"), false);
  peer.options.onCandidate?.({ candidate: candidate("10.0.0.1") });
  assertEquals(page.last("candidate"), undefined);
  peer.options.onCandidate?.({ candidate: candidate("127.0.0.1") });
  assert(page.last("candidate"));
  for (let count = 0; count < 4; count++) {
    page.say({ type: "candidate", offer: 1, candidate: { candidate: candidate("127.0.0.1") } });
  }
  assertEquals(page.last("rejected")?.code, "too-many-candidates");
});

Deno.test("Room offers a browser on this machine its addresses, and accepts them, early ones too", async () => {
  const fixture = new RoomFixture();
  const page = fixture.enter("Ada", {}, { sameMachine: true });
  const peer = fixture.peers[0]!;
  const candidate = (address: string) => `candidate:1 1 udp 1 ${address} 5000 typ host`;
  const say = (address: string) =>
    page.say({ type: "candidate", offer: 1, candidate: { candidate: candidate(address) } });
  // It may be faster than wrtc's gathering.
  say("192.0.2.2");
  say("192.0.2.3");
  say("::1");
  assertEquals(peer.candidates, [candidate("::1")]);
  peer.options.onCandidate?.({ candidate: candidate("192.0.2.2") });
  assertEquals(page.last("candidate")?.candidate, { candidate: candidate("192.0.2.2") });
  assertEquals(peer.candidates, [candidate("::1"), candidate("192.0.2.2")]);
  say("192.0.2.2");
  assertEquals(peer.candidates.length, 3);
  assertEquals(peer.options.keepCandidate?.(candidate("192.0.2.2"), "remote"), true);
  assertEquals(peer.options.keepCandidate?.(candidate("192.0.2.3"), "remote"), false);

  // Where it comes back from, counts anew.
  page.hangUp(1006, false);
  await settle();
  const { resume } = page.last("welcome")!;
  const elsewhere = fixture.enter("Ada", { resume });
  const next = fixture.peers[1]!;
  next.options.onCandidate?.({ candidate: candidate("192.0.2.2") });
  assertEquals(elsewhere.last("candidate"), undefined);
});

Deno.test("Room rejects a page that cannot connect, and offers another connection to one that failed", async () => {
  const fixture = new RoomFixture();
  const stuck = fixture.enter("Ada");
  await keepAlive(fixture, [stuck], 21_000);
  assertEquals(stuck.last("rejected")?.code, "media-failed");
  const { page, peer } = await fixture.join("Grace");
  peer.become("failed");
  assertEquals(page.last("offer")?.offer, 2);
  for (let count = 0; count < 10; count++) fixture.peers.at(-1)!.become("failed");
  assertEquals(page.last("rejected")?.code, "media-failed");
});

Deno.test("Room keeps a participant whose first connection failed and was replaced", async () => {
  const fixture = new RoomFixture();
  const page = fixture.enter("Ada");
  fixture.peers[0]!.become("failed");
  const peer = fixture.peers[1]!;
  page.say({ type: "answer", offer: 2, sdp: "v=0" });
  await settle();
  peer.become("connected");
  await keepAlive(fixture, [page], 30_000);
  assertEquals(page.last("rejected"), undefined);
  assertEquals(fixture.room.participantCount, 1);
});

Deno.test("Room leaves nothing behind when a connection cannot be created", async () => {
  const fixture = new RoomFixture();
  fixture.room.media.createPeer = () => {
    throw new TypeError("no peer");
  };
  const { socket } = fixture.socket();
  assertThrows(() => fixture.room.enter(socket, hello("Ada")), TypeError, "no peer");
  socket.close();
  await settle();
  assertEquals([fixture.room.participantCount, fixture.clock.pending], [0, 0]);
});

Deno.test("Room passes custom events both ways, and rejects only the event of more than 5 KB", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  const other = new FakeConnection(2, "Parrot");
  fixture.room.addAgent(agent.connection);
  fixture.room.addAgent(other.connection);
  const ada = await fixture.join("Ada");
  const grace = await fixture.join("Grace");
  agent.take();
  other.take();
  fixture.room.sendCustomEvent(agent.connection, { metric: 1 });
  assertEquals(ada.page.last("event"), { type: "event", from: "agent-1", data: { metric: 1 } });
  assertEquals([agent.take(), other.take()], [[], ["customEvent"]]);
  ada.page.say({ type: "event", data: { wave: true } });
  assertEquals(grace.page.last("event")?.data, { wave: true });
  assertEquals(agent.take(), ["customEvent"]);
  ada.page.say({ type: "event", data: "x".repeat(6000) });
  assertEquals(ada.page.last("unsent")?.code, "message-too-large");
  assertEquals(ada.page.last("rejected"), undefined);
  assertEquals([agent.take(), grace.page.received.filter(({ type }) => type === "event").length], [
    [],
    2,
  ]);
  ada.page.say({ type: "event", data: { wave: false } });
  assertEquals(grace.page.last("event")?.data, { wave: false });
});

Deno.test("Room reports the longest delay to agents", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const ada = await fixture.join("Ada");
  const grace = await fixture.join("Grace");
  ada.page.say({ type: "ping", id: 1, roundTripMs: 20, jitterBufferMs: 30, outputMs: 10 });
  grace.page.say({ type: "ping", id: 1, roundTripMs: 100, jitterBufferMs: 60, outputMs: 40 });
  const delays = agent.messages.flatMap((one) => one.type === "heardDelay" ? [one.ms] : []);
  assertEquals(delays, [50, 150]);
  // A reported delay of a minute is not believed.
  grace.page.say({ type: "ping", id: 2, roundTripMs: 100, jitterBufferMs: 60_000 });
  assertEquals(agent.messages.at(-1), { type: "heardDelay", ms: 1000 });
});

Deno.test("Room sends audio levels while a participant is audible, and moves speakers up", async () => {
  const fixture = new RoomFixture({ videos: 1 });
  const ada = await fixture.join("Ada", { camera: true });
  const grace = await fixture.join("Grace", { camera: true });
  const linus = await fixture.join("Linus");
  const id = (each: typeof ada): string => each.page.last("welcome")!.id;
  assertEquals(linus.page.last("videos")?.slots[0]?.participantId, id(ada));
  fixture.audio.loudness = [
    { memberId: id(grace), trackId: "", level: 0.25, speaking: true, isScreen: false },
    { memberId: id(ada), trackId: "", level: 0.9, speaking: true, isScreen: true },
    { memberId: id(ada), trackId: "", level: 0.001, speaking: false, isScreen: false },
  ];
  await fixture.clock.advance(100);
  assertEquals(linus.page.last("audioLevels")?.levels, { [id(grace)]: 0.25 });
  assertEquals(linus.page.last("videos")?.slots[0]?.participantId, id(grace));
  fixture.audio.loudness = [];
  await fixture.clock.advance(100);
  const told = linus.page.received.length;
  await fixture.clock.advance(1000);
  assertEquals(linus.page.received.length, told);
});

Deno.test("Room ends with its last agent, and says goodbye to pages", async () => {
  const fixture = new RoomFixture();
  const [first, second] = [new FakeConnection(1), new FakeConnection(2, "Parrot")];
  fixture.room.addAgent(first.connection);
  fixture.room.addAgent(second.connection);
  const { page, peer } = await fixture.join("Ada");
  await fixture.room.removeAgent(first.connection);
  assertEquals(page.last("left")?.id, "agent-1");
  assertEquals(fixture.ends, 0);
  await fixture.room.removeAgent(second.connection);
  assertEquals(page.last("goodbye")?.code, "agent-left");
  assertEquals(page.closeCode, 4002);
  assertEquals([fixture.ends, peer.closed, fixture.audio.closed], [1, true, true]);
  assertEquals(fixture.clock.pending, 0);
});

Deno.test("Room.end ends the call for agents too", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const { page } = await fixture.join("Ada");
  agent.take();
  await fixture.room.end("call-ended");
  assertEquals(agent.take(), ["ended"]);
  assertEquals(page.last("goodbye")?.code, "call-ended");
});

/** Goes on in time while pages ping, as they do. */
async function keepAlive(
  fixture: RoomFixture,
  pages: { say(message: { type: "ping"; id: number }): void }[],
  ms: number,
): Promise<void> {
  for (let at = 0; at < ms; at += 1000) {
    for (const page of pages) page.say({ type: "ping", id: at });
    await fixture.clock.advance(1000);
  }
}

Deno.test("Room passes what a person writes to the agents, and refuses what is blank or too long", async () => {
  const fixture = new RoomFixture();
  const agent = new FakeConnection(1);
  fixture.room.addAgent(agent.connection);
  const ada = await fixture.join("Ada");
  const grace = await fixture.join("Grace");
  const id = ada.page.last("welcome")!.id;
  agent.take();
  ada.page.say({ type: "text", text: "Hello,\n<b>you</b>" });
  assertEquals(agent.messages, [{ type: "text", text: "Hello,\n<b>you</b>", participantId: id }]);
  agent.take();
  ada.page.say({ type: "text", text: " \n" });
  ada.page.say({ type: "text", text: "é".repeat(3000) });
  assertEquals(agent.take(), []);
  assertEquals(ada.page.last("unsent")?.code, "message-too-large");
  // The agent's transcript shows it to the others.
  assertEquals(grace.page.last("event"), undefined);
});

Deno.test("Room lists its members for a page that has not joined", async () => {
  const fixture = new RoomFixture();
  fixture.room.addAgent(new FakeConnection(1).connection);
  await fixture.join("Ada");
  fixture.enter("not connected yet");
  assertEquals(fixture.room.members.map(({ name, kind }) => `${kind} ${name}`), [
    "agent Echo",
    "person Ada",
  ]);
});
