import { SessionDescription } from "@livekit/protocol";
import { assertEquals, assertRejects } from "@std/assert";
import { ClosedError, ConnectionError } from "../../../../src/edge/errors.ts";
import { RoomPeer } from "../../../../src/edges/livekit/child/session/room_peer.ts";
import type { ClientMessage } from "../../../../src/edges/livekit/child/signal/signal_socket.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";
import { fakeMedia, settled } from "./_media.ts";

function fixture() {
  const { media, peers } = fakeMedia();
  const sent: ClientMessage[] = [];
  const log: string[] = [];
  const clock = new VirtualClock();
  const peer = new RoomPeer({
    media,
    clock,
    send: (message) => void sent.push(message),
    onState: () => {},
    onTracks: () => void log.push("tracks"),
    onData: (data) => void log.push(`data ${data}`),
    onDataLost: (label) => void log.push(`lost ${label}`),
    onError: (error) => void log.push(`${error}`),
  });
  const offers = () =>
    sent.flatMap(({ case: name, value }) => name === "offer" ? [`${value.id}: ${value.sdp}`] : []);
  const answer = (id: number, midToTrackId: Record<string, string> = {}) =>
    peer.accept(new SessionDescription({ type: "answer", id, sdp: `answer ${id}`, midToTrackId }));
  return { clock, peer, fake: peers[0]!, sent, log, offers, answer };
}

Deno.test("RoomPeer has sections for others in its first offer, and waits for the servers", async () => {
  const { peer, fake, log, answer } = fixture();
  const offer = await peer.firstOffer();
  assertEquals([offer.id, offer.sdp], [1, "4 sections"]);
  await peer.start([{ urls: "turn:127.0.0.1" }]);
  await answer(1, { "0": "TR_a", "3": "TR_v" });
  assertEquals(fake.log, ["start with 1", "accept answer 1"]);
  assertEquals(log, ["tracks"]);
  assertEquals(peer.track("TR_a"), fake.sections[0]!.receiver.track);
  assertEquals(peer.track("TR_v"), fake.sections[3]!.receiver.track);
  assertEquals(peer.track("TR_other"), undefined);
});

Deno.test("RoomPeer makes one offer at a time, and ignores answers to earlier ones", async () => {
  const { peer, fake, offers, answer } = fixture();
  await peer.firstOffer();
  const done: string[] = [];
  peer.negotiate().then(() => done.push("second"));
  peer.require({ numAudios: 2, numVideos: 0 });
  await settled();
  assertEquals(offers(), [], "the first one is out");
  await answer(1);
  await settled();
  assertEquals([offers(), done], [["2: 6 sections"], []]);
  await answer(1);
  assertEquals(fake.log, ["accept answer 1"]);
  await answer(2);
  await settled();
  assertEquals([offers().length, done], [1, ["second"]]);
});

Deno.test("RoomPeer forgets an offer whose socket is gone, and restarts ICE", async () => {
  const { peer, fake, offers, answer } = fixture();
  await peer.firstOffer();
  await answer(1);
  peer.negotiate().catch(() => {});
  await settled();
  const restarted = peer.restartIce();
  await settled();
  assertEquals(offers(), ["2: 4 sections", "3: 4 sections"]);
  await answer(3);
  await restarted;
  assertEquals(fake.log, ["accept answer 1", "restart", "accept answer 3"]);
});

Deno.test("RoomPeer sends data once its channel is open, and no more than servers take", async () => {
  const { peer, fake } = fixture();
  const [reliable, lossy] = fake.channels;
  assertEquals([reliable!.label, lossy!.label], ["_reliable", "_lossy"]);
  const sending = peer.sendData(Uint8Array.of(1), { reliable: true });
  await settled();
  assertEquals(reliable!.sent, []);
  reliable!.open();
  await sending;
  assertEquals(reliable!.sent, [Uint8Array.of(1)]);
  await assertRejects(
    () => peer.sendData(new Uint8Array(64_001), { reliable: true }),
    RangeError,
    "64000 bytes, got 64001",
  );
});

Deno.test("RoomPeer rejects what waits when it is closed", async () => {
  const { peer } = fixture();
  await peer.firstOffer();
  const waiting = [
    peer.negotiate(),
    peer.sendData(Uint8Array.of(1), { reliable: false }),
  ].map((one) => assertRejects(() => one, ClosedError));
  await peer.close();
  await Promise.all(waiting);
  await assertRejects(() => peer.negotiate(), ClosedError);
});

Deno.test("RoomPeer waits 10 s for an answer, then makes the next offer", async () => {
  const { clock, peer, fake, offers, answer } = fixture();
  await peer.firstOffer();
  await peer.start([]);
  const first = peer.negotiate();
  await clock.advance(10_000);
  assertEquals(offers(), ["2: 4 sections"], "also after the first offer");
  const failed = assertRejects(() => first, ConnectionError);
  const second = peer.negotiate();
  await clock.advance(10_000);
  assertEquals((await failed).code, "no-answer");
  assertEquals(offers().length, 2);
  await answer(2);
  await answer(3);
  await second;
  const late = assertRejects(() => peer.negotiate(), ConnectionError);
  await clock.advance(10_000);
  await late;
  await answer(4, { "0": "TR_a" });
  assertEquals(peer.track("TR_a"), fake.sections[0]!.receiver.track, "late is better than never");
  assertEquals(clock.pending, 0);
});

Deno.test("RoomPeer makes the next offer after one, or an answer, that failed", async () => {
  const { peer, fake, offers, answer } = fixture();
  await peer.firstOffer();
  await answer(1);
  fake.failures.offer = new Error("no sections");
  const offering = assertRejects(() => peer.negotiate(), Error, "no sections");
  const next = peer.negotiate();
  await offering;
  await settled();
  fake.failures.answer = new Error("bad answer");
  const waiting = assertRejects(() => next, Error, "bad answer");
  const last = peer.negotiate();
  await assertRejects(() => answer(2), Error, "bad answer");
  await waiting;
  await settled();
  assertEquals(offers(), ["2: 4 sections", "3: 4 sections"]);
  await answer(3);
  await last;
});

Deno.test("RoomPeer says that a channel has closed by itself, and what was not sent", async () => {
  const { peer, fake, log } = fixture();
  const [reliable, lossy] = fake.channels;
  const waiting = assertRejects(
    () => peer.sendData(Uint8Array.of(1), { reliable: true }),
    ConnectionError,
    "_reliable has closed",
  );
  await settled();
  reliable!.readyState = "closed";
  reliable!.onclose?.();
  assertEquals([(await waiting).code, log], ["lost", ["lost _reliable"]]);
  await assertRejects(() => peer.sendData(Uint8Array.of(1), { reliable: true }), ConnectionError);
  await peer.close();
  lossy!.onclose?.();
  assertEquals(log, ["lost _reliable"], "the agent has closed the others");
});
