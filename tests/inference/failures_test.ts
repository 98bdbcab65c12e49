/** An agent whose models fail is heard all the same: conversations on the virtual clock. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Agent } from "../../src/agent/agent.ts";
import type { AgentOptions } from "../../src/agent/agent_options.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import {
  AgentSpeechEndedEvent,
  ComponentHealthEvent,
  IncompleteReplyEvent,
  ToolCalledEvent,
} from "../../src/inference/contracts/events.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { FallbackLLM } from "../../src/inference/fallback/fallback_llm.ts";
import { FallbackSTT } from "../../src/inference/fallback/fallback_stt.ts";
import { FallbackTTS } from "../../src/inference/fallback/fallback_tts.ts";
import type { Component } from "../../src/inference/contracts/component.ts";
import { FakeLLM, FakeSTT, FakeTTS, FakeVAD, MemoryEdge, tone } from "../../src/testing/mod.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { Fixture, type FixtureOptions, sound } from "./_fixture.ts";

const outage = new InferenceError("the service is down", { code: "failed", retryable: true });
const refusal = new InferenceError("no", { code: "refused", status: 400 });
const SORRY = "One moment, please.";

/** What the agent said aloud, in order. */
function said(fixture: Fixture): string[] {
  return fixture.events(AgentSpeechEndedEvent).map(({ text }) => text);
}

/** A conversation whose agent says that something failed. */
function set(options: FixtureOptions): Promise<Fixture> {
  return Fixture.set({ ...options, agent: { onFailure: SORRY, ...options.agent } });
}

/** A conversation with an agent of models that are made for its clock. */
async function converse(
  make: (clock: VirtualClock) => Partial<AgentOptions>,
  run: (conversation: {
    clock: VirtualClock;
    agent: Agent;
    health: string[];
    errors: string[];
    hear: (ms: number, thenMs: number) => Promise<void>;
  }) => Promise<void> | void,
): Promise<void> {
  const clock = new VirtualClock();
  const edge = new MemoryEdge({ clock, logger: silentLogger });
  const agent = new Agent({
    edge,
    agentUser: { id: "agent", name: "Agent" },
    llm: new FakeLLM(clock),
    stt: new FakeSTT(clock),
    tts: new FakeTTS(clock),
    vad: new FakeVAD(),
    clock,
    logger: silentLogger,
    ...make(clock),
  });
  const health: string[] = [], errors: string[] = [];
  agent.events.subscribe(ComponentHealthEvent, ({ index, healthy }) => {
    health.push(`${index} ${healthy ? "works" : "failed"}`);
  });
  edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(String(error)));
  const call = await agent.createCall("default", "failures");
  const ann = edge.enter(call, { userId: "ann", id: "ann" });
  await clock.until(agent.join(call));
  const hear = async (ms: number, thenMs: number) => {
    void ann.speak(sound(ms));
    void ann.speak(sound(thenMs, 0));
    await clock.advance(ms + thenMs);
  };
  await run({ clock, agent, health, errors, hear });
  await clock.until(agent.close());
  await clock.until(edge.close());
  assertEquals(clock.pending, 0);
}

Deno.test("an agent whose model fails says so, and is asked again once if that may help", async () => {
  await using fixture = await set({
    transcripts: ["What time is it?"],
    replies: [{ error: outage }, "It is noon."],
  });
  await fixture.hear(1000, 6000);
  assertEquals(said(fixture), [SORRY, "It is noon."]);
  assertEquals(fixture.llm.requests.length, 2);
  assertEquals(fixture.conversation, [
    "ann: What time is it?",
    `agent: ${SORRY}`,
    "agent: It is noon.",
  ]);
  assertEquals(fixture.told, ["user: What time is it?"]);
});

Deno.test("an agent whose model fails again when it is asked again says so once", async () => {
  await using fixture = await set({
    transcripts: ["What time is it?", "Hello?"],
    replies: [{ error: outage }, { error: outage }, { error: outage }, "It is noon."],
  });
  await fixture.hear(1000, 6000);
  assertEquals([said(fixture), fixture.llm.requests.length], [[SORRY], 2]);
  // It is said again to what was said since.
  await fixture.hear(1000, 6000);
  assertEquals(said(fixture), [SORRY, SORRY, "It is noon."]);
});

Deno.test("an agent whose model refuses says so, and does not ask it again", async () => {
  await using fixture = await set({ transcripts: ["Hello?"], replies: [{ error: refusal }] });
  await fixture.hear(1000, 6000);
  assertEquals([said(fixture), fixture.llm.requests.length], [[SORRY], 1]);
});

Deno.test("an agent whose voice fails is heard by what it has spoken before", async () => {
  await using fixture = await set({
    transcripts: ["Hello?", "Hello?"],
    replies: ["It is noon."],
    voice: { failures: { noon: outage } },
  });
  assertEquals(fixture.tts.sentences, [SORRY]);
  await fixture.hear(1000, 6000);
  assertEquals(said(fixture), [SORRY]);
  // It was spoken once.
  await fixture.hear(1000, 6000);
  assertEquals([said(fixture), fixture.tts.sentences.filter((one) => one === SORRY).length], [
    [SORRY, SORRY],
    1,
  ]);
});

Deno.test("an agent whose voice is down from the beginning is heard by audio that it was given", async () => {
  await using fixture = await set({
    transcripts: ["Hello?"],
    voice: { failures: { "": outage } },
    agent: { onFailure: { say: SORRY, pcm: tone(700) } },
  });
  await fixture.hear(1000, 6000);
  assertEquals(said(fixture), [SORRY]);
  assert(fixture.ann.heardMs >= 690);
});

Deno.test("an agent whose recogniser fails says so, unless the turn has text", async () => {
  await using fixture = await set({
    transcripts: [{ text: "", error: outage }, { text: "", error: outage }, "Hello?"],
    replies: ["Hello."],
  });
  await fixture.hear(1000, 6000);
  assertEquals(said(fixture), [SORRY]);
  await fixture.hear(1000, 6000);
  await fixture.hear(1000, 6000);
  assertEquals(said(fixture).at(-1), "Hello.");
});

Deno.test("onMaxFailures is told after so many failures in succession", async () => {
  const told: number[] = [];
  const onMaxFailures = ({ failures }: { failures: number }) => {
    told.push(failures);
    throw new Error("a bug of the application");
  };
  await using fixture = await set({
    transcripts: Array(6).fill("Hello?"),
    replies: [
      { error: refusal },
      "Here.",
      { error: refusal },
      { error: refusal },
      { error: refusal },
    ],
    agent: { onFailure: { say: SORRY, maxFailures: 2, onMaxFailures } },
  });
  const counts: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    await fixture.hear(1000, 5000);
    counts.push(told.length);
  }
  assertEquals([counts, told], [[0, 0, 0, 1, 1], [2]]);
  assert(fixture.errors.some(({ context }) => context.includes("onMaxFailures")));
});

Deno.test("an agent may be transferred or hang up when its models fail for good", async () => {
  const fixture: Fixture = await set({
    transcripts: ["Hello?"],
    replies: [{ error: refusal }],
    agent: { onFailure: { maxFailures: 1, onMaxFailures: () => fixture.agent.close() } },
  });
  await fixture.hear(1000, 5000);
  assertEquals(fixture.connection.state, "closed");
  await fixture[Symbol.asyncDispose]();
});

Deno.test("say() rejects with what kept the text from being said", async () => {
  await using fixture = await Fixture.set({ voice: { failures: { never: outage } } });
  const { clock, agent } = fixture;
  const error = await assertRejects(() => clock.until(agent.say("This is never heard.")));
  assertEquals(error, outage);
  assertEquals((await clock.until(agent.say("This is."))).text, "This is.");
  // A rejection that is not awaited does not end the program.
  void agent.say("This is never heard, either.");
  await clock.advance(100);
  // An interruption is no failure.
  const saying = agent.say("This goes on and on, for ever and ever.");
  await clock.advance(500);
  await clock.until(agent.interrupt());
  assertEquals((await clock.until(saying)).interrupted, true);
});

Deno.test("a reply that was cut at the limit, or withheld, is told, and one without words is heard", async () => {
  await using fixture = await set({
    transcripts: ["One?", "Two?"],
    replies: [{ text: "It is long.", finish: "length" }, { finish: "content-filter" }],
  });
  await fixture.hear(1000, 5000);
  await fixture.hear(1000, 5000);
  assertEquals(said(fixture), ["It is long.", SORRY]);
  assertEquals(
    fixture.events(IncompleteReplyEvent).map(({ reason, participant }) => [
      reason,
      participant?.userId,
    ]),
    [["length", "ann"], ["content-filter", "ann"]],
  );
});

Deno.test("an agent whose model thinks and says nothing is heard, and asks it again", async () => {
  await using fixture = await set({
    transcripts: ["What time is it?"],
    replies: [
      { text: "<think>Well. Is it noon?</think>\n", finish: "stop" },
      "<think>It is.</think>It is noon.",
    ],
  });
  await fixture.hear(1000, 6000);
  assertEquals(said(fixture).map((text) => text.replace(/<.*>/, "")), [SORRY, "It is noon."]);
  assertEquals(fixture.llm.requests.length, 2);
  assertEquals(fixture.told, ["user: What time is it?"]);
});

Deno.test("a fallback's next model replies within its limit, and its health is told", async () => {
  const llms: FakeLLM[] = [];
  await converse((clock) => {
    llms.push(new FakeLLM(clock, [{ hangs: true }, "OK."]), new FakeLLM(clock, ["It is noon."]));
    return {
      llm: new FallbackLLM(llms, { timeoutMs: 800 }),
      stt: new FakeSTT(clock, ["What time is it?"]),
    };
  }, async ({ agent, health, errors, hear }) => {
    await hear(1000, 2500);
    assertEquals(agent.conversation!.messages.at(-1)!.text, "It is noon.");
    assertEquals([health, errors], [["0 failed"], []]);
    await hear(0, 3000);
    assertEquals(health, ["0 failed", "0 works"]);
  });
});

Deno.test("a fallback's next voice says the rest of a reply, and the model remembers all of it", async () => {
  const text = "One is one. Two is two. Three is three.";
  let llm: FakeLLM;
  await converse((clock) => ({
    llm: llm = new FakeLLM(clock, [text, "Yes."]),
    stt: new FakeSTT(clock, ["Count.", "Again?"]),
    tts: new FallbackTTS([
      new FakeTTS(clock, { failures: { Two: outage } }),
      new FakeTTS(clock),
    ]),
  }), async ({ agent, errors, health, hear }) => {
    await hear(1000, 6000);
    const { text: shown, interrupted } = agent.conversation!.messages.at(-1)!;
    assertEquals([shown, interrupted, errors, health], [text, false, [], ["0 failed", "0 works"]]);
    await hear(1000, 3000);
    assertEquals(llm.requests.at(-1)!.messages.map(({ text }) => text), ["Count.", text, "Again?"]);
  });
});

Deno.test("a fallback's next recogniser gets the sound of the turn, which is replied to", async () => {
  let second: FakeSTT;
  await converse((clock) => ({
    llm: new FakeLLM(clock, ["It is noon."]),
    stt: new FallbackSTT([
      new FakeSTT(clock, [{ text: "", hangs: true }]),
      second = new FakeSTT(clock, ["What time is it?"]),
    ], { timeoutMs: 500 }),
  }), async ({ agent, errors, hear }) => {
    await hear(1000, 4000);
    assertEquals(agent.conversation!.messages.map(({ text }) => text), [
      "What time is it?",
      "It is noon.",
    ]);
    assert(second.segments[0]!.audioMs >= 1000, `${second.segments[0]!.audioMs} ms`);
    assertEquals(errors, []);
  });
});

Deno.test("nothing is done twice when a model fails after a tool has run", async () => {
  let bookings = 0;
  const book = defineTool({ name: "book", description: "Books", execute: () => ++bookings });
  const breaking = (clock: VirtualClock) =>
    new FakeLLM(clock, [
      { text: "One moment.", calls: [{ name: "book", input: {} }] },
      { text: "It is bo", error: outage },
    ]);
  const models: FakeLLM[] = [];
  await converse((clock) => {
    models.push(breaking(clock), new FakeLLM(clock, ["It is booked."]));
    return { llm: new FallbackLLM(models), stt: new FakeSTT(clock, ["Book it."]), tools: [book] };
  }, async ({ agent, hear }) => {
    const results: string[] = [];
    agent.events.subscribe(ToolCalledEvent, ({ result }) => void results.push(result.text));
    await hear(1000, 6000);
    assertEquals([bookings, results], [1, ["1"]]);
    // The next model knows what was done.
    const told = models[1]!.requests[0]!.messages;
    assertEquals(told.map(({ role }) => role), ["user", "assistant", "tool"]);
    const shown = agent.conversation!.messages.map(({ text }) => text);
    assertEquals(shown.filter((text) => text.includes("booked")), ["One moment.\nIt is booked."]);
  });
});

Deno.test("a key that is refused makes the join reject, and an outage does not", async () => {
  const denied = new InferenceError("no such key", { code: "unauthorized", status: 401 });
  const failing = (error: unknown): Component["start"] => () => {
    throw error;
  };
  for (const kind of ["llm", "stt", "tts"] as const) {
    for (
      const [errors, isRejected] of [[[denied, denied], true], [[denied, outage], false]] as const
    ) {
      const clock = new VirtualClock();
      const edge = new MemoryEdge({ clock, logger: silentLogger });
      const two = <T extends object>(make: () => T) =>
        errors.map((error) => Object.assign(make(), { start: failing(error) }));
      const agent = new Agent({
        edge,
        agentUser: { id: "agent", name: "Agent" },
        llm: kind === "llm" ? new FallbackLLM(two(() => new FakeLLM(clock))) : new FakeLLM(clock),
        stt: kind === "stt" ? new FallbackSTT(two(() => new FakeSTT(clock))) : new FakeSTT(clock),
        tts: kind === "tts" ? new FallbackTTS(two(() => new FakeTTS(clock))) : new FakeTTS(clock),
        clock,
        logger: silentLogger,
      });
      const call = await agent.createCall("default", "keys");
      const joining = clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
      if (isRejected) assertEquals(await assertRejects(() => joining), denied);
      else await joining;
      await clock.until(agent.close());
      await clock.until(edge.close());
      assertEquals(clock.pending, 0);
    }
  }
});

Deno.test("onFailure is checked", () => {
  const options = { edge: new MemoryEdge(), agentUser: { id: "a", name: "A" } };
  const create = (onFailure: unknown) => () =>
    new Agent({ ...options, onFailure: onFailure as string });
  assertThrows(create(1), TypeError, "onFailure");
  assertThrows(create({ say: 1 }), TypeError, "onFailure.say");
  assertThrows(create({ pcm: "x" }), TypeError, "onFailure.pcm");
  assertThrows(create({ onMaxFailures: 1 }), TypeError, "onFailure.onMaxFailures");
  assertThrows(create({ maxFailures: 0 }), RangeError, "onFailure.maxFailures");
});
