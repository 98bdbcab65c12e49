import { assertEquals, assertRejects } from "@std/assert";
import { Agent } from "../../src/agent/agent.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

Deno.test("a reply whose model fails rejects, and is one event", async () => {
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock });
  const busy = new InferenceError("busy", { code: "busy" });
  const agent = new Agent({
    edge,
    clock,
    agentUser: { id: "agent", name: "Agent" },
    vad: new FakeVAD(),
    stt: new FakeSTT(clock),
    llm: new FakeLLM(clock, [{ error: busy }]),
    tts: new FakeTTS(clock),
  });
  const told: [string, unknown][] = [];
  edge.events.subscribe(ErrorEvent, ({ context, error }) => void told.push([context, error]));
  const call = await agent.createCall("default", "kitchen");
  edge.enter(call, { userId: "anna" });
  await clock.until(agent.join(call));
  await assertRejects(() => clock.until(agent.generateReply("Greet.")), InferenceError, "busy");
  await clock.advance(5000);
  await clock.until(agent.close());
  assertEquals(told, [["speaking", busy]]);
});
