/** How long simulated calls last, and what takes real time in them. */
import { setImmediate } from "node:timers/promises";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { sleep } from "../../src/events/waiting.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import type { CallScript } from "../../src/testing/simulator/script.ts";
import { simulateCall, SimulationError } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike, tone } from "../../src/testing/sounds.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import type { VAD } from "../../src/inference/contracts/vad.ts";

/** Something that takes real time, and several turns of the event loop. */
async function readFiles(): Promise<string> {
  let text = "";
  for (let count = 0; count < 50; count++) text += await Deno.readTextFile(import.meta.filename!);
  return text;
}

function conversation(vad?: VAD): CallScript["agent"] {
  return ({ clock }) => ({
    llm: new FakeLLM(clock, ["Hello, there."]),
    stt: new FakeSTT(clock, ["Hello?"]),
    tts: new FakeTTS(clock),
    ...vad && { vad },
  });
}

Deno.test("simulateCall ends when the agent ends the call", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [
      { userId: "anna", says: [{ atMs: 1000, pcm: tone(500) }, { atMs: 4000, pcm: tone(500) }] },
      { userId: "bert", joinsAtMs: 5000 },
    ],
    agent: (simulation) => ({
      onAudio: () => simulation.edge.endCall(simulation.agent.connection!.call),
    }),
    stalls: [{ atMs: 6000, forMs: 100 }],
    reconnects: [[5000, 6000]],
    endsAtMs: 10_000,
  });
  assertEquals([record.durationMs, record.agentLeftAtMs], [1020, 1020]);
  assertEquals([record.state, record.reason, record.errors], ["closed", "call-ended", []]);
  assert(!record.log.includes("bert"), record.log);
  assert(record.timeline().startsWith("seed 1, 1.0 s, closed: call-ended"));
});

Deno.test("simulateCall goes on without an agent that has left", async () => {
  for (const ends of ["call-ended", "left", "kicked"] as const) {
    const record = await simulateCall({
      seed: 1,
      people: [{ userId: "anna", says: [{ atMs: 3000, pcm: tone(500) }] }],
      agent: () => ({}),
      onJoined: async ({ agent, clock }) => {
        await sleep(2000, { clock });
        await agent.close();
      },
      reconnects: [[4000, 5000]],
      endsAtMs: 6000,
      ends,
    });
    assertEquals([record.durationMs, record.agentLeftAtMs], [6000, 2010]);
    assertEquals([record.reason, record.errors], ["left", []]);
    assertEquals(record.spoken.get("anna")!.totalMs, 500);
  }
});

Deno.test("simulateCall knows when an agent was removed", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [],
    agent: () => ({}),
    onJoined: async ({ edge, agent, clock }) => {
      await sleep(1000, { clock });
      edge.end(agent.connection!, "kicked");
    },
    endsAtMs: 3000,
  });
  assertEquals([record.agentLeftAtMs, record.durationMs, record.reason], [1010, 3000, "kicked"]);
});

Deno.test("Simulation.real holds the clock while real I/O is awaited", async () => {
  let heardAtMs: number | undefined;
  const record = await simulateCall({
    seed: 1,
    people: [{ userId: "anna", says: [{ atMs: 1000, pcm: tone(500) }] }],
    agent: ({ clock, real, note }) => ({
      onAudio: async () => {
        if (heardAtMs !== undefined) return;
        const text = await real(readFiles());
        assert(text.length > 1000);
        heardAtMs = clock.now();
        note("read");
      },
    }),
    endsAtMs: 3000,
  });
  assertEquals([heardAtMs, record.worstLatenessMs, record.errors], [1020, 0, []]);
});

Deno.test("VirtualClock.real passes a failure on, and goes on", async () => {
  const clock = new VirtualClock();
  const missing = clock.real(Deno.readTextFile("/no/such/file"));
  await assertRejects(() => clock.until(missing), Deno.errors.NotFound);
  await clock.advance(10);
  assertEquals(clock.now(), 10);
});

Deno.test("VirtualClock.real gives up what waits for the clock itself, and says so", async () => {
  const clock = new VirtualClock();
  const stuck = clock.real(sleep(100, { clock }), { timeoutMs: 5 });
  await assertRejects(() => clock.until(stuck), DOMException, "does it wait for this very clock?");
  await clock.advance(100);
});

Deno.test("VirtualClock.until says how to wait for real I/O", async () => {
  const never = new Promise(() => {});
  await assertRejects(() => new VirtualClock().until(never), Error, "clock.real(promise)");
});

Deno.test("simulateCall waits for models that load, in no time of the call", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [{ userId: "anna", says: [{ atMs: 1000, pcm: speechLike(1000) }] }],
    agent: (simulation) => ({
      ...conversation({
        name: "loading-vad",
        start: async () => void await readFiles(),
        open: () => ({ process: () => 1, [Symbol.dispose]: () => {} }),
      })(simulation),
      processors: [{
        name: "sleeper",
        start: async ({ clock }) => {
          await readFiles();
          await sleep(200, { clock });
          await readFiles();
        },
      }],
    }),
    endsAtMs: 5000,
  });
  assertEquals(record.errors, []);
  assert(record.log.includes("     210 event: establishing -> active"), record.log);
});

Deno.test("simulateCall fails with what kept a model from loading", async () => {
  const vad: VAD = {
    name: "broken-vad",
    start: async () => {
      await readFiles();
      throw new Error("the model is not there");
    },
    open: () => ({ process: () => 1, [Symbol.dispose]: () => {} }),
  };
  const script: CallScript = { seed: 1, people: [], agent: conversation(vad), endsAtMs: 1000 };
  await assertRejects(() => simulateCall(script), SimulationError, "the model is not there");
});

Deno.test("simulateCall waits for a VAD that computes for each of several speakers", async () => {
  const vad: VAD = {
    name: "computing-vad",
    open: () => ({
      process: async (pcm) => {
        // As Silero does: it computes, and then gives the event loop a turn.
        await setImmediate();
        return pcm.samples.some((sample) => Math.abs(sample) > 500) ? 1 : 0;
      },
      [Symbol.dispose]: () => {},
    }),
  };
  const record = await simulateCall({
    seed: 1,
    people: Array.from({ length: 5 }, (_, seed) => ({
      userId: `person-${seed}`,
      says: [{ atMs: 1000, pcm: speechLike(3000, { seed }) }],
    })),
    agent: conversation(vad),
    endsAtMs: 6000,
  });
  assertEquals([record.worstLatenessMs, record.droppedSlots, record.errors], [0, 0, []]);
});
