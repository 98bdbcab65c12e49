/** When the page's connection counts as failed, with a browser's double that is told what happens. */
import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Peer } from "../../../src/edges/local/page/client/peer.js";

/** A browser's connection that finds and reaches nothing by itself. */
class FakeConnection {
  connectionState = "new";
  onicecandidate: ((event: unknown) => void) | undefined;
  onconnectionstatechange: (() => void) | undefined;
  #transceivers = ["0", "1", "2"].map((mid) => ({
    mid,
    direction: "",
    sender: { replaceTrack: () => Promise.resolve() },
  }));
  setRemoteDescription = () => Promise.resolve();
  getTransceivers = () => this.#transceivers;
  createAnswer = () => Promise.resolve({ sdp: "v=0" });
  setLocalDescription = () => Promise.resolve();
  close() {}

  find(): void {
    const candidate = "candidate:0 1 UDP 1 a.local 5000 typ host";
    this.onicecandidate?.({ candidate: { candidate, toJSON: () => ({ candidate }) } });
  }
  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

/** A peer that has answered, in time that stands still. */
async function answered() {
  const time = new FakeTime();
  const states: string[] = [];
  const real = Object.getOwnPropertyDescriptor(globalThis, "RTCPeerConnection");
  Object.defineProperty(globalThis, "RTCPeerConnection", {
    configurable: true,
    value: FakeConnection,
  });
  const mids = { audio: "0", camera: "1", screen: "2", videos: [] };
  const peer = new Peer({ offer: 1, mids }, [], {
    send() {},
    trackFor: () => null,
    onAudio() {},
    onState: (state: string) => void states.push(state),
  });
  if (real) Object.defineProperty(globalThis, "RTCPeerConnection", real);
  else Reflect.deleteProperty(globalThis, "RTCPeerConnection");
  await peer.answer("v=0");
  const connection = peer.connection as unknown as FakeConnection;
  return {
    time,
    states,
    peer,
    connection,
    [Symbol.dispose]() {
      peer.close();
      time.restore();
    },
  };
}

Deno.test("Peer reports a missing network after a while, and can still connect", async () => {
  for (const outcome of ["connected", "failed"]) {
    using fixture = await answered();
    fixture.time.tick(2999);
    assertEquals(fixture.states, []);
    fixture.time.tick(1);
    assertEquals([fixture.states, fixture.peer.lacksNetwork], [["no-network"], true]);
    // Chromium goes on looking.
    fixture.time.tick(60_000);
    assertEquals(fixture.states, ["no-network"]);
    fixture.connection.find();
    fixture.connection.become(outcome);
    assertEquals(fixture.states, ["no-network", outcome]);
  }
});

Deno.test("Peer asks for few connections while it has no network", async () => {
  let connections = 0;
  for (let waited = 0; waited < 60_000; connections++) {
    // Firefox fails at once, and looks no further.
    using fixture = await answered();
    fixture.connection.become("failed");
    for (; !fixture.states.includes("failed"); waited += 1000) fixture.time.tick(1000);
    assertEquals(fixture.states, ["no-network", "failed"]);
    assertEquals(fixture.peer.lacksNetwork, true);
  }
  // Six is where the server refuses, and two were spent when the network went.
  assertEquals(connections, 4);
});

Deno.test("Peer with a network fails when its connection does", async () => {
  using fixture = await answered();
  fixture.connection.find();
  fixture.connection.become("connecting");
  fixture.time.tick(5000);
  fixture.connection.become("failed");
  assertEquals(fixture.states, ["connecting", "failed"]);
  assertEquals(fixture.peer.lacksNetwork, false);
});

Deno.test("Peer asks for another connection when the network comes late", async () => {
  using fixture = await answered();
  fixture.connection.become("failed");
  fixture.time.tick(1000);
  fixture.connection.find();
  fixture.time.tick(2000);
  assertEquals([fixture.states, fixture.peer.lacksNetwork], [["failed"], false]);
});

Deno.test("Peer of a browser that hides its addresses does not lack a network", async () => {
  using fixture = await answered();
  fixture.connection.become("connected");
  fixture.time.tick(10_000);
  assertEquals([fixture.states, fixture.peer.lacksNetwork], [["connected"], false]);
  fixture.connection.become("failed");
  assertEquals(fixture.states, ["connected", "failed"]);
});

Deno.test("Peer reports nothing after close", async () => {
  using fixture = await answered();
  fixture.connection.become("failed");
  fixture.peer.close();
  fixture.time.tick(5000);
  assertEquals(fixture.states, []);
});
