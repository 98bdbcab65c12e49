/** Limits of what a participant may say in one turn. */
import { assert, assertEquals } from "@std/assert";
import { TurnEndedEvent } from "../../src/inference/contracts/events.ts";
import { Fixture, type FixtureOptions } from "./_fixture.ts";

const LONG = "and then I said and then they said and then I said once more";
const partials = LONG.split(" ").map((_, n, words) => ({
  afterMs: 400 + 250 * n,
  text: words.slice(0, n + 1).join(" "),
}));

function talking(options: FixtureOptions): Promise<Fixture> {
  return Fixture.set({ transcripts: [{ text: LONG, partials }, "The rest."], ...options });
}

Deno.test("userTurnLimit ends a turn that lasts too long, and what follows is another one", async () => {
  await using fixture = await talking({
    agent: { turnHandling: { userTurnLimit: { maxDurationMs: 2000 } } },
  });
  await fixture.hear(6000, 3000);
  const [first, second] = fixture.events(TurnEndedEvent);
  assertEquals([first?.reason, first?.text, second?.text], ["limit", LONG, "The rest."]);
  assert(Math.abs(fixture.when(TurnEndedEvent) - 2000) <= 20, `${fixture.when(TurnEndedEvent)}`);
  assertEquals(fixture.llm.requests.length, 2);
});

Deno.test("userTurnLimit ends a turn of too many words", async () => {
  await using fixture = await talking({
    agent: { turnHandling: { userTurnLimit: { maxWords: 6 } } },
  });
  await fixture.hear(6000, 3000);
  assertEquals(fixture.events(TurnEndedEvent)[0]?.reason, "limit");
  const atMs = fixture.when(TurnEndedEvent);
  assert(atMs >= 1500 && atMs <= 1800, `${atMs} ms`);
});

Deno.test("userTurnLimit.onExceeded may reply instead of the model, which remembers the turn", async () => {
  const exceeded: string[] = [];
  const fixture: Fixture = await talking({
    // The sound between the limit and the pause is a segment of its own.
    transcripts: [{ text: LONG, partials }, "", "The rest."],
    agent: {
      turnHandling: {
        userTurnLimit: {
          maxDurationMs: 2000,
          onExceeded: async ({ text, participant }) => {
            exceeded.push(`${participant.userId}: ${text}`);
            await fixture.agent.say("Let me stop you there.");
          },
        },
      },
    },
  });
  await using _fixture = fixture;
  await fixture.hear(2100, 4000);
  assertEquals(exceeded, [`ann: ${LONG}`]);
  assertEquals(fixture.tts.sentences, ["Let me stop you there."]);
  assertEquals(fixture.llm.requests.length, 0);
  await fixture.hear(600, 3000);
  assertEquals(fixture.told, [
    `user: ${LONG}`,
    "assistant: Let me stop you there.",
    "user: The rest.",
  ]);
});

Deno.test("userTurnLimit.onExceeded that throws is reported, and the conversation goes on", async () => {
  await using fixture = await talking({
    agent: {
      turnHandling: {
        userTurnLimit: {
          maxDurationMs: 2000,
          onExceeded: () => {
            throw new Error("no idea");
          },
        },
      },
    },
  });
  await fixture.hear(2100, 3000);
  assertEquals(fixture.errors.map(({ context }) => context), [
    "turnHandling.userTurnLimit.onExceeded",
  ]);
  await fixture.hear(600, 3000);
  assertEquals(fixture.llm.requests.length, 1);
});

Deno.test("userTurnLimit is none unless it is set: dictation goes on for minutes", async () => {
  await using fixture = await Fixture.set({
    transcripts: Array.from({ length: 20 }, (_, n) => `sentence ${n}`),
  });
  for (let n = 0; n < 20; n++) await fixture.hear(5000, 300);
  await fixture.clock.advance(2000);
  assertEquals(fixture.events(TurnEndedEvent).length, 1);
});

Deno.test('userTurnLimit ends a turn of a recogniser that detects turns, and of "manual"', async () => {
  for (const detectsTurns of [true, false]) {
    await using fixture = await talking({
      detectsTurns,
      agent: {
        turnHandling: {
          userTurnLimit: { maxDurationMs: 2000 },
          turnDetection: detectsTurns ? "stt" : "manual",
        },
      },
    });
    await fixture.hear(4000, 0);
    assertEquals(fixture.events(TurnEndedEvent)[0]?.reason, "limit");
  }
});
