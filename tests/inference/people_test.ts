/** Conversations with several people. */
import { assert, assertEquals } from "@std/assert";
import { Agent } from "../../src/agent/agent.ts";
import {
  AgentSpeechEndedEvent,
  AgentSpeechStartedEvent,
  BargeInEvent,
  SpeechStartedEvent,
  SpeechStoppedEvent,
  TurnEndedEvent,
} from "../../src/inference/contracts/events.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import { Fixture } from "./_fixture.ts";

const people = ["ann", "bob"];

Deno.test("two people who speak at the same time have each their own transcript and turn", async () => {
  await using fixture = await Fixture.set({
    people,
    transcripts: { ann: ["I like tea."], bob: ["I like coffee."] },
    replies: ["You can have both."],
  });
  const [ann, bob] = fixture.people;
  fixture.utter(2000, 3000, ann);
  await fixture.clock.advance(500);
  await fixture.hear(800, 4000, bob);
  const ended = fixture.events(TurnEndedEvent).map((
    { participant, text },
  ) => [participant.id, text]);
  assertEquals(ended, [["bob", "I like coffee."], ["ann", "I like tea."]]);
  // No person is spoken over: they are answered together, and the model knows who said what.
  assertEquals(fixture.llm.requests.length, 1);
  assertEquals(fixture.told, ["user: Bob: I like coffee.", "user: Ann: I like tea."]);
});

Deno.test("a single person's words are told to the model as they are", async () => {
  await using fixture = await Fixture.set({ transcripts: ["Hello.", "Me again."] });
  await fixture.hear(500, 2000);
  await fixture.hear(500, 2000);
  assertEquals(fixture.told.filter((one) => one.startsWith("user")), [
    "user: Hello.",
    "user: Me again.",
  ]);
});

Deno.test("among several the first to speak is known by name, and one alone has no need of it", async () => {
  await using fixture = await Fixture.set({ people, transcripts: ["Hello.", "Now I am alone."] });
  await fixture.hear(500, 2000);
  assertEquals(fixture.told, ["user: Ann: Hello."]);
  fixture.people[1]!.leave();
  await fixture.hear(500, 2000);
  assertEquals(fixture.told.at(-1), "user: Now I am alone.");
});

Deno.test("each time a person goes on after a pause is told, and when it began", async () => {
  await using fixture = await Fixture.set({ transcripts: ["One moment", "now I know."] });
  const from = fixture.clock.now();
  await fixture.hear(500, 300);
  await fixture.hear(700, 2000);
  const told = [SpeechStartedEvent, SpeechStoppedEvent].map((one) =>
    fixture.events<SpeechStartedEvent | SpeechStoppedEvent>(one).map(({ atMs }) => atMs - from)
  );
  assertEquals(told.map(({ length }) => length), [2, 2]);
  assertEquals(fixture.events(TurnEndedEvent).length, 1);
  const [[, resumedMs], [pausedMs]] = told as [number[], number[]];
  assert(Math.abs(resumedMs! - 800) <= 40, `went on after ${resumedMs} ms`);
  assert(Math.abs(pausedMs! - 500) <= 40, `paused after ${pausedMs} ms`);
});

Deno.test("the agent waits until all are silent before it answers", async () => {
  await using fixture = await Fixture.set({
    people,
    transcripts: { ann: ["What now?"], bob: ["Let me think."] },
  });
  const [ann, bob] = fixture.people;
  fixture.utter(500, 5000, ann);
  fixture.utter(3000, 3000, bob);
  await fixture.clock.advance(2900);
  assertEquals(fixture.llm.requests.length, 0);
  await fixture.clock.advance(2000);
  assertEquals(fixture.llm.requests.length, 1);
  assertEquals(fixture.when(AgentSpeechStartedEvent) >= 3400, true);
});

Deno.test("the open turn of one who leaves is ended and answered to the others", async () => {
  await using fixture = await Fixture.set({
    people,
    transcripts: { ann: [{ text: "I must go now.", delayMs: 200 }] },
    replies: ["Goodbye Ann."],
  });
  fixture.speak(5000, fixture.ann);
  await fixture.clock.advance(1000);
  fixture.ann.leave();
  await fixture.clock.advance(2000);
  const ended = fixture.events(TurnEndedEvent).map(({ text, reason }) => [text, reason]);
  assertEquals(ended, [["I must go now.", "left"]]);
  assertEquals(fixture.conversation, ["ann: I must go now.", "agent: Goodbye Ann."]);
  assertEquals(fixture.vad.speakers, 0);
});

Deno.test("when the last one leaves in mid-sentence the agent does not talk", async () => {
  await using fixture = await Fixture.set({ transcripts: ["I must go now."] });
  fixture.speak(5000, fixture.ann);
  await fixture.clock.advance(1000);
  fixture.ann.leave();
  await fixture.clock.advance(2000);
  assertEquals(fixture.conversation, ["ann: I must go now."]);
  assertEquals(fixture.llm.requests.length, 0);
});

Deno.test("any participant can interrupt the agent, and the one who did is answered", async () => {
  await using fixture = await Fixture.set({
    people,
    transcripts: { ann: ["A story."], bob: ["No story, please."] },
    replies: ["Once upon a time there was a king, and a queen.", "As you like."],
  });
  const [ann, bob] = fixture.people;
  await fixture.hear(500, 1500, ann);
  await fixture.hear(900, 2000, bob);
  assertEquals(fixture.events(BargeInEvent).map(({ participant }) => participant?.id), ["bob"]);
  assertEquals(fixture.told.at(-1), "user: Bob: No story, please.");
});

Deno.test("what is not for the agent is remembered and not answered", async () => {
  await using fixture = await Fixture.set({
    people,
    transcripts: { ann: ["The train is late."], bob: ["Agent, when is the next?"] },
    agent: { turnHandling: { shouldReply: ({ text }) => text.startsWith("Agent") } },
  });
  const [ann, bob] = fixture.people;
  await fixture.hear(800, 1500, ann);
  assertEquals(fixture.llm.requests.length, 0);
  await fixture.hear(800, 1500, bob);
  assertEquals(fixture.told, [
    "user: Ann: The train is late.",
    "user: Bob: Agent, when is the next?",
  ]);
});

Deno.test("people are heard by detectors that answer later, in order and each separately", async () => {
  await using fixture = await Fixture.set({
    people,
    transcripts: { ann: ["First."], bob: ["Second."] },
  });
  const { clock, edge } = fixture;
  const heard: string[] = [];
  const agent = new Agent({
    edge,
    agentUser: { id: "slow", name: "Slow" },
    llm: fixture.llm,
    stt: fixture.stt,
    tts: fixture.tts,
    vad: new FakeVAD({ delayMs: 8, clock }),
  });
  await clock.until(agent.join(fixture.call));
  await clock.until(fixture.agent.close());
  agent.events.subscribe(TurnEndedEvent, ({ text }) => void heard.push(text));
  const [ann, bob] = fixture.people;
  fixture.utter(600, 2000, ann);
  await fixture.hear(900, 2000, bob);
  assertEquals(heard.sort(), ["First.", "Second."]);
  await clock.until(agent.close());
});

Deno.test("one whose noise is taken for speech keeps no other from an answer", async () => {
  for (const partials of [[], [{ afterMs: 300, text: "Hello" }]]) {
    await using fixture = await Fixture.set({
      people,
      transcripts: { ann: [{ text: "Hello agent.", partials }], bob: [] },
    });
    const [ann, bob] = fixture.people;
    fixture.speak(30_000, bob);
    await fixture.hear(900, 500, ann);
    assertEquals(fixture.llm.requests.length, 0);
    await fixture.clock.advance(partials.length > 0 ? 2500 : 9500);
    assertEquals(fixture.conversation[1], "agent: All right.");
    // Words come while they are said: there are none. Where they come at the end that takes longer.
    const after = fixture.when(AgentSpeechStartedEvent);
    assert(after <= (partials.length > 0 ? 3300 : 10_300), `answered after ${after} ms`);
  }
});

Deno.test("one who leaves and is back before their words are known is listened to anew", async () => {
  let disposed = 0;
  const fixture = await Fixture.set({
    people,
    transcripts: { ann: [{ text: "First.", delayMs: 3000 }, "Second."], bob: [] },
    agent: {
      vad: {
        name: "strict",
        open: () => {
          let isOver = false;
          return {
            process: ({ samples }) => {
              if (isOver) throw new Error("used when disposed");
              return samples.some((one) => Math.abs(one) > 500) ? 1 : 0;
            },
            [Symbol.dispose]: () => {
              isOver = true;
              disposed++;
            },
          };
        },
      },
    },
  });
  await using _fixture = fixture;
  fixture.speak(900);
  await fixture.clock.advance(900);
  fixture.ann.leave();
  await fixture.clock.advance(500);
  const again = fixture.edge.enter(fixture.call, { userId: "ann", name: "Ann", id: "ann" });
  await fixture.clock.advance(200);
  await fixture.hear(900, 5000, again);
  assertEquals(fixture.errors, []);
  assertEquals(disposed, 1);
  assertEquals(fixture.events(TurnEndedEvent).map(({ text }) => text).sort(), [
    "First.",
    "Second.",
  ]);
});

Deno.test("when the last one leaves the agent falls silent, and remembers what was heard", async () => {
  await using fixture = await Fixture.set({
    people,
    transcripts: ["Tell me a story."],
    replies: ["Once upon a time there was a town. It had no walls."],
  });
  await fixture.hear(600, 1200);
  fixture.people[1]!.leave();
  await fixture.clock.advance(400);
  assertEquals(fixture.events(AgentSpeechEndedEvent), [], "a participant is there still");
  fixture.people[0]!.leave();
  await fixture.clock.advance(100);
  const [{ text, interrupted }] = fixture.events(AgentSpeechEndedEvent) as [AgentSpeechEndedEvent];
  assertEquals([text.slice(0, 9), text.length < 30, interrupted], ["Once upon", true, true]);
});
