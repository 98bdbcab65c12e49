// cspell:ignore haan
/** "Yes." and "mhm" over an agent that speaks. */
import { assert, assertEquals } from "@std/assert";
import {
  AgentSpeechEndedEvent,
  AgentSpeechStartedEvent,
  BargeInEvent,
} from "../../src/inference/contracts/events.ts";
import { Fixture } from "./_fixture.ts";

/** 2000 ms of speech. */
const QUESTION = "Shall I book the table by the window now";
const LONG = `${QUESTION}, or ${QUESTION.toLowerCase()}, or not at all?`;

/** The agent asks for so long, and then a person says a short word. */
async function asking(
  { said = "Yes.", afterMs, question = QUESTION, options = {} }: {
    said?: string;
    afterMs: number;
    question?: string;
    options?: object;
  },
): Promise<Fixture> {
  const fixture = await Fixture.set({
    transcripts: [said, "Anything else?"],
    replies: ["It is booked."],
    agent: { turnHandling: { interruption: options } },
  });
  void fixture.agent.say(question);
  await fixture.clock.advance(afterMs);
  await fixture.hear(350, 4000);
  return fixture;
}

for (const afterMs of [1300, 1500, 1700, 1850, 1950, 2050]) {
  Deno.test(`"Yes." ${2000 - afterMs} ms before the end of a question is an answer`, async () => {
    await using fixture = await asking({ afterMs });
    assertEquals(fixture.llm.requests.length, 1);
    assertEquals(fixture.told.at(-1), "user: Yes.");
    assertEquals(fixture.events(AgentSpeechEndedEvent).at(-1)?.text, "It is booked.");
  });
}

Deno.test("a word in the first second of what the agent says is no sign of listening", async () => {
  await using fixture = await asking({ afterMs: 500, question: LONG });
  assertEquals(fixture.events(BargeInEvent).length, 1);
  assertEquals(fixture.told.at(-1), "user: Yes.");
});

Deno.test("a sign of listening in the middle gets no reply, and the model is told of it", async () => {
  await using fixture = await asking({ afterMs: 2000, question: LONG });
  assertEquals(fixture.events(BargeInEvent).length, 0);
  assertEquals(fixture.llm.requests.length, 0);
  assertEquals(fixture.events(AgentSpeechEndedEvent).map(({ text }) => text), [LONG]);
  await fixture.hear(600, 2000);
  assertEquals(fixture.told, [`assistant: ${LONG}`, "user: Yes.", "user: Anything else?"]);
});

Deno.test("backchannelBoundaryMs says how near the end an answer begins", async () => {
  for (const [backchannelBoundaryMs, requests] of [[0, 0], [300, 0], [700, 1]] as const) {
    await using fixture = await asking({ afterMs: 1100, options: { backchannelBoundaryMs } });
    assertEquals(fixture.llm.requests.length, requests, `${backchannelBoundaryMs}`);
  }
});

Deno.test("backchannels of an agent's own language do not interrupt it", async () => {
  for (const [said, bargeIns] of [["はい", 0], ["haan", 0], ["いいえ", 1], ["roger", 0]] as const) {
    const options = { backchannels: { en: ["roger"] } };
    await using fixture = await asking({ said, afterMs: 1500, question: LONG, options });
    assertEquals(fixture.events(BargeInEvent).length, bargeIns, said);
    assert(fixture.conversation.includes(`ann: ${said}`), fixture.conversation.join());
  }
});

for (const speed of [1.05, 1.2]) {
  Deno.test(`"Yes." near the end is an answer where a voice of speed ${speed} says how long it is too late`, async () => {
    for (const [endsBeforeMs, isAnswer] of [[900, true], [600, true], [2500, false]] as const) {
      await using fixture = await Fixture.set({
        transcripts: ["Yes."],
        replies: ["It is booked."],
        voice: { speed },
      });
      const { clock, agent } = fixture;
      void agent.say(LONG);
      while (Number.isNaN(fixture.when(AgentSpeechStartedEvent))) await clock.advance(10);
      // The voice of the tests takes 50 ms for a character.
      await clock.advance(50 * LONG.length - endsBeforeMs - 300);
      await fixture.hear(300, 6000);
      assertEquals(fixture.llm.requests.length, isAnswer ? 1 : 0, `${endsBeforeMs} ms`);
      assertEquals(fixture.conversation[1], "ann: Yes.");
    }
  });
}
