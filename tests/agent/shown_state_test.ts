/** What an agent does, as its edge shows it to people. */
import { Agent, type AgentState, type CallConnection, ErrorEvent } from "@ringline/edge";
import {
  FakeLLM,
  FakeSTT,
  FakeTTS,
  FakeVAD,
  MemoryEdge,
  VirtualClock,
} from "@ringline/edge/testing";
import { assertEquals } from "@std/assert";
import { silentLogger } from "../../src/events/logger.ts";

/** An edge whose front ends show what agents do. */
class ShowingEdge extends MemoryEdge {
  readonly shown: string[] = [];
  onShow = () => {};

  override showAgentState({ call }: CallConnection, state: AgentState): void {
    this.shown.push(`${call.id} ${state}`);
    this.onShow();
  }
}

async function fixture() {
  const clock = new VirtualClock();
  const edge = new ShowingEdge({ clock, logger: silentLogger });
  const errors: string[] = [];
  edge.events.subscribe(
    ErrorEvent,
    ({ context, error }) => void errors.push(`${context}: ${error}`),
  );
  const agent = new Agent({
    edge,
    agentUser: { id: "cook", name: "Cook" },
    vad: new FakeVAD(),
    stt: new FakeSTT(clock),
    tts: new FakeTTS(clock),
    llm: new FakeLLM(clock, [{ text: "Fine.", firstTokenMs: 500 }]),
  });
  const call = await agent.createCall("default", "kitchen");
  await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
  edge.enter(call, { userId: "anna" });
  return { clock, edge, agent, errors };
}

Deno.test("an agent that converses has its edge show what it does", async () => {
  const { clock, edge, agent, errors } = await fixture();
  await clock.until(agent.generateReply("Say how you are."));
  await clock.advance(100);
  assertEquals(edge.shown.map((line) => line.split(" ")[1]), [
    ...["listening", "thinking", "speaking", "listening"],
  ]);
  assertEquals(new Set(edge.shown.map((line) => line.split(" ")[0])), new Set(["kitchen"]));
  assertEquals(errors, []);
  await clock.until(agent.close());
});

Deno.test("an edge that cannot show a state holds up no reply", async () => {
  const { clock, edge, agent, errors } = await fixture();
  edge.onShow = () => {
    throw new Error("no screen");
  };
  const { text } = (await clock.until(agent.generateReply("Say how you are.")))!;
  assertEquals(text, "Fine.");
  assertEquals(errors[0], "showing the agent's state: Error: no screen");
  await clock.until(agent.close());
});
