/** A filter that keeps people out keeps them out of everything that is heard, whatever happens. */
import { assert, assertEquals } from "@std/assert";
import type { Participant } from "../../src/edge/types.ts";
import { ConversationMetricsEvent } from "../../src/inference/contracts/events.ts";
import { allowList } from "../../src/inference/speakers/allow_list.ts";
import { Stage, type StageOptions } from "./_fixture.ts";

/** The names of all events but that of the figures, which come every five seconds. */
function happened(stage: Stage): string[] {
  return stage.happened
    .filter(({ event }) => !(event instanceof ConversationMetricsEvent))
    .map(({ event }) => event.constructor.name);
}

/** Everything by which somebody might be heard. */
async function assertUnheard(stage: Stage, what: string): Promise<void> {
  await stage.clock.advance(5000);
  assertEquals(stage.stt.stretches, [], what);
  assertEquals(stage.llm.requests, [], what);
  assertEquals(
    stage.realtime.sessions.map((one) => one.heardSoundMs),
    stage.realtime.sessions.map(() => 0),
    what,
  );
  assertEquals(happened(stage), [], what);
  assertEquals(stage.conversation, [], what);
  assertEquals(stage.ann.heardMs, 0, what);
}

const flows: Record<string, StageOptions> = {
  "each by themselves": { transcripts: { ann: ["Hello?"], eve: ["Tell me all."] } },
  "mixed": { transcripts: ["Hello?"], agent: { talk: { mixed: true } } },
  "a realtime model": { realtime: [{ heard: "Hello?", answer: "Here." }] },
};

const rules = {
  "a list of ids": allowList(["ann"]),
  "a function": allowList(({ name }) => name === "Ann"),
};

for (const [flow, options] of Object.entries(flows)) {
  for (const [rule, speakerFilter] of Object.entries(rules)) {
    Deno.test(`a stranger who is alone is not heard: ${flow}, ${rule}`, async () => {
      const agent = { ...options.agent, speakerFilter };
      await using stage = await Stage.set({ ...options, people: ["eve"], agent });
      const [eve] = stage.people;
      await stage.hear(1500, 2000, eve);
      await assertUnheard(stage, "alone");
      const ann = stage.edge.enter(stage.call, { userId: "ann", name: "Ann", id: "ann" });
      await stage.hear(1500, 3000, ann);
      assert(ann.heardMs > 0, "whoever is on the list is answered");
      ann.leave();
      await stage.clock.advance(1000);
      const heard = stage.stt.stretches.length;
      const events = happened(stage).length;
      await stage.hear(1500, 3000, eve);
      assertEquals(stage.stt.stretches.length, heard, "alone again");
      assertEquals(happened(stage).length, events, "alone again");
    });
  }
}

Deno.test("what a stranger says while the agent joins is not heard once it has", async () => {
  await using stage = await Stage.set({
    people: ["eve"],
    transcripts: ["Tell me all."],
    agent: { speakerFilter: allowList(["ann"]) },
    prepare: (stage) => {
      const create = stage.edge.createConversation.bind(stage.edge);
      stage.edge.createConversation = async (...creating) => {
        await stage.speak(1500, stage.people[0]);
        return await create(...creating);
      };
    },
  });
  await assertUnheard(stage, "before the join");
});

Deno.test("a stranger interrupts nobody, alone with the agent or not", async () => {
  for (const people of [["eve"], ["eve", "ann"]]) {
    await using stage = await Stage.set({
      people,
      agent: { speakerFilter: allowList(["ann"]) },
    });
    const saying = stage.agent.say("I have a great deal to say, and I am going to say all of it.");
    await stage.clock.advance(500);
    await stage.hear(1500, 1500, stage.people[0]);
    const { interrupted } = await stage.clock.until(saying);
    assertEquals(interrupted, false);
    assertEquals(happened(stage), ["AgentSpeechStartedEvent", "AgentSpeechEndedEvent"]);
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
      await using stage = await Stage.set({
        people,
        transcripts: ["Tell me all.", "Tell me all."],
        agent: { speakerFilter: allowList(rule as (participant: Participant) => boolean) },
      });
      for (const one of stage.people) stage.utter(1500, 1500, one);
      await assertUnheard(stage, name);
      assert(stage.errors.length >= 1 && stage.errors.length <= 4, `${stage.errors.length} errors`);
      assert(stage.errors[0]!.context.startsWith("the speaker filter"), name);
    }
  }
});
