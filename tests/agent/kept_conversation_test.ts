import { Agent, type ConversationHistory, ErrorEvent, type Message } from "@ringline/edge";
import { FakeLLM, FakeSTT, FakeTTS, MemoryEdge, VirtualClock } from "@ringline/edge/testing";
import { assertEquals, assertThrows } from "@std/assert";
import { silentLogger } from "../../src/events/logger.ts";

/** Where an application keeps conversations. */
class Shelf implements ConversationHistory {
  kept: readonly Message[] | undefined;
  saved = 0;
  load(): readonly Message[] | undefined {
    return structuredClone(this.kept);
  }
  save(messages: readonly Message[]): void {
    this.saved++;
    this.kept = structuredClone(messages);
  }
}

async function fixture(history: ConversationHistory) {
  const clock = new VirtualClock();
  const edge = new MemoryEdge({ clock, logger: silentLogger });
  const errors: string[] = [];
  edge.events.subscribe(ErrorEvent, ({ context }) => void errors.push(context));
  const llm = new FakeLLM(clock, ["Fine."]);
  const agent = new Agent({
    edge,
    agentUser: { id: "cook", name: "Cook" },
    history,
    llm,
    stt: new FakeSTT(clock),
    tts: new FakeTTS(clock),
  });
  const call = await agent.createCall("default", "kitchen");
  const session = await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
  return { clock, edge, agent, llm, errors, conversation: session.conversation };
}

Deno.test("an agent goes on with the conversation that another's program kept", async () => {
  const shelf = new Shelf();
  const first = await fixture(shelf);
  assertEquals(first.conversation.messages, []);
  first.conversation.append({ role: "user", userId: "anna", text: "A table for two" });
  const { id } = first.conversation.append({
    ...{ role: "assistant", userId: "cook", text: "At eight", complete: false } as const,
  });
  first.conversation.update(id, { text: "At eight?", complete: true });
  first.conversation.append({
    ...{ role: "assistant", userId: "cook", text: "I was", complete: false } as const,
  });
  await first.clock.advance(250);
  assertEquals(shelf.saved, 1, "changes are saved together");
  // Its program is gone now: nothing more is saved.

  const second = await fixture(shelf);
  const texts = () => second.conversation.messages.map(({ text }) => text);
  assertEquals(texts(), ["A table for two", "At eight?"], "without what was not complete");
  const reply = second.agent.text("Are you there?");
  await second.clock.until(reply);
  const asked = second.llm.requests.at(-1)!.messages.map(({ text }) => text);
  assertEquals(asked.slice(0, 2), ["A table for two", "At eight?"]);
  await second.clock.until(second.agent.close());
  assertEquals(shelf.kept!.slice(0, 2).map(({ text }) => text), ["A table for two", "At eight?"]);
  const ids = shelf.kept!.map(({ id }) => id);
  assertEquals(new Set(ids).size, ids.length);

  const third = await fixture(shelf);
  assertEquals(third.conversation.messages.length, shelf.kept!.length);
});

Deno.test("a history that cannot be loaded holds up no call, and is not written over", async () => {
  const shelf = new Shelf();
  shelf.load = () => Promise.reject(new Error("down")) as unknown as undefined;
  const { clock, conversation, errors, agent } = await fixture(shelf);
  conversation.append({ role: "user", userId: "anna", text: "Hello" });
  await clock.advance(1000);
  await clock.until(agent.close());
  assertEquals([errors, shelf.saved], [
    ["loading the history; going on without, and saving none"],
    0,
  ]);
});

Deno.test("a history that cannot be saved is saved with the next change", async () => {
  const shelf = new Shelf();
  const save = shelf.save.bind(shelf);
  shelf.save = () => {
    throw new Error("down");
  };
  const { clock, conversation, errors } = await fixture(shelf);
  conversation.append({ role: "user", userId: "anna", text: "Hello" });
  await clock.advance(250);
  assertEquals(errors, ["saving the history"]);
  shelf.save = save;
  conversation.append({ role: "user", userId: "anna", text: "Are you there?" });
  await clock.advance(250);
  assertEquals(shelf.kept!.map(({ text }) => text), ["Hello", "Are you there?"]);
});

Deno.test("Agent names a history that is none", () => {
  const edge = new MemoryEdge();
  const agentUser = { id: "cook", name: "Cook" };
  const history = {} as ConversationHistory;
  assertThrows(() => new Agent({ edge, agentUser, history }), TypeError, "history: expected");
});
