/** Conversations with a realtime model. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Agent } from "../../src/agent/agent.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import {
  AgentSpeechEndedEvent,
  BargeInEvent,
  ReplyLatencyEvent,
  SpeechStartedEvent,
  ToolCalledEvent,
} from "../../src/inference/contracts/events.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { fixedEndpointing } from "../../src/inference/contracts/turn_detector.ts";
import { Fixture } from "./_fixture.ts";

Deno.test("a realtime model hears the call and its answer is played and shown", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ heard: "How are you?", reply: "Very well, thank you." }],
    agent: { instructions: "Be polite." },
  });
  await fixture.hear(800, 3000);
  const [session] = fixture.realtime.sessions;
  assertEquals(session?.options.instructions, "Be polite.");
  assert(Math.abs(session!.heardSoundMs - 800) <= 40, `${session!.heardSoundMs} ms`);
  assertEquals(fixture.conversation, ["ann: How are you?", "agent: Very well, thank you."]);
  assert(Math.abs(fixture.ann.heardMs - 50 * 21) <= 20, `${fixture.ann.heardMs} ms`);
  assertEquals(fixture.events(AgentSpeechEndedEvent).map(({ text }) => text), [
    "Very well, thank you.",
  ]);
  assertEquals(fixture.errors, []);
});

Deno.test("an interruption is told to the realtime model with what was heard", async () => {
  await using fixture = await Fixture.set({
    realtime: [
      { heard: "A story.", reply: "Once upon a time there was a king who had no crown at all." },
      { heard: "Stop.", reply: "Fine." },
    ],
  });
  await fixture.hear(600, 1600);
  await fixture.hear(600, 2000);
  assertEquals(fixture.events(BargeInEvent).length, 1);
  // From the first sound on: the model takes 100 ms of it to notice.
  const { silenceMs } = fixture.events(BargeInEvent)[0]!;
  assert(silenceMs >= 100 && silenceMs <= 160, `silent after ${silenceMs} ms`);
  const [interruption] = fixture.realtime.sessions[0]!.interruptions;
  // Heard from 400 ms after the first speech until 100 ms into the second.
  assert(Math.abs(interruption!.heardMs - 1300) <= 40, `${interruption!.heardMs} ms`);
  assertEquals(fixture.conversation, [
    "ann: A story.",
    "agent: Once upon a time there was/",
    "ann: Stop.",
    "agent: Fine.",
  ]);
});

Deno.test("a realtime answer's time is told from the last sound on, and split", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ heard: "How are you?", reply: "Very well, thank you." }, { reply: "Hello." }],
  });
  await fixture.hear(800, 3000);
  await fixture.clock.until(fixture.agent.generateReply("Greet them."));
  const [answer, ...more] = fixture.events(ReplyLatencyEvent);
  assertEquals(more, [], "what is asked for by the program answers no turn");
  const { participant, voiceToVoiceMs, endOfTurnDelayMs, llmMs, playoutMs, overheadMs } = answer!;
  assertEquals(participant.id, "ann");
  // The scripted model takes a turn for over after 400 ms of silence, and answers immediately.
  assert(Math.abs(endOfTurnDelayMs - 400) <= 40, `turn ${endOfTurnDelayMs} ms`);
  assert(llmMs <= 20 && playoutMs <= 40, `model ${llmMs} ms, playout ${playoutMs} ms`);
  assertEquals([endOfTurnDelayMs + llmMs + playoutMs, overheadMs], [voiceToVoiceMs, 0]);
});

Deno.test("a long answer does not keep the pipeline from hearing an interruption", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ heard: "Go.", reply: "word ".repeat(100) }, { reply: "Yes." }],
  });
  await fixture.hear(600, 3000);
  await fixture.hear(600, 1500);
  assertEquals(fixture.events(BargeInEvent).length, 1);
  assertEquals(fixture.conversation.at(-1), "agent: Yes.");
});

Deno.test("a realtime model calls tools", async () => {
  await using fixture = await Fixture.set({
    realtime: [
      { heard: "Time?", reply: "It is", call: { name: "clock", input: {} } },
    ],
    agent: { tools: [defineTool({ name: "clock", description: "", execute: () => "noon" })] },
  });
  await fixture.hear(600, 2500);
  assertEquals(fixture.conversation.at(-1), "agent: It is noon");
  assertEquals(fixture.events(ToolCalledEvent).length, 1);
});

Deno.test("say and generateReply work with a realtime model", async () => {
  await using fixture = await Fixture.set({ realtime: [{ reply: "Hello Ann." }] });
  assertEquals(await fixture.clock.until(fixture.agent.say("Welcome.")), {
    text: "Welcome.",
    interrupted: false,
  });
  const { participant } = fixture.ann;
  const outcome = await fixture.clock.until(fixture.agent.generateReply("Hi", { participant }));
  assertEquals(outcome.text, "Hello Ann.");
  assertEquals(fixture.realtime.sessions[0]?.texts, ["Hi"]);
});

Deno.test("a session that is lost is begun again with what was said before", async () => {
  await using fixture = await Fixture.set({
    realtime: [
      { heard: "I am Ann.", reply: "Hello Ann." },
      { heard: "Who am I?", reply: "You are Ann." },
    ],
  });
  await fixture.hear(600, 2500);
  fixture.realtime.connectErrors.push(new Error("busy"));
  fixture.realtime.sessions[0]!.lose();
  await fixture.clock.advance(2000);
  assertEquals(fixture.errors.length, 2);
  assertEquals(fixture.realtime.sessions.length, 2);
  assertEquals(fixture.realtime.sessions[1]!.options.history.map(({ text }) => text), [
    "I am Ann.",
    "Hello Ann.",
  ]);
  await fixture.hear(600, 2500);
  assertEquals(fixture.conversation.at(-1), "agent: You are Ann.");
});

Deno.test("a service that refuses makes the join fail", async () => {
  await using fixture = await Fixture.set();
  const { edge, clock, realtime: llm } = fixture;
  llm.connectErrors.push(new Error("bad key"));
  const agent = new Agent({ edge, agentUser: { id: "b", name: "B" }, llm });
  const call = await agent.createCall("default", "fixture");
  await assertRejects(() => clock.until(agent.join(call)), Error, "bad key");
});

Deno.test("its own voice out of a loudspeaker is kept from a realtime model", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ reply: "A rather long answer, so that it can come back." }],
  });
  const { clock, ann } = fixture;
  // 20 dB down, 150 ms late.
  const coming: { at: number; samples: Int16Array }[] = [];
  ann.onAudio = (samples) => {
    const echo = Int16Array.from({ length: 160 }, (_, n) => 0.1 * samples[3 * n]!);
    coming.push({ at: clock.now() + 150, samples: echo });
  };
  const tick = () => {
    const due = [coming[0], coming[1]].map((one) =>
      one && one.at <= clock.now() ? coming.shift() : 0
    );
    const samples = new Int16Array(320);
    due.forEach((one, index) => one && samples.set(one.samples, 160 * index));
    ann.speak(new PcmChunk(samples, { sampleRate: 16_000 }));
    if (clock.now() < 8000) clock.schedule(tick, 20);
  };
  tick();
  await clock.until(fixture.agent.generateReply("Go."));
  assertEquals(fixture.events(BargeInEvent).length, 0);
  assertEquals(fixture.events(SpeechStartedEvent).length, 0);
  const { heardSoundMs } = fixture.realtime.sessions[0]!;
  assert(heardSoundMs < 300, `${heardSoundMs} ms`);
});

Deno.test("several people are one stream to a realtime model, and the loudest is who spoke", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ heard: "Both together.", reply: "One by one." }],
    people: ["ann", "bob"],
  });
  const [ann, bob] = fixture.people;
  for (const [who, loudness] of [[ann!, 3000], [bob!, 9000]] as const) {
    fixture.utter(800, 2000, who, loudness);
  }
  await fixture.clock.advance(3000);
  const { heardSoundMs } = fixture.realtime.sessions[0]!;
  assert(Math.abs(heardSoundMs - 800) <= 40, `${heardSoundMs} ms`);
  assertEquals(fixture.conversation, ["bob: Both together.", "agent: One by one."]);
});

Deno.test("a realtime model takes no recogniser and no voice", async () => {
  await using fixture = await Fixture.set();
  const { edge, llm, realtime, stt } = fixture;
  const agentUser = { id: "b", name: "B" };
  assertThrows(() => new Agent({ edge, agentUser, llm: realtime, stt }), TypeError);
  const turnDetection = fixedEndpointing();
  for (
    const needless of [{ vad: fixture.vad }, { turnHandling: { turnDetection } }, {
      turnHandling: {},
    }]
  ) {
    assertThrows(
      () => new Agent({ edge, agentUser, llm: realtime, ...needless }),
      TypeError,
      `expected no ${Object.keys(needless)[0]}`,
    );
  }
  // It owns the turns: that may be said.
  new Agent({ edge, agentUser, llm: realtime, turnHandling: { turnDetection: "realtime" } });
  assertThrows(() => new Agent({ edge, agentUser, llm }), TypeError, "tts");
});

for (
  const [how, fail] of [
    ["throws", () => {
      throw new Error("the socket is closed");
    }],
    ["rejects", () => Promise.reject(new Error("the socket is closed"))],
  ] as const
) {
  Deno.test(`an interruption that the session ${how} at is reported, and its waiting callers are told`, async () => {
    await using fixture = await Fixture.set({
      realtime: [{ reply: "Once upon a time there was a king who had no crown at all." }],
    });
    fixture.realtime.sessions[0]!.interrupt = fail;
    const answer = fixture.agent.generateReply("A story.");
    await fixture.clock.advance(1500);
    await fixture.hear(600, 2000);
    assertEquals((await fixture.clock.until(answer)).interrupted, true);
    assertEquals(fixture.events(BargeInEvent).length, 1);
    assertEquals(fixture.errors.map(({ context }) => context), [
      "interrupting fake-realtime",
    ]);
  });
}

Deno.test("a request that the session does not take rejects, and the next answer is the next one's", async () => {
  await using fixture = await Fixture.set({ realtime: [{ reply: "Here I am." }] });
  const [session] = fixture.realtime.sessions;
  const { requestReply } = session!;
  session!.requestReply = () => {
    throw new Error("the socket is closed");
  };
  await assertRejects(() => fixture.agent.generateReply("Hello?"), Error, "the socket is closed");
  session!.requestReply = requestReply;
  const outcome = await fixture.clock.until(fixture.agent.generateReply("Hello?"));
  assertEquals(outcome.text, "Here I am.");
});

Deno.test("a session that does not end by itself keeps the agent from leaving two seconds at most", async () => {
  for (
    const [part, mostMs] of [[Symbol.asyncIterator, 100], [Symbol.asyncDispose, 2100]] as const
  ) {
    await using fixture = await Fixture.set();
    const { clock, edge, realtime: llm } = fixture;
    const never = new Promise<never>(() => {});
    const connect = llm.connect.bind(llm);
    llm.connect = async (options) => {
      const session = await connect(options);
      if (part === Symbol.asyncDispose) session[part] = () => never;
      else session[part] = () => ({ next: () => never });
      return session;
    };
    const agent = new Agent({ edge, agentUser: { id: "b", name: "B" }, llm });
    await clock.until(agent.join(fixture.call));
    const from = clock.now();
    await clock.until(agent.close());
    const tookMs = clock.now() - from;
    assert(tookMs <= mostMs, `${tookMs} ms`);
  }
});
