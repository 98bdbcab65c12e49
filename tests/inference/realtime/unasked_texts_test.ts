/** What participants write, where a realtime model is not asked to reply to it. */
import { assert, assertEquals } from "@std/assert";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import { Fixture } from "../_fixture.ts";

const drops: Record<string, (fixture: Fixture) => unknown> = {
  "they write again": ({ ann }) => ann.sendText("At eight o'clock."),
  "another participant writes": ({ people }) => people[1]!.sendText("At eight o'clock."),
  "the application says something instead": ({ agent }) =>
    agent.say("By the way.", { interrupt: true }),
  "the application interrupts the agent": ({ agent }) => agent.interrupt(),
};

for (const [what, drop] of Object.entries(drops)) {
  Deno.test(`a realtime model knows what a participant wrote while another spoke, although ${what}`, async () => {
    await using fixture = await Fixture.set({
      people: ["ann", "bob"],
      realtime: [{ heard: "And what else?", reply: "Second." }, { reply: "Third." }],
    });
    const { agent, ann, clock, realtime } = fixture;
    fixture.utter(1500, 1500, fixture.people[1]);
    await clock.advance(300);
    ann.sendText("A table for four.");
    await clock.advance(200);
    await clock.until(Promise.resolve(drop(fixture)));
    await clock.advance(10_000);
    assertEquals(realtime.sessions[0]!.texts[0], "A table for four.");
    assertEquals(fixture.conversation[0], "ann: A table for four.");
    // The next session knows of it from the history.
    await clock.until(agent.update({ instructions: "Be brief." }));
    realtime.sessions[0]!.lose();
    await clock.advance(1000);
    const told = realtime.sessions.at(-1)!.options.history.map(({ text }) => text);
    assertEquals(told.filter((text) => text === "A table for four.").length, 1);
    assertEquals(fixture.errors.map(({ context }) => context), ["fake-realtime: reconnecting"]);
  });
}

Deno.test("what a participant writes in a long outage is answered after it", async () => {
  await using fixture = await Fixture.set({ realtime: [{ reply: "At six." }] });
  const { ann, clock, realtime } = fixture;
  const down = () => new InferenceError("down", { code: "unreachable", retryable: true });
  realtime.connectErrors.push(...Array.from({ length: 9 }, down));
  realtime.sessions[0]!.lose();
  await clock.advance(100);
  ann.sendText("When do you close?");
  await clock.advance(120_000);
  const [, session] = realtime.sessions;
  assertEquals(session!.options.history.map(({ text }) => text), ["When do you close?"]);
  assertEquals(fixture.conversation, ["ann: When do you close?", "agent: At six."]);
  assert(fixture.errors.some(({ error }) => String(error).includes("cannot be reached")));
});
