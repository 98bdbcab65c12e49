import { assert, assertEquals, assertThrows } from "@std/assert";
import { FakePort, hello, MEDIA, RoomBench, settle } from "./fakes.ts";

Deno.test("a person is announced once connected, with their tracks, and an agent that comes later is told", async () => {
  const bench = new RoomBench();
  const first = new FakePort(1);
  bench.room.addAgent(first.port);
  const page = bench.enter("Ada");
  page.say({ type: "media", ...MEDIA });
  assertEquals(first.take(), []);
  page.say({ type: "answer", offer: 1, sdp: "v=0" });
  await settle();
  bench.peers[0]!.become("connected");
  assertEquals(first.take(), ["participantJoined Ada", "trackAdded audio"]);

  const second = new FakePort(2, "Parrot");
  bench.room.addAgent(second.port);
  assertEquals(second.take(), [
    "participantJoined Echo",
    "participantJoined Ada",
    "trackAdded audio",
  ]);
  assertEquals(first.take(), ["participantJoined Parrot"]);
  assertEquals(page.last("joined")?.member.name, "Parrot");
});

Deno.test("people are told of each other and of agents, and never of themselves", async () => {
  const bench = new RoomBench();
  bench.room.addAgent(new FakePort(1).port);
  const ada = await bench.join("Ada");
  const grace = await bench.join("Grace");
  assertEquals(grace.page.last("welcome")!.members.map(({ name }) => name), ["Echo", "Ada"]);
  assertEquals(ada.page.last("joined")?.member.name, "Grace");
  const itself = grace.page.last("welcome")!.id;
  assert(
    !grace.page.received.some((message) => "member" in message && message.member.id === itself),
  );
  grace.page.say({ type: "leave" });
  assertEquals(ada.page.last("left")?.id, itself);
});

Deno.test("muting, cameras and screens reach agents as changes of tracks, and pages too", async () => {
  const bench = new RoomBench();
  const agent = new FakePort(1);
  bench.room.addAgent(agent.port);
  const ada = await bench.join("Ada");
  const grace = await bench.join("Grace");
  agent.take();

  ada.page.say({ type: "media", ...MEDIA, muted: true });
  assertEquals(agent.take(), ["trackUpdated audio true"]);
  const id = ada.page.last("welcome")!.id;
  assertEquals(bench.audio.sources.get(`${id}:audio`)?.muted, true);
  assertEquals(grace.page.last("updated")?.member.audible, false);

  ada.page.say({ type: "media", ...MEDIA, camera: true, screen: true });
  assertEquals(agent.take(), [
    "trackUpdated audio false",
    "trackAdded camera",
    "trackAdded screen",
  ]);
  assertEquals(grace.page.last("videos")?.sections.map((ref) => ref?.kind), [
    "screen",
    "camera",
    undefined,
    undefined,
  ]);
  assertEquals(bench.room.videoTrack(`${id}:screen`), ada.peer.transceivers[2]!.receiver.track);

  ada.page.say({ type: "media", ...MEDIA });
  assertEquals(agent.take(), ["trackRemoved camera", "trackRemoved screen"]);
  assertEquals(grace.page.last("videos")?.sections, [null, null, null, null]);
});

Deno.test("an agent's own picture is sent to all participants, and who finds no place is named", async () => {
  const bench = new RoomBench({ videos: 1 });
  const agent = new FakePort(1);
  bench.room.addAgent(agent.port);
  bench.room.publish(agent.port, { audio: true, video: true });
  const ada = await bench.join("Ada", { camera: true });
  const grace = await bench.join("Grace");
  assertEquals(ada.peer.videos, [agent.videoTrack.id]);
  assertEquals(grace.peer.videos, [agent.videoTrack.id]);
  assertEquals(grace.page.last("videos")?.paused, [
    { member: ada.page.last("welcome")!.id, kind: "camera" },
  ]);
});

Deno.test("a subscribed picture that changes its source is told to the agent's port", async () => {
  const bench = new RoomBench();
  const agent = new FakePort(1);
  bench.room.addAgent(agent.port);
  const { page, peer } = await bench.join("Ada", { camera: true });
  const trackId = `${page.last("welcome")!.id}:camera`;
  agent.subscribed.add(trackId);
  page.say({ type: "repair" });
  page.say({ type: "answer", offer: 2, sdp: "v=0" });
  await settle();
  assertEquals(agent.sources, [
    [trackId, undefined],
    [trackId, bench.peers[1]!.transceivers[1]!.receiver.track.id],
  ]);
  assert(peer.closed);
});

Deno.test("a page that leaves is gone immediately, and nothing of it is left", async () => {
  const bench = new RoomBench();
  const agent = new FakePort(1);
  bench.room.addAgent(agent.port);
  const { page, peer } = await bench.join("Ada", { camera: true });
  agent.take();
  page.hangUp(1001);
  assertEquals(agent.take(), ["trackRemoved audio", "trackRemoved camera", "participantLeft"]);
  await settle();
  assert(peer.closed);
  assertEquals([bench.audio.sources.size, bench.audio.listeners.size, bench.room.people], [
    0,
    0,
    0,
  ]);
  assertEquals(bench.clock.pending, 0);
});

Deno.test("a killed browser, whose media stops with its socket, is gone within a second", async () => {
  const bench = new RoomBench();
  const agent = new FakePort(1);
  bench.room.addAgent(agent.port);
  const { page } = await bench.join("Ada");
  agent.take();
  page.hangUp(1006, false);
  await bench.clock.advance(900);
  assertEquals(agent.take(), ["trackRemoved audio", "participantLeft"]);
});

Deno.test("packets of a killed browser that come late delay its leaving only a little", async () => {
  const bench = new RoomBench();
  const agent = new FakePort(1);
  bench.room.addAgent(agent.port);
  const { page, peer } = await bench.join("Ada");
  agent.take();
  page.hangUp(1006, false);
  await bench.clock.advance(200);
  peer.packets += 5;
  await bench.clock.advance(300);
  assertEquals(agent.take(), []);
  await bench.clock.advance(450);
  assertEquals(agent.take(), ["trackRemoved audio", "participantLeft"]);
});

Deno.test("a browser whose media goes on is waited for, and comes back as who it was", async () => {
  const bench = new RoomBench();
  const agent = new FakePort(1);
  bench.room.addAgent(agent.port);
  const { page, peer } = await bench.join("Ada");
  const grace = await bench.join("Grace");
  agent.take();
  page.hangUp(1006, false);
  for (let ms = 0; ms < 3000; ms += 100) {
    peer.packets += 10;
    await bench.clock.advance(100);
  }
  assertEquals(agent.take(), []);
  assertEquals(grace.page.last("updated")?.member.reconnecting, true);

  const { id, resume } = page.last("welcome")!;
  const again = bench.enter("Ada", { resume, keepPeer: true });
  const welcome = again.last("welcome")!;
  assertEquals([welcome.id, welcome.resumed, welcome.keepPeer], [id, true, true]);
  assertEquals(again.last("offer"), undefined);
  assertEquals(grace.page.last("updated")?.member.reconnecting, false);
  await keepAlive(bench, [again, grace.page], 20_000);
  assertEquals(agent.take(), []);
});

Deno.test("a page that comes back is told anew whose pictures it is sent", async () => {
  const bench = new RoomBench();
  const agent = new FakePort(1);
  bench.room.addAgent(agent.port);
  bench.room.publish(agent.port, { audio: true, video: true });
  const { page, peer } = await bench.join("Ada");
  page.hangUp(1006, false);
  const again = bench.enter("Ada", { resume: page.last("welcome")!.resume, keepPeer: true });
  assertEquals(again.last("videos")?.sections[0], { member: "agent-1", kind: "camera" });
  assertEquals(peer.videos[0], agent.videoTrack.id);
});

Deno.test("a browser whose network was cut counts as muted, and as gone after the grace", async () => {
  const bench = new RoomBench({ graceMs: 6000 });
  const agent = new FakePort(1);
  bench.room.addAgent(agent.port);
  const { page } = await bench.join("Ada");
  agent.take();
  await bench.clock.advance(5000);
  assertEquals(page.closeReason, "silent");
  assertEquals(agent.take(), ["trackUpdated audio true"]);
  await bench.clock.advance(5000);
  assertEquals(agent.take(), []);
  await bench.clock.advance(1000);
  assertEquals(agent.take(), ["trackRemoved audio", "participantLeft"]);
});

Deno.test("a cut browser that comes back with a new connection is the same participant, unmuted", async () => {
  const bench = new RoomBench();
  const agent = new FakePort(1);
  bench.room.addAgent(agent.port);
  const { page, peer } = await bench.join("Ada");
  await bench.clock.advance(5000);
  agent.take();
  const again = bench.enter("Ada", { resume: page.last("welcome")!.resume, keepPeer: false });
  assertEquals(again.last("welcome")!.id, page.last("welcome")!.id);
  assertEquals(again.last("offer")!.offer, 2);
  assert(peer.closed);
  again.say({ type: "media", ...MEDIA });
  again.say({ type: "answer", offer: 2, sdp: "v=0" });
  await settle();
  assertEquals(agent.take(), ["trackUpdated audio false"]);
  assertEquals(bench.audio.sources.size, 1);
});

Deno.test("a wrong token makes a new participant, and a second socket takes the first one's place", async () => {
  const bench = new RoomBench();
  bench.room.addAgent(new FakePort(1).port);
  const { page } = await bench.join("Ada");
  const other = bench.enter("Ada", { resume: "A".repeat(22) });
  assert(other.last("welcome")!.id !== page.last("welcome")!.id);
  bench.enter("Ada", { resume: page.last("welcome")!.resume, keepPeer: true });
  assertEquals(page.last("goodbye")?.code, "replaced");
});

Deno.test("a room that is full refuses, but lets those who are in it come back", async () => {
  const bench = new RoomBench({ people: 1 });
  const { page } = await bench.join("Ada");
  assertEquals(bench.enter("Grace").last("refused")?.code, "room-full");
  const again = bench.enter("Ada", { resume: page.last("welcome")!.resume });
  assertEquals(again.last("welcome")?.resumed, true);
});

Deno.test("candidates are filtered and counted", async () => {
  const bench = new RoomBench({ candidates: 3 });
  const { page, peer } = await bench.join("Ada");
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
  assertEquals(page.last("refused")?.code, "too-many-candidates");
});

Deno.test("a browser on this machine is offered its addresses, and may name them, early too", async () => {
  const bench = new RoomBench();
  const page = bench.enter("Ada", {}, { sameMachine: true });
  const peer = bench.peers[0]!;
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
  const elsewhere = bench.enter("Ada", { resume });
  const next = bench.peers[1]!;
  next.options.onCandidate?.({ candidate: candidate("192.0.2.2") });
  assertEquals(elsewhere.last("candidate"), undefined);
});

Deno.test("a person who cannot connect is refused after a while, one whose connection fails is offered another", async () => {
  const bench = new RoomBench();
  const stuck = bench.enter("Ada");
  await keepAlive(bench, [stuck], 21_000);
  assertEquals(stuck.last("refused")?.code, "media-failed");
  const { page, peer } = await bench.join("Grace");
  peer.become("failed");
  assertEquals(page.last("offer")?.offer, 2);
  for (let count = 0; count < 10; count++) bench.peers.at(-1)!.become("failed");
  assertEquals(page.last("refused")?.code, "media-failed");
});

Deno.test("a person whose first connection fails and is repaired stays as long as they like", async () => {
  const bench = new RoomBench();
  const page = bench.enter("Ada");
  bench.peers[0]!.become("failed");
  const peer = bench.peers[1]!;
  page.say({ type: "answer", offer: 2, sdp: "v=0" });
  await settle();
  peer.become("connected");
  await keepAlive(bench, [page], 30_000);
  assertEquals(page.last("refused"), undefined);
  assertEquals(bench.room.people, 1);
});

Deno.test("a connection that cannot be made leaves nothing behind", async () => {
  const bench = new RoomBench();
  bench.room.media.createPeer = () => {
    throw new TypeError("no peer");
  };
  const { socket } = bench.socket();
  assertThrows(() => bench.room.enter(socket, hello("Ada")), TypeError, "no peer");
  socket.close();
  await settle();
  assertEquals([bench.room.people, bench.clock.pending], [0, 0]);
});

Deno.test("custom events go both ways, and one of more than 5 KB is refused and ends nothing", async () => {
  const bench = new RoomBench();
  const agent = new FakePort(1);
  const other = new FakePort(2, "Parrot");
  bench.room.addAgent(agent.port);
  bench.room.addAgent(other.port);
  const ada = await bench.join("Ada");
  const grace = await bench.join("Grace");
  agent.take();
  other.take();
  bench.room.sendCustomEvent(agent.port, { metric: 1 });
  assertEquals(ada.page.last("event"), { type: "event", from: "agent-1", data: { metric: 1 } });
  assertEquals([agent.take(), other.take()], [[], ["customEvent"]]);
  ada.page.say({ type: "event", data: { wave: true } });
  assertEquals(grace.page.last("event")?.data, { wave: true });
  assertEquals(agent.take(), ["customEvent"]);
  ada.page.say({ type: "event", data: "x".repeat(6000) });
  assertEquals(ada.page.last("unsent")?.code, "message-too-large");
  assertEquals(ada.page.last("refused"), undefined);
  assertEquals([agent.take(), grace.page.received.filter(({ type }) => type === "event").length], [
    [],
    2,
  ]);
  ada.page.say({ type: "event", data: { wave: false } });
  assertEquals(grace.page.last("event")?.data, { wave: false });
});

Deno.test("agents are told the delay of the listener that hears latest", async () => {
  const bench = new RoomBench();
  const agent = new FakePort(1);
  bench.room.addAgent(agent.port);
  const ada = await bench.join("Ada");
  const grace = await bench.join("Grace");
  ada.page.say({ type: "ping", id: 1, roundTripMs: 20, jitterBufferMs: 30, outputMs: 10 });
  grace.page.say({ type: "ping", id: 1, roundTripMs: 100, jitterBufferMs: 60, outputMs: 40 });
  const delays = agent.notices.flatMap((one) => one.type === "heardDelay" ? [one.ms] : []);
  assertEquals(delays, [50, 150]);
  // A page that says that it hears nothing of it for a minute is not believed.
  grace.page.say({ type: "ping", id: 2, roundTripMs: 100, jitterBufferMs: 60_000 });
  assertEquals(agent.notices.at(-1), { type: "heardDelay", ms: 1000 });
});

Deno.test("levels are told while a person is heard, and a speaker moves up", async () => {
  const bench = new RoomBench({ videos: 1 });
  const ada = await bench.join("Ada", { camera: true });
  const grace = await bench.join("Grace", { camera: true });
  const linus = await bench.join("Linus");
  const id = (each: typeof ada): string => each.page.last("welcome")!.id;
  assertEquals(linus.page.last("videos")?.sections[0]?.member, id(ada));
  bench.audio.loudness = [
    { memberId: id(grace), trackId: "", level: 0.25, speaking: true },
    { memberId: id(ada), trackId: "", level: 0.001, speaking: false },
  ];
  await bench.clock.advance(100);
  assertEquals(linus.page.last("levels")?.levels, { [id(grace)]: 0.25 });
  assertEquals(linus.page.last("videos")?.sections[0]?.member, id(grace));
  bench.audio.loudness = [];
  await bench.clock.advance(100);
  const told = linus.page.received.length;
  await bench.clock.advance(1000);
  assertEquals(linus.page.received.length, told);
});

Deno.test("the last agent takes the call with it, and people are told", async () => {
  const bench = new RoomBench();
  const [first, second] = [new FakePort(1), new FakePort(2, "Parrot")];
  bench.room.addAgent(first.port);
  bench.room.addAgent(second.port);
  const { page, peer } = await bench.join("Ada");
  await bench.room.removeAgent(first.port);
  assertEquals(page.last("left")?.id, "agent-1");
  assertEquals(bench.ends, 0);
  await bench.room.removeAgent(second.port);
  assertEquals(page.last("goodbye")?.code, "agent-left");
  assertEquals(page.closeCode, 4002);
  assertEquals([bench.ends, peer.closed, bench.audio.closed], [1, true, true]);
  assertEquals(bench.clock.pending, 0);
});

Deno.test("a call that is ended ends for its agents too", async () => {
  const bench = new RoomBench();
  const agent = new FakePort(1);
  bench.room.addAgent(agent.port);
  const { page } = await bench.join("Ada");
  agent.take();
  await bench.room.end("call-ended");
  assertEquals(agent.take(), ["ended"]);
  assertEquals(page.last("goodbye")?.code, "call-ended");
});

/** Goes on in time while pages ping, as they do. */
async function keepAlive(
  bench: RoomBench,
  pages: { say(message: { type: "ping"; id: number }): void }[],
  ms: number,
): Promise<void> {
  for (let at = 0; at < ms; at += 1000) {
    for (const page of pages) page.say({ type: "ping", id: at });
    await bench.clock.advance(1000);
  }
}
