/** The first and the last words of an agent: onEnter, hangUp and close({ drain }). */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Agent } from "../../src/agent/agent.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { ttsFromSentences } from "../../src/inference/contracts/tts_from_sentences.ts";
import { FakeLLM, type FakeReply } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import type { AgentOptions } from "../../src/agent/agent_options.ts";
import { Fixture } from "../inference/_fixture.ts";

const GOODBYE = "Thank you, and goodbye.";

Deno.test("hangUp says its words, is heard to the last of them, and ends the call for all participants", async () => {
  await using fixture = await Fixture.set();
  const { agent, clock, ann } = fixture;
  const said = agent.say("One more thing.");
  const ended = agent.hangUp({ say: GOODBYE });
  assertEquals(agent.hangUp(), ended, "it is ended once");
  await clock.until(ended);
  assertEquals((await said).interrupted, false);
  const expectedMs = 50 * ("One more thing.".length + GOODBYE.length);
  assert(Math.abs(ann.heardMs - expectedMs) <= 20, `${ann.heardMs} of ${expectedMs} ms`);
  assertEquals(agent.connection?.state, "closed");
  assertEquals(await agent.connection?.closed, "call-ended");
  assertEquals(fixture.errors, []);
});

Deno.test("hangUp in a tool lets the goodbye of the reply be heard that called it", async () => {
  let hungUp: Promise<void> | undefined;
  for (const say of [undefined, "Bye."]) {
    await using fixture = await Fixture.set({
      transcripts: ["That was all."],
      replies: [{ text: GOODBYE, calls: [{ name: "hang_up", input: {} }] }, "Never."],
      agent: {
        tools: [defineTool({
          name: "hang_up",
          description: "Ends the call",
          execute: async () => {
            await (hungUp = fixture.agent.hangUp({ say }));
            return "done";
          },
        })],
      },
    });
    const { clock, ann } = fixture;
    await fixture.hear(600, 8000);
    await clock.until(hungUp!);
    const expectedMs = 50 * (GOODBYE.length + (say?.length ?? 0));
    assert(Math.abs(ann.heardMs - expectedMs) <= 40, `${ann.heardMs} of ${expectedMs} ms`);
    assertEquals(fixture.agent.connection?.state, "closed");
  }
});

Deno.test("hangUp does not wait for a model that hangs, and says nothing of its failure", async () => {
  for (const text of ["", "Let me see. "]) {
    await using fixture = await Fixture.set({
      transcripts: ["That was all."],
      replies: [{ text, hangs: true }],
      agent: { onFailure: "One moment, please." },
    });
    const { agent, clock, ann } = fixture;
    await fixture.hear(600, 3000);
    const from = clock.now();
    await clock.until(agent.hangUp({ say: GOODBYE }));
    const tookMs = clock.now() - from;
    assert(tookMs < 3000 + 50 * GOODBYE.length + 200, `${tookMs} ms`);
    const words = `${text.trim()}${GOODBYE}`;
    assert(Math.abs(ann.heardMs - 50 * words.length) <= 60, `${ann.heardMs} ms`);
    assertEquals(fixture.conversation.at(-1), `agent: ${GOODBYE}`);
  }
});

Deno.test("hangUp does not wait for a realtime model that hangs", async () => {
  for (const hangs of ["a reply", "all"]) {
    await using fixture = await Fixture.set({ realtime: [{ reply: "Well." }, { reply: GOODBYE }] });
    const { agent, clock, ann, realtime } = fixture;
    // The first reply begins, and nothing comes of it.
    realtime.replyMs = 60_000;
    void agent.generateReply("Tell me.").catch(() => {});
    await clock.advance(1000);
    if (hangs !== "all") realtime.replyMs = 0;
    const from = clock.now();
    await clock.until(agent.hangUp({ say: GOODBYE }));
    const tookMs = clock.now() - from;
    assert(tookMs < 9000, `${hangs}: ${tookMs} ms`);
    const expectedMs = hangs === "all" ? 0 : 50 * GOODBYE.length;
    assert(Math.abs(ann.heardMs - expectedMs) <= 60, `${hangs}: ${ann.heardMs} ms`);
  }
});

Deno.test("hangUp does not wait for a model that fails meanwhile to be asked again", async () => {
  const error = new InferenceError("down", { code: "failed", retryable: true });
  await using fixture = await Fixture.set({
    transcripts: ["That was all."],
    replies: [{ firstTokenMs: 1500, error }],
    agent: { onFailure: "One moment, please." },
  });
  await fixture.hear(600, 600);
  await fixture.clock.until(fixture.agent.hangUp({ say: GOODBYE }));
  assertEquals(fixture.llm.requests.length, 1);
  assertEquals(fixture.conversation, ["ann: That was all.", `agent: ${GOODBYE}`]);
});

Deno.test("close({ drain }) leaves when what was said was heard, and no one interrupts that", async () => {
  await using fixture = await Fixture.set({ transcripts: ["Stop that now."] });
  const { agent, clock, ann } = fixture;
  agent.say("This is the first. And this is the second.");
  await clock.advance(300);
  const closed = agent.close({ drain: true });
  fixture.utter(600, 4000);
  await clock.until(closed);
  assert(Math.abs(ann.heardMs - 50 * 41) <= 20, `${ann.heardMs} ms`);
  assertEquals(await agent.connection?.closed, "left");
});

Deno.test("close() ends a close that drains", async () => {
  await using fixture = await Fixture.set();
  const { agent, clock, ann } = fixture;
  agent.say("This is the first. And this is the second.");
  const draining = agent.close({ drain: true });
  await clock.advance(500);
  await clock.until(agent.close());
  await clock.until(draining);
  assert(ann.heardMs <= 600, `${ann.heardMs} ms`);
  assertEquals(clock.pending, 0);
});

Deno.test("hangUp of an agent without a model waits for what was written, and leaves where an edge cannot end calls", async () => {
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock, logger: silentLogger });
  edge.endCall = () => Promise.reject(new TypeError("this edge cannot"));
  const agent = new Agent({ edge, agentUser: { id: "a", name: "A" } });
  await assertRejects(() => agent.hangUp(), TypeError, "has not joined");
  const call = await agent.createCall("default", "kitchen");
  const ann = edge.enter(call, { userId: "ann" });
  await clock.until(agent.join(call));
  await assertRejects(() => agent.hangUp({ say: "Bye." }), TypeError);
  const { sound } = await import("../inference/_fixture.ts");
  await agent.audio.write(sound(400));
  await clock.until(agent.close({ drain: true }));
  assert(Math.abs(ann.heardMs - 400) <= 20, `${ann.heardMs} ms`);
  assertEquals(await agent.connection?.closed, "left");
});

/** An agent in a call without people. */
async function alone(options: Partial<AgentOptions> & { replies?: readonly FakeReply[] } = {}) {
  const clock = new VirtualClock();
  const edge = new MemoryEdge({ clock, logger: silentLogger });
  const errors: string[] = [];
  edge.events.subscribe(ErrorEvent, ({ context }) => void errors.push(context));
  const tts = new FakeTTS(clock);
  const { replies, ...rest } = options;
  const agent = new Agent({
    edge,
    agentUser: { id: "a", name: "A" },
    llm: new FakeLLM(clock, replies),
    stt: new FakeSTT(clock),
    vad: new FakeVAD(),
    tts,
    ...rest,
  });
  const call = await agent.createCall("default", "kitchen");
  await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
  return { clock, edge, agent, call, tts, errors };
}

Deno.test("onEnter of options and processors runs once, when the first person is there to hear", async () => {
  const seen: string[] = [];
  const { clock, edge, agent, call } = await alone({
    processors: [{ name: "one", onEnter: (agent) => void seen.push(`one ${agent.user.id}`) }],
    onEnter: (agent) => {
      seen.push("options");
      void agent.say("Good day, Ann!");
    },
  });
  await clock.advance(30_000);
  assertEquals(seen, []);
  const ann = edge.enter(call, { userId: "ann" });
  edge.enter(call, { userId: "bob" });
  await clock.advance(5000);
  assertEquals(seen, ["one a", "options"]);
  assert(Math.abs(ann.heardMs - 50 * "Good day, Ann!".length) <= 20, `${ann.heardMs} ms`);
  await clock.until(agent.close());
  await clock.until(edge.close());
});

Deno.test("a greeting that was written before any person was there is heard whole by who joins", async () => {
  const { clock, edge, agent, call } = await alone();
  const said = agent.say("Good day to all of you!");
  await clock.advance(10_000);
  assertEquals(agent.audio.heardMs, 0, "there was no one to hear it");
  const ann = edge.enter(call, { userId: "ann" });
  assertEquals(await clock.until(said), { text: "Good day to all of you!", interrupted: false });
  const expectedMs = 50 * "Good day to all of you!".length;
  assert(Math.abs(ann.heardMs - expectedMs) <= 20, `${ann.heardMs} of ${expectedMs} ms`);
  await clock.until(agent.close());
  await clock.until(edge.close());
});

Deno.test("an onEnter that fails is reported, and the agent stays", async () => {
  const { clock, edge, agent, call, errors } = await alone({
    onEnter: () => Promise.reject(new Error("a slip")),
  });
  edge.enter(call, { userId: "ann" });
  await clock.advance(100);
  assertEquals(errors, ["processor onEnter: onEnter"]);
  assertEquals(agent.connection?.state, "active");
  await clock.until(agent.close());
  await clock.until(edge.close());
});

Deno.test("what waits for a person is dropped when the agent leaves", async () => {
  const { clock, edge, agent } = await alone({ onEnter: () => {} });
  const said = agent.say("Is there a person?");
  await clock.advance(1000);
  await clock.until(agent.close());
  assertEquals(await said, { text: "", interrupted: true });
  await clock.until(edge.close());
  assertEquals(clock.pending, 0);
});

Deno.test("hangUp ends the call also when its words cannot be said, and says why", async () => {
  const tts = ttsFromSentences({
    name: "broken",
    synthesize: () => {
      throw new Error("no voice today");
    },
  });
  await using fixture = await Fixture.set({ agent: { tts } });
  await fixture.clock.until(fixture.agent.hangUp({ say: GOODBYE }));
  assertEquals(await fixture.connection.closed, "call-ended");
  assert(fixture.errors.some(({ error }) => `${error}`.includes("no voice today")));
});

Deno.test("hangUp before the join rejects, and works after it", async () => {
  const edge = new MemoryEdge({ clock: new VirtualClock(), logger: silentLogger });
  const clock = edge.clock as VirtualClock;
  const agent = new Agent({
    edge,
    agentUser: { id: "agent", name: "Agent" },
    tts: new FakeTTS(clock),
  });
  await assertRejects(() => agent.hangUp({ say: GOODBYE }), TypeError);
  const call = await agent.createCall("default", "kitchen");
  await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
  await clock.until(agent.hangUp());
  assertEquals(agent.connection?.state, "closed");
  await clock.until(edge.close());
});

Deno.test("hangUp and close({ drain }) end where no person is left to hear the last words", async () => {
  for (const close of [false, true]) {
    await using fixture = await Fixture.set();
    const { agent, ann, clock } = fixture;
    ann.leave();
    await clock.advance(100);
    agent.say("Is there a person?");
    await clock.until(close ? agent.close({ drain: true }) : agent.hangUp({ say: GOODBYE }));
    assertEquals(fixture.agent.connection?.state, "closed");
    assertEquals(fixture.errors, []);
  }
});

Deno.test("hangUp does not wait for ever for an edge that does not end the call", async () => {
  await using fixture = await Fixture.set();
  fixture.edge.endCall = () => new Promise(() => {});
  await fixture.clock.until(fixture.agent.hangUp());
  assertEquals(fixture.agent.connection?.state, "closed");
  assertEquals(fixture.errors.map(({ context }) => context), ["ending the call"]);
});
