/** What an agent with a realtime model says besides its replies: notices, fillers, and what tools say. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  AgentSpeechEndedEvent,
  AgentSpeechStartedEvent,
  BargeInEvent,
  ToolCalledEvent,
} from "../../../src/inference/contracts/events.ts";
import { defineTool, type Tool } from "../../../src/inference/contracts/tool.ts";
import { sleep } from "../../../src/events/waiting.ts";
import type { FakeExchange } from "../../../src/testing/fake_realtime_llm.ts";
import { Fixture } from "../_fixture.ts";

const NOTICE = "This call is recorded for training.";
let fixture: Fixture;

async function start(realtime: FakeExchange[], tools: Tool[] = []): Promise<Fixture> {
  return fixture = await Fixture.set({ realtime, agent: { tools } });
}

/** A tool that takes so long. */
function slow(ms: number, options: Partial<Tool> = {}): Tool {
  const tool = defineTool({
    name: "look",
    description: "",
    execute: () => sleep(ms, { clock: fixture.clock }).then(() => "found"),
  });
  return { ...tool, ...options };
}

const LOOK = { name: "look", input: {} };

/** What the agent said, in order. */
function said(): string[] {
  return fixture.events(AgentSpeechEndedEvent).map(({ text, interrupted }) =>
    `${text.trim()}${interrupted ? "/" : ""}`
  );
}

/** When each of it began. */
function starts(): number[] {
  return fixture.happened.filter(({ event }) => event instanceof AgentSpeechStartedEvent)
    .map(({ at }) => at);
}

Deno.test("a realtime model says what must be heard, and hears after it what was said meanwhile", async () => {
  await using _ = await start([{ heard: "Stop that now.", reply: "I have to say it." }]);
  const { agent, clock, realtime } = fixture;
  const notice = agent.say(NOTICE, { allowInterruptions: false });
  await clock.advance(400);
  fixture.utter(600, 4000);
  await clock.advance(6000);
  assertEquals(await notice, { text: NOTICE, interrupted: false });
  assertEquals(fixture.events(BargeInEvent), []);
  assertEquals(said(), [NOTICE, "I have to say it."]);
  assert(realtime.sessions[0]!.heardSoundMs >= 550, `${realtime.sessions[0]!.heardSoundMs} ms`);
  // It can be interrupted again.
  void agent.say("And now a thing that may be cut off at any time, as most things may.");
  await clock.advance(1000);
  fixture.utter(600, 2000);
  await clock.advance(3000);
  assertEquals(fixture.events(BargeInEvent).length, 1);
});

Deno.test("a realtime model does not hear what is to be discarded, and hears what is said later", async () => {
  await using _ = await start([{ heard: "And now?", reply: "Now I hear you." }]);
  const { agent, clock } = fixture;
  const notice = agent.say(NOTICE, { allowInterruptions: false, discardUserTurns: true });
  await clock.advance(400);
  fixture.utter(600, 4000);
  fixture.ann.sendText("Stop.");
  await clock.advance(5000);
  assertEquals((await notice).interrupted, false);
  assertEquals(said(), [NOTICE]);
  await fixture.hear(600, 3000);
  assertEquals(said(), [NOTICE, "Now I hear you."]);
});

Deno.test("a realtime model says what must be heard after what people interrupt before it", async () => {
  for (const writes of [false, true]) {
    await using _ = await start([{ heard: "Stop.", reply: "I have stopped." }]);
    const { agent, clock } = fixture;
    void agent.say("A very long thing, which goes on and on and on and has no end at all.");
    const notice = agent.say(NOTICE, { allowInterruptions: false });
    await clock.advance(500);
    if (writes) fixture.ann.sendText("Stop.");
    else fixture.utter(600, 8000);
    await clock.advance(8000);
    assertEquals((await notice).interrupted, false);
    assertEquals(said().slice(1).toSorted(), ["I have stopped.", NOTICE].toSorted());
    assert(said()[0]!.endsWith("/"), said().join("; "));
  }
});

Deno.test("what a person writes does not cut off what a realtime model must say", async () => {
  await using _ = await start([{ reply: "At six." }]);
  const { agent, clock } = fixture;
  const notice = agent.say(NOTICE, { allowInterruptions: false });
  await clock.advance(300);
  fixture.ann.sendText("When do you close?");
  assertEquals((await clock.until(notice)).interrupted, false);
  await clock.advance(3000);
  assertEquals(said(), [NOTICE, "At six."]);
});

Deno.test("the application interrupts what a realtime model must say", async () => {
  await using _ = await start([]);
  const { agent, clock } = fixture;
  const notice = agent.say(NOTICE, { allowInterruptions: false });
  const next = agent.say(NOTICE, { allowInterruptions: false });
  await clock.advance(400);
  await clock.until(agent.interrupt());
  assertEquals([(await notice).interrupted, (await next).interrupted], [true, true]);
});

Deno.test("a tool that refuses interruptions keeps a realtime model from being interrupted", async () => {
  const look = slow(3000, { onInterruption: "refuse" });
  await using _ = await start([
    { heard: "Look.", reply: "Here:", call: LOOK },
    { heard: "Hurry up.", reply: "It is there." },
  ], [look]);
  const { clock } = fixture;
  await fixture.hear(600, 600);
  await clock.advance(500);
  fixture.utter(600, 9000);
  await clock.advance(9000);
  assertEquals(fixture.events(ToolCalledEvent).map(({ result }) => result.text), ["found"]);
  // Its result is told, whichever comes first.
  assertEquals(said().join(" ").includes("found"), true, said().join("; "));
  assertEquals(said().join(" ").includes("It is there."), true, said().join("; "));
});

Deno.test("a reminder of a realtime model that comes too late is dropped", async () => {
  await using _ = await start([]);
  const { agent, clock } = fixture;
  const first = agent.say("This one takes two seconds and a half, at the very least.");
  const late = agent.say("Late.", { staleAfterMs: 0 });
  await clock.advance(6000);
  assertEquals(await late, { text: "", interrupted: true });
  assertEquals((await first).interrupted, false);
  assertEquals(said().length, 1);
});

Deno.test("a tool of a realtime model is announced once it has run for long enough", async () => {
  const filler = { filler: "One moment, please.", fillerAfterMs: 800 };
  for (
    const [ms, words] of [[500, ["Here: found"]], [4000, [filler.filler, "Here: found"]]] as const
  ) {
    await using _ = await start([{ reply: "Here:", call: LOOK }], [slow(ms, filler)]);
    const { agent, clock } = fixture;
    const { text } = await clock.until(agent.generateReply("Look."));
    assertEquals(text, "Here: found");
    assertEquals(said(), [...words]);
    if (ms === 4000) assert(starts()[0]! < 1000, `${starts()}`);
    assertEquals(fixture.events(ToolCalledEvent).length, 1);
  }
});

Deno.test("a tool of a realtime model speaks immediately, and awaits it", async () => {
  for (const ask of [true, false]) {
    let heardAt = NaN;
    const look = defineTool({
      name: "look",
      description: "",
      execute: async (_, { agent }) => {
        await agent.say("One moment.");
        heardAt = fixture.clock.now();
        return "found";
      },
    });
    await using _ = await start([{ heard: "Look.", reply: "Here:", call: LOOK }], [look]);
    const { agent, clock } = fixture;
    if (ask) await clock.until(agent.generateReply("Look."));
    else await fixture.hear(600, 4000);
    assertEquals(said(), ["One moment.", "Here: found"]);
    assert(heardAt < 2000, `${heardAt}`);
  }
});

Deno.test("a tool of a realtime model in the background has one output, and its result is told", async () => {
  await using _ = await start([
    { reply: "I look.", call: LOOK },
    { reply: "It is found." },
  ], [slow(6000, { background: true })]);
  const { agent, clock, realtime } = fixture;
  await clock.until(agent.generateReply("Look."));
  const [session] = realtime.sessions;
  assertEquals(session!.toolResults.length, 1);
  assertEquals(session!.toolResults[0]!.text.startsWith("it runs in the background"), true);
  await clock.advance(4000);
  assertEquals(session!.toolResults.length, 1);
  assertEquals(
    session!.texts.at(-1),
    `[the outcome of look, ${session!.toolResults[0]!.callId}] found`,
  );
  assertEquals(said().at(-1), "It is found.");
});

Deno.test("a realtime model's turns cannot be committed or cleared, and the error says so", async () => {
  await using _ = await start([]);
  const { agent } = fixture;
  await assertRejects(() => agent.commitUserTurn(), TypeError, "takes its turns itself");
  await assertRejects(() => agent.clearUserTurn(), TypeError, "takes its turns itself");
});
