import { assertEquals, assertRejects } from "@std/assert";
import type { AgentConnection, ChildContext } from "../../../src/media/child/contract.ts";
import { LiveKitChild } from "../../../src/edges/livekit/child/livekit_child.ts";
import { ORDER } from "../../../src/edges/livekit/wire/ipc.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { fakeMedia } from "./session/_media.ts";

const PARAMS = {
  brokerId: "the broker",
  urls: ["ws://127.0.0.1:7880"],
  token: "token",
  moderated: [],
  attributes: {},
  heardDelayMs: 150,
  reconnectTimeoutMs: 60_000,
  silenceTimeoutMs: 15_000,
  participantGraceMs: 6000,
  rejoinGraceMs: 30_000,
};

/** Begins a join that fails, as the agent does not wait for it. */
async function tryToJoin(child: LiveKitChild): Promise<AbortController> {
  const open = new AbortController();
  const connection = {
    connectionId: 1,
    call: { id: "kitchen", type: "default" },
    user: { id: "bot", name: "Bot" },
    audioSubscription: { sampleRate: 16_000, agents: false },
    known: undefined,
    send: () => {},
    signal: open.signal,
  } as unknown as AgentConnection;
  const gone = new Error("the agent waits no longer");
  await assertRejects(() => child.join(connection, PARAMS, AbortSignal.abort(gone)), Error);
  return open;
}

Deno.test("LiveKitChild keeps a call that was joined again while the try before it was leaving", async () => {
  const context = { clock: new VirtualClock(), log: () => {}, handling: () => Promise.resolve() };
  const audio = { addAgent: () => {} };
  const child = new LiveKitChild(
    context as unknown as ChildContext,
    () => ({ ...fakeMedia().media, audio: audio as never }),
  );
  const before = await tryToJoin(child);
  const after = await tryToJoin(child);
  before.abort();
  const order = { brokerId: PARAMS.brokerId, order: { method: "reconnect", strategy: "resume" } };
  assertEquals(await child.request(ORDER, order), null);
  after.abort();
  await assertRejects(() => child.request(ORDER, order), Error, "the agent has left the call");
});
