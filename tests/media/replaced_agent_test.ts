/** An agent whose media process is replaced in the middle of its call. */
import { assertEquals } from "@std/assert";
import { Agent } from "../../src/agent/agent.ts";
import { ConnectionStateChangedEvent } from "../../src/edge/events.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { until } from "../fixtures/until.ts";
import { fakeProcess, TestEdge } from "./_fixture.ts";

Deno.test("Agent enters its call once although its media process is replaced: it is not idle, and goes on", async () => {
  await using edge = new TestEdge(fakeProcess());
  let entered = 0;
  const rows: number[] = [];
  const agent = new Agent({
    edge,
    agentUser: { id: "agent", name: "Agent" },
    onEnter: () => void entered++,
    processors: [{ name: "ears", processAudio: ({ row }) => void rows.push(row) }],
  });
  const states: string[] = [];
  using _ = edge.events.subscribe(ConnectionStateChangedEvent, (event) => {
    states.push(event.reconnecting ? "reconnecting" : event.state);
  });
  await using _session = await agent.join(await edge.createCall("call"), {
    participantWaitTimeoutMs: 0,
  });
  const connection = agent.connection!;
  await until("entering", () => entered === 1);
  states.length = 0;
  const lease = await edge.process.acquire();
  await lease.request("rows", 3);
  await until("what was said before", () => rows.length === 3);
  Deno.kill(edge.process.pid!, "SIGKILL");
  await until("reconnecting", () => connection.isReconnecting);
  // A reply that begins meanwhile is said afterwards.
  const saying = agent.audio.write(
    new PcmChunk(new Int16Array(2400).fill(1), { sampleRate: 24_000 }),
    {
      final: true,
    },
  );
  await until("being back", () => !connection.isReconnecting);
  await saying;
  await until("the reply", async () => {
    await lease.request("tick", 5);
    return agent.audio.playedMs > 99;
  });
  await lease.request("rows", 3);
  await until("what is said afterwards", () => rows.length === 6);
  assertEquals([entered, agent.idleForMs()], [1, 0]);
  assertEquals(states, ["reconnecting", "active"]);
  await lease.release();
});
