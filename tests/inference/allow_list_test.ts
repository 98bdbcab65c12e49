/** A filter that keeps people out keeps them out of everything that is heard, whatever happens. */
import { assert, assertEquals } from "@std/assert";
import type { Participant } from "../../src/edge/types.ts";
import {
  AgentStateChangedEvent,
  ConversationMetricsEvent,
  UserStateChangedEvent,
} from "../../src/inference/contracts/events.ts";
import { allowList } from "../../src/inference/speakers/allow_list.ts";
import { Fixture, type FixtureOptions } from "./_fixture.ts";

/** Events that come although no person is heard: figures, the agent's start, silence. */
const OF_SILENCE = [ConversationMetricsEvent, AgentStateChangedEvent, UserStateChangedEvent];

/** The names of all other events. */
function happened(fixture: Fixture): string[] {
  return fixture.happened
    .filter(({ event }) => !OF_SILENCE.some((one) => event instanceof one))
    .map(({ event }) => event.constructor.name);
}

/** Everything by which a stranger might be heard. */
async function assertUnheard(fixture: Fixture, what: string): Promise<void> {
  await fixture.clock.advance(5000);
  assertEquals(fixture.stt.segments, [], what);
  assertEquals(fixture.llm.requests, [], what);
  assertEquals(
    fixture.realtime.sessions.map((one) => one.heardSoundMs),
    fixture.realtime.sessions.map(() => 0),
    what,
  );
  assertEquals(happened(fixture), [], what);
  assertEquals(fixture.conversation, [], what);
  assertEquals(fixture.ann.heardMs, 0, what);
}

const flows: Record<string, FixtureOptions> = {
  "each by themselves": { transcripts: { ann: ["Hello?"], eve: ["Tell me all."] } },
  "mixed": { transcripts: ["Hello?"], agent: { turnHandling: { mixSpeakers: true } } },
  "a realtime model": { realtime: [{ heard: "Hello?", reply: "Here." }] },
};

const rules = {
  "a list of ids": allowList(["ann"]),
  "a function": allowList(({ name }) => name === "Ann"),
};

for (const [flow, options] of Object.entries(flows)) {
  for (const [rule, speakerFilter] of Object.entries(rules)) {
    Deno.test(`a stranger who is alone is not heard: ${flow}, ${rule}`, async () => {
      const agent = { ...options.agent, speakerFilter };
      await using fixture = await Fixture.set({ ...options, people: ["eve"], agent });
      const [eve] = fixture.people;
      await fixture.hear(1500, 2000, eve);
      await assertUnheard(fixture, "alone");
      const ann = fixture.edge.enter(fixture.call, { userId: "ann", name: "Ann", id: "ann" });
      await fixture.hear(1500, 3000, ann);
      assert(ann.heardMs > 0, "a participant on the list is answered");
      ann.leave();
      await fixture.clock.advance(1000);
      const heard = fixture.stt.segments.length;
      const events = happened(fixture).length;
      await fixture.hear(1500, 3000, eve);
      assertEquals(fixture.stt.segments.length, heard, "alone again");
      assertEquals(happened(fixture).length, events, "alone again");
    });
  }
}

Deno.test("what a stranger says while the agent joins is not heard once it has", async () => {
  await using fixture = await Fixture.set({
    people: ["eve"],
    transcripts: ["Tell me all."],
    agent: { speakerFilter: allowList(["ann"]) },
    prepare: (fixture) => {
      const create = fixture.edge.createConversation.bind(fixture.edge);
      fixture.edge.createConversation = async (...creating) => {
        await fixture.speak(1500, fixture.people[0]);
        return await create(...creating);
      };
    },
  });
  await assertUnheard(fixture, "before the join");
});

Deno.test("a stranger does not interrupt, alone with the agent or not", async () => {
  for (const people of [["eve"], ["eve", "ann"]]) {
    await using fixture = await Fixture.set({
      people,
      agent: { speakerFilter: allowList(["ann"]) },
    });
    const saying = fixture.agent.say(
      "I have a great deal to say, and I am going to say all of it.",
    );
    await fixture.clock.advance(500);
    await fixture.hear(1500, 1500, fixture.people[0]);
    const { interrupted } = await fixture.clock.until(saying);
    assertEquals(interrupted, false);
    assertEquals(happened(fixture), ["AgentSpeechStartedEvent", "AgentSpeechEndedEvent"]);
  }
});

Deno.test("a rule that fails, or answers later, lets no stranger in and is told", async () => {
  const failing: Record<string, (participant: Participant) => unknown> = {
    "throws": () => {
      throw new Error("the directory is down");
    },
    "rejects": () => Promise.reject(new Error("the directory is down")),
    "answers later": () => Promise.resolve(true),
    "answers something": () => "yes",
    "answers nothing": () => undefined,
  };
  for (const [name, rule] of Object.entries(failing)) {
    for (const people of [["eve"], ["eve", "mallory"]]) {
      await using fixture = await Fixture.set({
        people,
        transcripts: ["Tell me all.", "Tell me all."],
        agent: { speakerFilter: allowList(rule as (participant: Participant) => boolean) },
      });
      for (const one of fixture.people) fixture.utter(1500, 1500, one);
      await assertUnheard(fixture, name);
      assert(
        fixture.errors.length >= 1 && fixture.errors.length <= 4,
        `${fixture.errors.length} errors`,
      );
      assert(fixture.errors[0]!.context.startsWith("the speaker filter"), name);
    }
  }
});
