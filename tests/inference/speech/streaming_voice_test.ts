/** A voice that takes text as it comes: its session, its contexts, and what is remembered. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import {
  AgentSpeechStartedEvent,
  ReplyLatencyEvent,
  TurnEndedEvent,
} from "../../../src/inference/contracts/events.ts";
import { defineTool } from "../../../src/inference/contracts/tool.ts";
import { sleep } from "../../../src/events/waiting.ts";
import { Fixture } from "../_fixture.ts";
import { StreamingVoice } from "../_streaming_voice.ts";

Deno.test("Synthesizer opens one session for a call, before the first reply, and closes it", async () => {
  const tts = new StreamingVoice();
  const fixture = await Fixture.set({ agent: { tts }, replies: ["One.", "Two."] });
  assertEquals([tts.sessions, tts.contexts.length], [1, 0]);
  await fixture.clock.until(fixture.agent.generateReply("Go."));
  await fixture.clock.until(fixture.agent.generateReply("Go."));
  assertEquals([tts.sessions, tts.contexts.length, tts.openContexts], [1, 2, 0]);
  await fixture[Symbol.asyncDispose]();
  assertEquals([tts.openSessions, fixture.clock.pending], [0, 0]);
});

Deno.test("SpeechSynthesis sends words as the model writes them, and is heard before its sentence ends", async () => {
  const tts = new StreamingVoice({ firstByteMs: 100 });
  await using fixture = await Fixture.set({
    agent: { tts },
    transcripts: ["Tell me."],
    replies: [{ text: "Once upon a **time** there was a fox.", firstTokenMs: 300, tokenMs: 200 }],
  });
  await fixture.hear(600, 8000);
  const context = tts.contexts[0]!;
  assertEquals(context.text, "Once upon a time there was a fox.");
  assert(context.pieces.length > 5, `${context.pieces.length} pieces`);
  const heardAfterMs = fixture.when(AgentSpeechStartedEvent) - fixture.when(TurnEndedEvent);
  // The first word is complete with the second's first piece.
  assert(heardAfterMs <= 300 + 200 + 100 + 20, `${heardAfterMs} ms`);
  const [latency] = fixture.events(ReplyLatencyEvent);
  assertEquals(latency?.ttfbMs, 100);
  assertEquals(fixture.conversation.at(-1), "agent: Once upon a **time** there was a fox.");
});

Deno.test("SpeechSynthesis flushes what announces a tool, so that it is said while the tool runs", async () => {
  const tts = new StreamingVoice({ bufferChars: 1000 });
  await using fixture = await Fixture.set({
    agent: {
      tts,
      tools: [defineTool({
        name: "look",
        description: "Looks",
        execute: async () => {
          await sleep(5000, { clock: fixture.clock });
          return "yes";
        },
      })],
    },
    transcripts: ["Is it there?"],
    replies: [{ text: "Let me look.", calls: [{ name: "look", input: {} }] }, "It is."],
  });
  await fixture.hear(600, 9000);
  const startedMs = fixture.when(AgentSpeechStartedEvent) - fixture.when(TurnEndedEvent);
  assert(startedMs < 500, `heard after ${startedMs} ms`);
  assertEquals(tts.contexts.map(({ text }) => text), ["Let me look.\nIt is."]);
  assertEquals([tts.contexts[0]!.flushes, tts.openContexts], [2, 0]);
});

Deno.test("SpeechSynthesis cancels each context under rapid barge-in, and leaves none open", async () => {
  for (const bufferChars of [1, 40]) {
    const tts = new StreamingVoice({ bufferChars, firstByteMs: 60 });
    await using fixture = await Fixture.set({
      agent: { tts },
      replies: Array.from({ length: 40 }, () => ({
        text: "One two three four five six. Seven eight nine ten.",
        firstTokenMs: 20,
        tokenMs: 15,
      })),
    });
    const { agent, clock } = fixture;
    const outcomes: Promise<unknown>[] = [];
    for (let n = 0; n < 40; n++) {
      outcomes.push(n % 2 === 0 ? agent.generateReply("Go on.") : agent.say("What is *said*."));
      await clock.advance((n * 37) % 300);
      outcomes.push(agent.interrupt());
    }
    await clock.until(Promise.all(outcomes));
    assertEquals([tts.sessions, tts.openContexts, tts.mostOpen], [1, 0, 1]);
    assert(tts.contexts.length > 10 && tts.contexts.filter((one) => one.wasCancelled).length > 10);
    assertEquals(fixture.errors, []);
    // The voice still works.
    assertEquals(await clock.until(agent.say("Still here.")), {
      text: "Still here.",
      interrupted: false,
    });
  }
});

Deno.test("SpeechSynthesis cancels the context of a voice that owes audio for too long", async () => {
  const tts = new StreamingVoice({ firstByteMs: 20_000 });
  await using fixture = await Fixture.set({ agent: { tts } });
  const message = "streaming-voice returned no audio for 10000 ms";
  await assertRejects(
    () => fixture.clock.until(fixture.agent.say("Hello there.")),
    DOMException,
    message,
  );
  assertStringIncludes(`${fixture.errors[0]?.error}`, message);
  assertEquals([tts.openContexts, tts.contexts[0]!.wasCancelled], [0, true]);
});

Deno.test("SpeechSynthesis does not blame a voice for a tool that is slow after one sentence", async () => {
  for (const firstByteMs of [0, 60, 90, 200, 400]) {
    for (const text of ["One moment.", "One moment", "Let me see. One moment please."]) {
      for (const tts of [new StreamingVoice({ firstByteMs }), undefined]) {
        await using fixture = await Fixture.set({
          voice: { firstByteMs },
          agent: {
            ...tts && { tts },
            tools: [defineTool({
              name: "look",
              description: "Looks",
              timeoutMs: 60_000,
              execute: () => sleep(20_000, { clock: fixture.clock }),
            })],
          },
          replies: [{ text, calls: [{ name: "look", input: {} }] }, "It is there."],
        });
        const outcome = await fixture.clock.until(fixture.agent.generateReply("Go."));
        assertEquals(outcome, { text: `${text}\nIt is there.`, interrupted: false });
        assertEquals(fixture.errors, []);
      }
    }
  }
});

Deno.test("SpeechSynthesis gives a voice up that owes audio while a tool runs", async () => {
  const tts = new StreamingVoice({ firstByteMs: 30_000 });
  await using fixture = await Fixture.set({
    agent: {
      tts,
      tools: [defineTool({
        name: "look",
        description: "Looks",
        timeoutMs: 60_000,
        execute: () => sleep(20_000, { clock: fixture.clock }),
      })],
    },
    replies: [{ text: "One moment.", calls: [{ name: "look", input: {} }] }, "It is there."],
  });
  const message = "streaming-voice returned no audio for 10000 ms";
  const reply = fixture.agent.generateReply("Go.");
  await assertRejects(() => fixture.clock.until(reply), DOMException, message);
  assertStringIncludes(`${fixture.errors[0]?.error}`, message);
  assert(tts.contexts[0]!.wasCancelled);
});

Deno.test("SpeechSynthesis waits for a model that is slow in a sentence, and does not blame the voice", async () => {
  const tts = new StreamingVoice();
  await using fixture = await Fixture.set({
    agent: { tts },
    replies: [{ text: "One moment.", tokenMs: 15_000 }],
  });
  const outcome = await fixture.clock.until(fixture.agent.generateReply("Go."));
  assertEquals(outcome, { text: "One moment.", interrupted: false });
  assertEquals(fixture.errors, []);
});

const piece = fc.constantFrom(
  ..."a|word|Another| |. |! |, |\n|**bold**|_soft_|`code`|[the link](http://x.y/z)|# |- |🎉|今天天气|。|1. |(so)"
    .split("|"),
);

Deno.test("what is remembered of a say() cut anywhere is a beginning of its text, and grows with time", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { minLength: 3, maxLength: 25 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 80 }),
      async (pieces, alignment, bufferChars) => {
        const text = `Well, ${pieces.join("")}`;
        const tts = new StreamingVoice({ alignment, bufferChars });
        await using fixture = await Fixture.set({ agent: { tts } });
        const { agent, clock } = fixture;
        let last = "";
        for (const ms of [120, 400, 900, 1700, 60_000]) {
          const said = agent.say(text);
          await clock.advance(ms);
          await clock.until(agent.interrupt());
          const kept = (await said).text;
          assert(text.startsWith(kept), `${JSON.stringify(kept)} of ${JSON.stringify(text)}`);
          assert(kept.startsWith(last), `${JSON.stringify(kept)} after ${JSON.stringify(last)}`);
          last = kept;
        }
        assertEquals(last, text);
        assertEquals(tts.openContexts, 0);
      },
    ),
    { numRuns: 25, seed: 17 },
  );
});
