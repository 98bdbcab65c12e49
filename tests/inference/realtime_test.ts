import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Agent } from "../../src/agent/agent.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import {
  AgentSpeechEndedEvent,
  BargeInEvent,
  SpeechStartedEvent,
  ToolCalledEvent,
  VoiceToVoiceEvent,
} from "../../src/inference/contracts/events.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { fixedSilence } from "../../src/inference/contracts/turn_detector.ts";
import { Stage } from "./_fixture.ts";

Deno.test("a realtime model hears the call and its answer is played and shown", async () => {
  await using stage = await Stage.set({
    realtime: [{ heard: "How are you?", answer: "Very well, thank you." }],
    agent: { instructions: "Be polite." },
  });
  await stage.hear(800, 3000);
  const [session] = stage.realtime.sessions;
  assertEquals(session?.options.instructions, "Be polite.");
  assert(Math.abs(session!.heardSoundMs - 800) <= 40, `${session!.heardSoundMs} ms`);
  assertEquals(stage.conversation, ["ann: How are you?", "agent: Very well, thank you."]);
  assert(Math.abs(stage.ann.heardMs - 50 * 21) <= 20, `${stage.ann.heardMs} ms`);
  assertEquals(stage.events(AgentSpeechEndedEvent).map(({ text }) => text), [
    "Very well, thank you.",
  ]);
  assertEquals(stage.errors, []);
});

Deno.test("an interruption is told to the realtime model with what was heard", async () => {
  await using stage = await Stage.set({
    realtime: [
      { heard: "A story.", answer: "Once upon a time there was a king who had no crown at all." },
      { heard: "Stop.", answer: "Fine." },
    ],
  });
  await stage.hear(600, 1600);
  await stage.hear(600, 2000);
  assertEquals(stage.events(BargeInEvent).length, 1);
  // From the first sound on: the model takes 100 ms of it to notice.
  const { silenceMs } = stage.events(BargeInEvent)[0]!;
  assert(silenceMs >= 100 && silenceMs <= 160, `silent after ${silenceMs} ms`);
  const [interruption] = stage.realtime.sessions[0]!.interruptions;
  // Heard from 400 ms after the first speech until 100 ms into the second.
  assert(Math.abs(interruption!.heardMs - 1300) <= 40, `${interruption!.heardMs} ms`);
  assertEquals(stage.conversation, [
    "ann: A story.",
    "agent: Once upon a time there was/",
    "ann: Stop.",
    "agent: Fine.",
  ]);
});

Deno.test("a realtime answer's time is told from the last sound on, and split", async () => {
  await using stage = await Stage.set({
    realtime: [{ heard: "How are you?", answer: "Very well, thank you." }, { answer: "Hello." }],
  });
  await stage.hear(800, 3000);
  await stage.clock.until(stage.agent.respond("Greet them."));
  const [answer, ...more] = stage.events(VoiceToVoiceEvent);
  assertEquals(more, [], "what is asked for by the program answers nobody's turn");
  const { participant, voiceToVoiceMs, turnMs, llmMs, playoutMs, ownMs } = answer!;
  assertEquals(participant.id, "ann");
  // The scripted model takes a turn for over after 400 ms of silence, and answers at once.
  assert(Math.abs(turnMs - 400) <= 40, `turn ${turnMs} ms`);
  assert(llmMs <= 20 && playoutMs <= 40, `model ${llmMs} ms, playout ${playoutMs} ms`);
  assertEquals([turnMs + llmMs + playoutMs, ownMs], [voiceToVoiceMs, 0]);
});

Deno.test("a long answer does not keep the flow from hearing an interruption", async () => {
  await using stage = await Stage.set({
    realtime: [{ heard: "Go.", answer: "word ".repeat(100) }, { answer: "Yes." }],
  });
  await stage.hear(600, 3000);
  await stage.hear(600, 1500);
  assertEquals(stage.events(BargeInEvent).length, 1);
  assertEquals(stage.conversation.at(-1), "agent: Yes.");
});

Deno.test("a realtime model calls tools", async () => {
  await using stage = await Stage.set({
    realtime: [
      { heard: "Time?", answer: "It is", call: { name: "clock", input: {} } },
    ],
    agent: { tools: [defineTool({ name: "clock", description: "", execute: () => "noon" })] },
  });
  await stage.hear(600, 2500);
  assertEquals(stage.conversation.at(-1), "agent: It is noon");
  assertEquals(stage.events(ToolCalledEvent).length, 1);
});

Deno.test("say and respond work with a realtime model", async () => {
  await using stage = await Stage.set({ realtime: [{ answer: "Hello Ann." }] });
  assertEquals(await stage.clock.until(stage.agent.say("Welcome.")), {
    text: "Welcome.",
    interrupted: false,
  });
  const { participant } = stage.ann;
  const outcome = await stage.clock.until(stage.agent.respond("Hi", { participant }));
  assertEquals(outcome.text, "Hello Ann.");
  assertEquals(stage.realtime.sessions[0]?.texts, ["Hi"]);
});

Deno.test("a session that is lost is begun again with what was said before", async () => {
  await using stage = await Stage.set({
    realtime: [
      { heard: "I am Ann.", answer: "Hello Ann." },
      { heard: "Who am I?", answer: "You are Ann." },
    ],
  });
  await stage.hear(600, 2500);
  stage.realtime.refusals.push(new Error("busy"));
  stage.realtime.sessions[0]!.lose();
  await stage.clock.advance(2000);
  assertEquals(stage.errors.length, 2);
  assertEquals(stage.realtime.sessions.length, 2);
  assertEquals(stage.realtime.sessions[1]!.options.history.map(({ text }) => text), [
    "I am Ann.",
    "Hello Ann.",
  ]);
  await stage.hear(600, 2500);
  assertEquals(stage.conversation.at(-1), "agent: You are Ann.");
});

Deno.test("a session that is lost for good is given up, and whoever waits is told", async () => {
  await using stage = await Stage.set({ realtime: [{ answer: "One moment, please." }] });
  const { agent, clock, errors, realtime } = stage;
  const answer = agent.respond("Wait.");
  realtime.refusals.push(...Array.from({ length: 4 }, () => new Error("busy")));
  realtime.sessions[0]!.lose();
  await clock.advance(60_000);
  assertEquals((await answer).interrupted, true);
  assertEquals(errors.length, 6);
  assertEquals(errors.at(-1)?.context, "fake-realtime, which is given up");
  await assertRejects(() => agent.say("Hello?"), TypeError, "not connected");
});

Deno.test("a service that refuses makes the join fail", async () => {
  await using stage = await Stage.set();
  const { edge, clock, realtime: llm } = stage;
  llm.refusals.push(new Error("bad key"));
  const agent = new Agent({ edge, agentUser: { id: "b", name: "B" }, llm });
  const call = await agent.createCall("default", "stage");
  await assertRejects(() => clock.until(agent.join(call)), Error, "bad key");
});

Deno.test("its own voice out of a loudspeaker is kept from a realtime model", async () => {
  await using stage = await Stage.set({
    realtime: [{ answer: "A rather long answer, so that it can come back." }],
  });
  const { clock, ann } = stage;
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
  await clock.until(stage.agent.respond("Go."));
  assertEquals(stage.events(BargeInEvent).length, 0);
  assertEquals(stage.events(SpeechStartedEvent).length, 0);
  const { heardSoundMs } = stage.realtime.sessions[0]!;
  assert(heardSoundMs < 300, `${heardSoundMs} ms`);
});

Deno.test("several people are one stream to a realtime model, and the loudest is who spoke", async () => {
  await using stage = await Stage.set({
    realtime: [{ heard: "Both at once.", answer: "One by one." }],
    people: ["ann", "bob"],
  });
  const [ann, bob] = stage.people;
  for (const [who, loudness] of [[ann!, 3000], [bob!, 9000]] as const) {
    stage.utter(800, 2000, who, loudness);
  }
  await stage.clock.advance(3000);
  const { heardSoundMs } = stage.realtime.sessions[0]!;
  assert(Math.abs(heardSoundMs - 800) <= 40, `${heardSoundMs} ms`);
  assertEquals(stage.conversation, ["bob: Both at once.", "agent: One by one."]);
});

Deno.test("a realtime model takes no recogniser and no voice", async () => {
  await using stage = await Stage.set();
  const { edge, llm, realtime, stt } = stage;
  const agentUser = { id: "b", name: "B" };
  assertThrows(() => new Agent({ edge, agentUser, llm: realtime, stt }), TypeError);
  const turnDetection = fixedSilence();
  for (const needless of [{ vad: stage.vad }, { turnDetection }, { talk: {} }]) {
    assertThrows(
      () => new Agent({ edge, agentUser, llm: realtime, ...needless }),
      TypeError,
      `expected no ${Object.keys(needless)[0]}`,
    );
  }
  assertThrows(() => new Agent({ edge, agentUser, llm }), TypeError, "stt");
});

for (
  const [how, fail] of [
    ["throws", () => {
      throw new Error("the socket is closed");
    }],
    ["rejects", () => Promise.reject(new Error("the socket is closed"))],
  ] as const
) {
  Deno.test(`an interruption that the session ${how} at is reported, and whoever waits is told`, async () => {
    await using stage = await Stage.set({
      realtime: [{ answer: "Once upon a time there was a king who had no crown at all." }],
    });
    stage.realtime.sessions[0]!.interrupt = fail;
    const answer = stage.agent.respond("A story.");
    await stage.clock.advance(1500);
    await stage.hear(600, 2000);
    assertEquals((await stage.clock.until(answer)).interrupted, true);
    assertEquals(stage.events(BargeInEvent).length, 1);
    assertEquals(stage.errors.map(({ context }) => context), [
      "fake-realtime, told that it was interrupted",
    ]);
  });
}

Deno.test("a request that the session does not take rejects, and the next answer is the next one's", async () => {
  await using stage = await Stage.set({ realtime: [{ answer: "Here I am." }] });
  const [session] = stage.realtime.sessions;
  const { sendText } = session!;
  session!.sendText = () => {
    throw new Error("the socket is closed");
  };
  await assertRejects(() => stage.agent.respond("Hello?"), Error, "the socket is closed");
  session!.sendText = sendText;
  const outcome = await stage.clock.until(stage.agent.respond("Hello?"));
  assertEquals(outcome.text, "Here I am.");
});

Deno.test("a session that does not end by itself keeps the agent from leaving two seconds at most", async () => {
  for (
    const [part, mostMs] of [[Symbol.asyncIterator, 100], [Symbol.asyncDispose, 2100]] as const
  ) {
    await using stage = await Stage.set();
    const { clock, edge, realtime: llm } = stage;
    const never = new Promise<never>(() => {});
    const connect = llm.connect.bind(llm);
    llm.connect = async (options) => {
      const session = await connect(options);
      if (part === Symbol.asyncDispose) session[part] = () => never;
      else session[part] = () => ({ next: () => never });
      return session;
    };
    const agent = new Agent({ edge, agentUser: { id: "b", name: "B" }, llm });
    await clock.until(agent.join(stage.call));
    const from = clock.now();
    await clock.until(agent.close());
    const tookMs = clock.now() - from;
    assert(tookMs <= mostMs, `${tookMs} ms`);
  }
});
