/** Conversations with a recogniser, a model and a voice. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Agent } from "../../src/agent/agent.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import {
  AgentSpeechEndedEvent,
  AgentSpeechStartedEvent,
  ReplyLatencyEvent,
  SpeechStoppedEvent,
  TranscriptEvent,
  TurnEndedEvent,
} from "../../src/inference/contracts/events.ts";
import type { TurnHandlingOptions } from "../../src/inference/pipelines/turn_handling_options.ts";
import {
  punctuationEndpointing,
  type TurnContext,
} from "../../src/inference/contracts/turn_detector.ts";
import { sleep } from "../../src/events/waiting.ts";
import { rms } from "../../src/audio/level.ts";
import { Fixture } from "./_fixture.ts";

Deno.test("what is said is understood, answered and spoken", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["What time is it?"],
    replies: ["It is five. Time for tea."],
    agent: { instructions: "Be brief." },
  });
  await fixture.hear(1000, 3000);
  assertEquals(fixture.told, ["system: Be brief.", "user: What time is it?"]);
  assertEquals(fixture.tts.sentences, ["It is five.", "Time for tea."]);
  assertEquals(fixture.conversation, ["ann: What time is it?", "agent: It is five. Time for tea."]);
  assertEquals(fixture.events(TurnEndedEvent).map(({ reason }) => reason), ["silence"]);
  const ended = fixture.events(AgentSpeechEndedEvent);
  assertEquals(ended.map(({ text, interrupted }) => [text, interrupted]), [
    ["It is five. Time for tea.", false],
  ]);
  assertEquals(fixture.errors, []);
});

Deno.test("the end of an answer is told when it was heard, not when it was queued", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Hello?"],
    replies: ["Good morning to you."],
  });
  await fixture.hear(600, 3000);
  // 20 characters of 50 ms, and the playout's last frame.
  const lastedMs = fixture.when(AgentSpeechEndedEvent) - fixture.when(AgentSpeechStartedEvent);
  assert(lastedMs >= 980 && lastedMs <= 1030, `${lastedMs} ms`);
  assert(Math.abs(fixture.ann.heardMs - 1000) <= 10, `${fixture.ann.heardMs} ms`);
});

Deno.test("a sentence is spoken while the model still writes the next", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Tell me."],
    replies: [{
      text: "One thing first. And then a second thing.",
      firstTokenMs: 300,
      tokenMs: 500,
    }],
    voice: { firstByteMs: 100 },
  });
  await fixture.hear(600, 6000);
  const [turn] = fixture.events(TurnEndedEvent);
  assert(turn);
  // The fourth word, 1500 ms after the first, shows that the first sentence is complete.
  assertEquals(
    Math.round(fixture.when(AgentSpeechStartedEvent) - fixture.when(TurnEndedEvent) - 10),
    300 + 3 * 500 + 100,
  );
  const [metrics] = fixture.events(ReplyLatencyEvent);
  assertEquals(metrics?.endOfTurnDelayMs, 400);
  assertEquals(metrics?.ttftMs, 300);
  assertEquals(metrics?.llmMs, 1800);
  assertEquals(metrics?.ttfbMs, 100);
  assertEquals(metrics?.overheadMs, 0);
  assertEquals(metrics?.voiceToVoiceMs, 400 + 1800 + 100 + metrics!.playoutMs);
});

Deno.test("what is said shows in the conversation while it is said, in order", async () => {
  await using fixture = await Fixture.set({
    transcripts: [{ text: "Where is the bank?", partials: [{ afterMs: 500, text: "Where is" }] }],
    replies: [{ text: "Behind you now.", tokenMs: 200 }],
  });
  fixture.utter(1000, 4000);
  await fixture.clock.advance(700);
  assertEquals(fixture.conversation, ["ann: Where is..."]);
  await fixture.clock.advance(700 + 250);
  assertEquals(fixture.conversation, ["ann: Where is the bank?", "agent: Behind you..."]);
  await fixture.clock.advance(3000);
  assertEquals(fixture.conversation, ["ann: Where is the bank?", "agent: Behind you now."]);
  const texts = fixture.events(TranscriptEvent).map(({ text, final }) => `${text} ${final}`);
  assertEquals(texts, ["Where is false", "Where is the bank? false", "Where is the bank? true"]);
});

Deno.test("a conversation that cannot be written delays and breaks nothing", async () => {
  await using fixture = await Fixture.set({ transcripts: ["Hello?"], replies: ["Hello you."] });
  fixture.agent.conversation!.append = () => {
    throw new Error("disk full");
  };
  await fixture.hear(600, 2000);
  assertEquals(fixture.events(AgentSpeechEndedEvent).map(({ text }) => text), ["Hello you."]);
  assertEquals(fixture.errors[0]?.context, "writing the conversation");
});

Deno.test("noise that nothing is understood of is not answered", async () => {
  await using fixture = await Fixture.set({ transcripts: [""] });
  await fixture.hear(400, 2000);
  assertEquals(fixture.stt.segments.length, 1);
  assertEquals(fixture.llm.requests.length, 0);
  assertEquals(fixture.conversation, []);
});

Deno.test("a word that the recogniser takes back leaves the conversation, and is not answered", async () => {
  await using fixture = await Fixture.set({
    transcripts: [{ text: "", partials: [{ afterMs: 300, text: "Are" }] }],
  });
  await fixture.hear(600, 2000);
  assertEquals(fixture.conversation, []);
  assertEquals(fixture.llm.requests.length, 0);
});

Deno.test("a sound shorter than the least speech reaches no recogniser", async () => {
  await using fixture = await Fixture.set();
  await fixture.hear(120, 2000);
  assertEquals(fixture.stt.segments.length, 0);
});

Deno.test("the recogniser gets the beginning of the first word", async () => {
  await using fixture = await Fixture.set({ transcripts: ["Hello?"] });
  fixture.speak(300, fixture.ann, 0);
  await fixture.hear(600, 1000);
  // 300 ms from before the first sound, the speech, and the pause that ended it.
  assert(
    fixture.stt.segments[0]!.audioMs >= 600 + 200 + 280,
    `${fixture.stt.segments[0]!.audioMs}`,
  );
});

Deno.test("a pause shorter than the turn's silence leaves it one turn", async () => {
  await using fixture = await Fixture.set({ transcripts: ["I would like", "a cup of tea."] });
  await fixture.hear(600, 350);
  await fixture.hear(600, 3000);
  assertEquals(fixture.told, ["user: I would like a cup of tea."]);
  assertEquals(fixture.events(SpeechStoppedEvent).length, 2);
  assertEquals(fixture.conversation[0], "ann: I would like a cup of tea.");
});

Deno.test("a turn whose text does not end like a sentence is given more time", async () => {
  const turnDetection = punctuationEndpointing({ completeMs: 300, openMs: 900 });
  for (const [text, silenceMs] of [["It is late.", 300], ["It is", 900]] as const) {
    await using fixture = await Fixture.set({
      transcripts: [text],
      agent: { turnHandling: { turnDetection } },
    });
    await fixture.hear(500, 3000);
    assertEquals(fixture.events(ReplyLatencyEvent)[0]?.endOfTurnDelayMs, silenceMs);
  }
});

Deno.test("a turn detector that fails costs the turn nothing but its judgement", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Hello?"],
    agent: {
      turnHandling: {
        turnDetection: {
          name: "broken",
          endpointingDelayMs: () => Promise.reject(new Error("no model")),
        },
      },
    },
  });
  await fixture.hear(500, 3000);
  assertEquals(fixture.llm.requests.length, 1);
  assertEquals(fixture.events(ReplyLatencyEvent)[0]?.endOfTurnDelayMs, 800);
});

Deno.test("a muted microphone ends the turn although no silence is heard", async () => {
  await using fixture = await Fixture.set({ transcripts: ["Good night."] });
  fixture.speak(2000);
  await fixture.clock.advance(1000);
  fixture.ann.mute();
  await fixture.clock.advance(100);
  assertEquals(fixture.events(SpeechStoppedEvent).length, 1);
  await fixture.clock.advance(2000);
  assertEquals(fixture.told, ["user: Good night."]);
});

Deno.test("a recogniser that fails is reported, and the next turn is understood", async () => {
  await using fixture = await Fixture.set({
    transcripts: [{ text: "", error: new Error("no credit") }, "Once more."],
  });
  await fixture.hear(500, 1500);
  assertEquals(fixture.errors.map(({ context }) => context), ["fake-stt, transcribing"]);
  await fixture.hear(500, 1500);
  assertEquals(fixture.told, ["user: Once more."]);
});

Deno.test("a recogniser that gives no final text is given up, and its last text is taken", async () => {
  await using fixture = await Fixture.set({
    transcripts: [{ text: "", partials: [{ afterMs: 300, text: "Are you there" }], hangs: true }],
    agent: { turnHandling: { vad: { sttTimeoutMs: 2000 } } },
  });
  await fixture.hear(500, 3000);
  assertEquals((fixture.errors[0]?.error as Error).name, "TimeoutError");
  assertEquals(fixture.told, ["user: Are you there"]);
});

Deno.test("speech without end is cut for the recogniser and stays one turn", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["one", "two", "three"],
    agent: { turnHandling: { vad: { maxSegmentMs: 1000 } } },
  });
  await fixture.hear(2400, 1500);
  assertEquals(fixture.told, ["user: one two three"]);
});

Deno.test("a model that fails is reported, and the next turn is answered", async () => {
  const failure = new InferenceError("no such model", { code: "refused", retryable: false });
  await using fixture = await Fixture.set({
    transcripts: ["First.", "Second."],
    replies: [{ error: failure }, "Here I am."],
  });
  await fixture.hear(500, 1500);
  assertEquals(fixture.errors.map(({ error }) => error), [failure]);
  await fixture.hear(500, 1500);
  assertEquals(fixture.told, ["user: First.", "user: Second."]);
  assertEquals(fixture.tts.sentences, ["Here I am."]);
});

Deno.test("a model that falls silent in mid-answer is given up; what was said is remembered", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["First.", "Second."],
    replies: [{ text: "So far so good. But", hangs: true }, "Yes."],
    agent: { turnHandling: { llmTimeoutMs: 3000 } },
  });
  await fixture.hear(500, 6000);
  assertEquals((fixture.errors[0]?.error as Error).name, "TimeoutError");
  assertEquals(fixture.llm.aborted, 1);
  await fixture.hear(500, 1500);
  assertEquals(fixture.told, ["user: First.", "assistant: So far so good. ", "user: Second."]);
});

Deno.test("a voice that fails is reported, and the next answer is spoken", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["First.", "Second."],
    replies: ["A bad word.", "A good word."],
    voice: { failures: { bad: new Error("refused") } },
  });
  await fixture.hear(500, 1500);
  assertEquals(fixture.errors.map(({ context }) => context), ["speaking"]);
  await fixture.hear(500, 1500);
  assertEquals(fixture.events(AgentSpeechEndedEvent).map(({ text }) => text), ["A good word."]);
});

Deno.test("what is meant for the eye is not spoken", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Help."],
    replies: ["**Press** `F1` now! 🎉\n\n- See [the page](https://example.com)."],
  });
  await fixture.hear(500, 3000);
  assertEquals(fixture.tts.sentences, ["Press F1 now!", "See the page."]);
});

Deno.test("say waits for what is being said, and with interrupt it does not", async () => {
  await using fixture = await Fixture.set();
  const { agent, clock } = fixture;
  const first = agent.say("The first announcement.");
  const second = agent.say("The second one.");
  await clock.advance(600);
  assertEquals(fixture.tts.sentences, ["The first announcement."]);
  const third = agent.say("Fire!", { interrupt: true });
  assertEquals(await clock.until(first), { text: "The first", interrupted: true });
  assertEquals(await clock.until(second), { text: "", interrupted: true });
  assertEquals(await clock.until(third), { text: "Fire!", interrupted: false });
  assertEquals(fixture.conversation, ["agent: The first/", "agent: Fire!"]);
});

Deno.test("generateReply replies to a text of the application as if it had been said", async () => {
  await using fixture = await Fixture.set({ replies: ["Welcome!"] });
  const outcome = await fixture.clock.until(fixture.agent.generateReply("Greet all who are here."));
  assertEquals(outcome, { text: "Welcome!", interrupted: false });
  const { participant } = fixture.ann;
  await fixture.clock.until(fixture.agent.generateReply("Hello", { participant }));
  assertEquals(fixture.conversation, [
    "agent: Greet all who are here.",
    "agent: Welcome!",
    "ann: Hello",
    "agent: Welcome!",
  ]);
});

Deno.test("what was said before the agent came is what it goes on from", async () => {
  await using fixture = await Fixture.set();
  const { edge, clock, agent } = fixture;
  const conversation = agent.conversation!;
  conversation.append({ role: "user", userId: "ann", text: "My name is Ann." });
  edge.createConversation = () => Promise.resolve(conversation);
  const parts = { llm: fixture.llm, stt: fixture.stt, tts: fixture.tts, vad: fixture.vad };
  const second = new Agent({ edge, agentUser: { id: "second", name: "Second" }, ...parts });
  await clock.until(second.join(fixture.call));
  await clock.until(second.generateReply("Who am I?"));
  assertEquals(fixture.told, ["user: My name is Ann.", "user: Who am I?"]);
  await clock.until(second.close());
});

Deno.test("components start together, and one that fails stops the others and the join", async () => {
  await using fixture = await Fixture.set();
  const { edge, clock } = fixture;
  const seen: string[] = [];
  const llm = Object.assign(Object.create(fixture.llm), {
    start: () => Promise.reject(new Error("bad key")),
  });
  const tts = Object.assign(Object.create(fixture.tts), {
    start: ({ signal }: { signal: AbortSignal }) =>
      new Promise<void>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        seen.push("starting");
      }),
  });
  const stt = Object.assign(Object.create(fixture.stt), {
    start: () => void seen.push("started"),
    close: () => void seen.push("closed"),
  });
  const agent = new Agent({ edge, agentUser: { id: "b", name: "B" }, llm, stt, tts });
  const call = await agent.createCall("default", "fixture");
  await assertRejects(() => clock.until(agent.join(call)), Error, "bad key");
  assertEquals(seen.sort(), ["closed", "started", "starting"]);
});

Deno.test("closing the agent cuts off what it says and leaves nothing behind", async () => {
  const fixture = await Fixture.set({ replies: ["A very long answer that goes on and on."] });
  const answer = fixture.agent.generateReply("Go on.");
  await fixture.clock.advance(500);
  await fixture.clock.until(fixture.agent.close());
  assertEquals(await answer, { text: "A very", interrupted: true });
  assertEquals(fixture.conversation.at(-1), "agent: A very/");
  await fixture.clock.until(fixture.edge.close());
  await fixture.clock.advance(50);
  assertEquals(fixture.clock.pending, 0);
  assertEquals(fixture.vad.speakers, 0);
});

for (
  const [what, endpointingDelayMs, answeredMs] of [
    ["does not answer", () => new Promise<number>(() => {}), 6500],
    ["gives NaN", () => NaN, 2000],
    ["gives Infinity", () => Infinity, 2000],
    ["gives a negative time", () => -5, 2000],
    ["gives more than any speaker waits", () => 31_000, 2000],
    ["gives a text", () => "400" as unknown as number, 2000],
    ["gives nothing", () => undefined as unknown as number, 2000],
  ] as const
) {
  Deno.test(`a turn detector that ${what} is reported, and its turn ends all the same`, async () => {
    await using fixture = await Fixture.set({
      transcripts: ["Hello."],
      agent: { turnHandling: { turnDetection: { name: "broken", endpointingDelayMs } } },
    });
    await fixture.hear(600, answeredMs);
    assertEquals(fixture.conversation, ["ann: Hello.", "agent: All right."]);
    const [error, ...more] = fixture.errors;
    assertEquals(error?.context, "broken, endpointing: 800 ms are used instead");
    assertEquals(more, []);
    // 800 ms after the last sound, unless it took five seconds to decide.
    const silenceMs = fixture.when(TurnEndedEvent) - fixture.events(SpeechStoppedEvent)[0]!.atMs;
    assertEquals(silenceMs, what === "does not answer" ? 5200 : 800);
  });
}

Deno.test("a detector that decides late is told that the wait is over", async () => {
  let aborted: unknown;
  await using fixture = await Fixture.set({
    transcripts: ["Hello."],
    agent: {
      turnHandling: {
        turnDetection: {
          name: "slow",
          endpointingDelayMs: (_turn, { signal }) =>
            new Promise((_, reject) =>
              signal.addEventListener("abort", () => reject(aborted = signal.reason))
            ),
        },
      },
    },
  });
  await fixture.hear(600, 6000);
  assertEquals((aborted as DOMException).name, "TimeoutError");
});

Deno.test("a detector that needs no text decides while the recogniser works", async () => {
  const texts: string[] = [];
  const asked: number[] = [];
  await using fixture = await Fixture.set({
    transcripts: [{ text: "Hello.", delayMs: 300 }],
    agent: {
      turnHandling: {
        turnDetection: {
          name: "listening",
          needsText: false,
          endpointingDelayMs: async ({ text, audio }) => {
            texts.push(text);
            asked.push(audio.durationMs);
            await sleep(350, { clock: fixture.clock });
            return 400;
          },
        },
      },
    },
  });
  await fixture.hear(600, 3000);
  assertEquals([texts, asked.length], [[""], 1]);
  // The pause is found after 200 ms. One after the other, they would take until 850.
  const stopped = fixture.events(SpeechStoppedEvent)[0]!.atMs;
  assertEquals(fixture.when(TurnEndedEvent) - stopped, 550);
});

Deno.test("a detector is told that its answer is not needed, where the participant speaks again", async () => {
  const reasons: string[] = [];
  await using fixture = await Fixture.set({
    transcripts: ["I would like", "a cup of tea."],
    agent: {
      turnHandling: {
        turnDetection: {
          name: "listening",
          needsText: false,
          endpointingDelayMs: async (_turn, { signal }) => {
            await new Promise<void>((resolve) => {
              signal.addEventListener("abort", () => {
                reasons.push((signal.reason as Error).name);
                resolve();
              });
              void sleep(900, { clock: fixture.clock }).then(resolve);
            });
            return 400;
          },
        },
      },
    },
  });
  await fixture.hear(600, 500);
  await fixture.hear(600, 3000);
  assertEquals(reasons, ["AbortError"]);
  assertEquals(fixture.told, ["user: I would like a cup of tea."]);
  assertEquals(fixture.errors, []);
});

Deno.test('endpointing bounds what a turn detector asks for, and is the silence of "vad"', async () => {
  const detector = (ms: number) => ({ name: "asking", endpointingDelayMs: () => ms });
  for (
    const [turnHandling, silenceMs] of [
      [{ turnDetection: detector(300), endpointing: { minDelayMs: 500 } }, 500],
      [{ turnDetection: detector(700), endpointing: { minDelayMs: 500 } }, 700],
      [{ turnDetection: detector(9000), endpointing: { maxDelayMs: 1200 } }, 1200],
      [{ turnDetection: detector(NaN), endpointing: { maxDelayMs: 450 } }, 450],
      [{ turnDetection: "vad", endpointing: { minDelayMs: 350 } }, 350],
      [{ turnDetection: "vad" }, 800],
      [{ turnDetection: undefined }, 800],
    ] as const
  ) {
    await using fixture = await Fixture.set({
      transcripts: ["A whole sentence."],
      agent: { turnHandling },
    });
    await fixture.hear(600, 3000);
    assertEquals(fixture.events(ReplyLatencyEvent)[0]?.endOfTurnDelayMs, silenceMs);
  }
});

for (const sampleRate of [16_000, 48_000] as const) {
  Deno.test(`a turn detector gets the last eight seconds of sound, at ${sampleRate} Hz`, async () => {
    const contexts: TurnContext[] = [];
    const lengths: number[] = [];
    await using fixture = await Fixture.set({
      transcripts: [{ text: "Hallo.", language: "de" }, "Again."],
      agent: {
        sampleRate,
        turnHandling: {
          turnDetection: {
            name: "listening",
            endpointingDelayMs: (turn) => {
              contexts.push(turn);
              lengths.push(turn.audio.durationMs);
              return 400;
            },
          },
        },
      },
    });
    await fixture.hear(1000, 3000);
    await fixture.hear(8000, 3000);
    assertEquals(contexts.map(({ audio }) => [audio.sampleRate, audio.channels]), [
      [16_000, 1],
      [16_000, 1],
    ]);
    assertEquals(contexts.map(({ language }) => language), ["de", undefined]);
    // The first pause is found 200 ms after a second of speech.
    assert(Math.abs(lengths[0]! - 1200) <= 40, `${lengths[0]} ms`);
    assert(Math.abs(lengths[1]! - 8000) <= 3, `${lengths[1]} ms`);
    const [{ audio }] = contexts as [TurnContext];
    const half = audio.samples.length / 2;
    const [before, pause] = [audio.samples.slice(0, half), audio.samples.slice(-1600)].map(rms);
    assert(before! > 0.05 && pause! < 0.001, `${before} ${pause}`);
  });
}

Deno.test("what a participant was saying when the agent left is shown as complete", async () => {
  const fixture = await Fixture.set({
    transcripts: [{ text: "I was about to", partials: [{ afterMs: 200, text: "I was" }] }],
  });
  fixture.speak(5000);
  await fixture.clock.advance(1000);
  assertEquals(fixture.conversation, ["ann: I was..."]);
  await fixture[Symbol.asyncDispose]();
  assertEquals(fixture.conversation, ["ann: I was"]);
});

Deno.test("options that make no sense are refused when the agent is made", async () => {
  await using fixture = await Fixture.set();
  const { edge, llm, stt, tts } = fixture;
  const make = (turnHandling: unknown) =>
    new Agent({
      edge,
      agentUser: { id: "b", name: "B" },
      llm,
      stt,
      tts,
      turnHandling: turnHandling as TurnHandlingOptions,
    });
  for (
    const [turnHandling, errorClass, message] of [
      ["fast", TypeError, 'turnHandling: expected an object, got "fast"'],
      [null, TypeError, "turnHandling: expected an object, got null"],
      [{ vad: 1 }, TypeError, "turnHandling.vad: expected an object, got 1"],
      [{ vad: { threshold: NaN } }, RangeError, "threshold: expected a number from 0 to 1"],
      [{ vad: { minSpeechMs: -1 } }, RangeError, "minSpeechMs: expected a number from 0 to"],
      [
        { vad: { silenceDurationMs: "200" } },
        RangeError,
        'silenceDurationMs: expected a number from 0 to 60000, got "',
      ],
      [
        { vad: { prefixPaddingMs: Infinity } },
        RangeError,
        "prefixPaddingMs: expected a number from 0 to",
      ],
      [{ vad: { maxSegmentMs: 0 } }, RangeError, "maxSegmentMs: expected a number from 1000 to"],
      [
        { vad: { sttTimeoutMs: NaN } },
        RangeError,
        "turnHandling.vad.sttTimeoutMs: expected a number",
      ],
      [
        { interruption: { minDurationMs: -700 } },
        RangeError,
        "turnHandling.interruption.minDurationMs: expected a number",
      ],
      [
        { interruption: { falseInterruptionTimeoutMs: "x" } },
        RangeError,
        "turnHandling.interruption.falseInterruptionTimeoutMs: expected a number",
      ],
      [{ llmTimeoutMs: NaN }, RangeError, "turnHandling.llmTimeoutMs: expected a number"],
      [{ ttsTimeoutMs: -1 }, RangeError, "turnHandling.ttsTimeoutMs: expected a number"],
      [
        { preemptiveGeneration: "no" },
        TypeError,
        'turnHandling.preemptiveGeneration: expected a boolean, got "no"',
      ],
      [
        { turnDetection: "silence" },
        TypeError,
        'turnHandling.turnDetection: expected "stt", "vad", "realtime", "manual" or a TurnDetector',
      ],
      [{ turnDetection: "stt" }, TypeError, "and fake-stt does not: use"],
      [{ turnDetection: "realtime" }, TypeError, '"realtime" needs a realtime llm'],
      [{ userTurnLimit: 5 }, TypeError, "turnHandling.userTurnLimit: expected an object, got 5"],
      [{ userTurnLimit: { maxWords: 0 } }, RangeError, "maxWords: expected a number from 1 to"],
      [
        { userTurnLimit: { maxDurationMs: 10 } },
        RangeError,
        "turnHandling.userTurnLimit.maxDurationMs: expected a number from 1000 to",
      ],
      [
        { userTurnLimit: { onExceeded: "stop" } },
        TypeError,
        'turnHandling.userTurnLimit.onExceeded: expected a function, got "stop"',
      ],
      [{ endpointing: 5 }, TypeError, "turnHandling.endpointing: expected an object, got 5"],
      [{ endpointing: { minDelayMs: -1 } }, RangeError, "minDelayMs: expected a number from 0 to"],
      [
        { endpointing: { minDelayMs: 900, maxDelayMs: 800 } },
        RangeError,
        "turnHandling.endpointing.maxDelayMs: expected a number from 900 to 30000, got 800",
      ],
      [{ mixSpeakers: 1 }, TypeError, "turnHandling.mixSpeakers: expected a boolean, got 1"],
      [{ shouldReply: true }, TypeError, "turnHandling.shouldReply: expected a function, got true"],
      [
        { historyLimit: 0.5 },
        RangeError,
        "turnHandling.historyLimit: expected an integer >= 1, got 0.5",
      ],
    ] as const
  ) assertThrows(() => make(turnHandling), errorClass, message);
  make({
    llmTimeoutMs: Infinity,
    vad: { sttTimeoutMs: Infinity },
    interruption: { falseInterruptionTimeoutMs: 0 },
  });
});

Deno.test("without limits, model and recogniser are waited for as long as they take", async () => {
  await using fixture = await Fixture.set({
    transcripts: [{ text: "Take your time.", delayMs: 60_000 }],
    replies: [{ text: "Done.", firstTokenMs: 3_000_000 }],
    agent: { turnHandling: { llmTimeoutMs: Infinity, vad: { sttTimeoutMs: Infinity } } },
  });
  await fixture.hear(600, 5000);
  await fixture.clock.advance(3_100_000);
  assertEquals(fixture.conversation, ["ann: Take your time.", "agent: Done."]);
  assertEquals(fixture.errors, []);
});
