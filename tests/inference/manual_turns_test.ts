/** Turns that the application ends, as in push to talk. */
import { assertEquals, assertRejects } from "@std/assert";
import { TranscriptEvent, TurnEndedEvent } from "../../src/inference/contracts/events.ts";
import { Fixture } from "./_fixture.ts";

const manual = { turnHandling: { turnDetection: "manual" } } as const;

Deno.test('turnDetection "manual" ends a turn only where the application commits it', async () => {
  await using fixture = await Fixture.set({
    transcripts: ["I would like", "a cup of tea."],
    agent: manual,
  });
  await fixture.hear(600, 20_000);
  await fixture.hear(600, 5000);
  assertEquals(fixture.llm.requests.length, 0);
  await fixture.clock.until(fixture.agent.commitUserTurn());
  await fixture.clock.advance(2000);
  assertEquals(fixture.told, ["user: I would like a cup of tea."]);
  assertEquals(fixture.events(TurnEndedEvent).map(({ reason }) => reason), ["committed"]);
});

Deno.test("commitUserTurn ends a turn in the middle of speech, and what follows is another one", async () => {
  await using fixture = await Fixture.set({
    transcripts: [{ text: "First.", delayMs: 400 }, "Second."],
    agent: manual,
  });
  fixture.speak(3000);
  await fixture.clock.advance(1000);
  const committed = fixture.agent.commitUserTurn();
  await fixture.clock.advance(300);
  assertEquals(fixture.events(TurnEndedEvent), []);
  await fixture.clock.until(committed);
  assertEquals(fixture.events(TurnEndedEvent).map(({ text }) => text), ["First."]);
  await fixture.clock.advance(2000);
  await fixture.clock.until(fixture.agent.commitUserTurn());
  assertEquals(fixture.events(TurnEndedEvent).map(({ text }) => text), ["First.", "Second."]);
});

Deno.test("commitUserTurn takes a word that is too short for the VAD to be certain of", async () => {
  await using fixture = await Fixture.set({ transcripts: ["Yes."], agent: manual });
  fixture.speak(120);
  await fixture.clock.advance(140);
  await fixture.clock.until(fixture.agent.commitUserTurn());
  assertEquals(fixture.events(TurnEndedEvent).map(({ text }) => text), ["Yes."]);
});

Deno.test("commitUserTurn ends the turn of one participant where one is named", async () => {
  await using fixture = await Fixture.set({
    people: ["ann", "bob"],
    transcripts: { ann: ["From Ann."], bob: ["From Bob."] },
    agent: manual,
  });
  const [ann, bob] = fixture.people;
  fixture.utter(600, 1000, ann);
  fixture.utter(600, 1000, bob);
  await fixture.clock.advance(1600);
  await fixture.clock.until(fixture.agent.commitUserTurn({ participant: bob!.participant }));
  assertEquals(fixture.events(TurnEndedEvent).map(({ text }) => text), ["From Bob."]);
});

Deno.test("commitUserTurn ends a turn before its time where pauses end it", async () => {
  await using fixture = await Fixture.set({ transcripts: ["Hello?"] });
  await fixture.hear(600, 250);
  assertEquals(fixture.events(TurnEndedEvent), []);
  await fixture.clock.until(fixture.agent.commitUserTurn());
  assertEquals(fixture.events(TurnEndedEvent).map(({ text }) => text), ["Hello?"]);
});

Deno.test("clearUserTurn forgets what was said, also what the recogniser returns later", async () => {
  await using fixture = await Fixture.set({
    transcripts: [
      { text: "Never mind.", partials: [{ afterMs: 400, text: "Never" }], delayMs: 500 },
      "What time is it?",
    ],
    agent: manual,
  });
  fixture.speak(900);
  await fixture.clock.advance(800);
  await fixture.clock.until(fixture.agent.clearUserTurn());
  await fixture.clock.advance(100);
  await fixture.clock.until(fixture.agent.commitUserTurn());
  await fixture.hear(600, 1000);
  await fixture.clock.until(fixture.agent.commitUserTurn());
  await fixture.clock.advance(1000);
  assertEquals(fixture.told, ["user: What time is it?"]);
  const texts = fixture.events(TranscriptEvent).map(({ text }) => text);
  assertEquals(texts, ["Never", "What time is it?", "What time is it?"]);
});

Deno.test("commitUserTurn is refused where a realtime model takes the turns", async () => {
  await using fixture = await Fixture.set({ realtime: [] });
  await assertRejects(() => fixture.agent.commitUserTurn(), TypeError, "takes its turns itself");
  await assertRejects(() => fixture.agent.clearUserTurn(), TypeError, "takes its turns itself");
});
