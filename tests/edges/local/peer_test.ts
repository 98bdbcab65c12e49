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
    onSound() {},
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

Deno.test("a browser that finds no network says so after a while, and may yet find one", async () => {
  for (const outcome of ["connected", "failed"]) {
    using bench = await answered();
    bench.time.tick(2999);
    assertEquals(bench.states, []);
    bench.time.tick(1);
    assertEquals([bench.states, bench.peer.lacksNetwork], [["no-network"], true]);
    // Chromium goes on looking.
    bench.time.tick(60_000);
    assertEquals(bench.states, ["no-network"]);
    bench.connection.find();
    bench.connection.become(outcome);
    assertEquals(bench.states, ["no-network", outcome]);
  }
});

Deno.test("a browser that fails without a network needs few connections until it has one", async () => {
  let connections = 0;
  for (let waited = 0; waited < 60_000; connections++) {
    // Firefox fails immediately, and looks no further.
    using bench = await answered();
    bench.connection.become("failed");
    for (; !bench.states.includes("failed"); waited += 1000) bench.time.tick(1000);
    assertEquals(bench.states, ["no-network", "failed"]);
    assertEquals(bench.peer.lacksNetwork, true);
  }
  // Six is where the server refuses, and two were spent when the network went.
  assertEquals(connections, 4);
});

Deno.test("a browser that has a network fails when it says so", async () => {
  using bench = await answered();
  bench.connection.find();
  bench.connection.become("connecting");
  bench.time.tick(5000);
  bench.connection.become("failed");
  assertEquals(bench.states, ["connecting", "failed"]);
  assertEquals(bench.peer.lacksNetwork, false);
});

Deno.test("a browser whose network comes late is given another connection", async () => {
  using bench = await answered();
  bench.connection.become("failed");
  bench.time.tick(1000);
  bench.connection.find();
  bench.time.tick(2000);
  assertEquals([bench.states, bench.peer.lacksNetwork], [["failed"], false]);
});

Deno.test("a browser that hides its addresses and connects lacks nothing", async () => {
  using bench = await answered();
  bench.connection.become("connected");
  bench.time.tick(10_000);
  assertEquals([bench.states, bench.peer.lacksNetwork], [["connected"], false]);
  bench.connection.become("failed");
  assertEquals(bench.states, ["connected", "failed"]);
});

Deno.test("a connection that is closed says nothing more", async () => {
  using bench = await answered();
  bench.connection.become("failed");
  bench.peer.close();
  bench.time.tick(5000);
  assertEquals(bench.states, []);
});
