/** What people say during a speech that they cannot interrupt is answered once, after it. */
import { assertEquals } from "@std/assert";
import { sleep } from "../../../src/events/waiting.ts";
import type { UserTurnHook } from "../../../src/inference/reply/turn_completion.ts";
import { Fixture } from "../_fixture.ts";

const hooks: Record<string, (fixture: Fixture) => UserTurnHook | undefined> = {
  "no hook": () => undefined,
  "a hook": () => () => {},
  "a slow hook": ({ clock }) => async () => await sleep(200, { clock }),
  "a hook that says something": ({ agent }) => async ({ text }) => {
    if (text === "A room, please.") await agent.say("One moment.");
  },
};

for (const [name, hookOf] of Object.entries(hooks)) {
  Deno.test(`several turns during a speech that cannot be interrupted get one reply, with ${name}`, async () => {
    const hook: UserTurnHook = (turn) => hookOf(fixture)?.(turn);
    await using fixture = await Fixture.set({
      transcripts: ["Hello?", "A room, please.", "For two nights."],
      replies: ["Certainly."],
      agent: { turnHandling: name === "no hook" ? {} : { onUserTurnCompleted: hook } },
    });
    const { agent, clock, llm } = fixture;
    const notice = "This call is recorded, for training and for the quality of what we do.";
    agent.say(notice, { allowInterruptions: false });
    await clock.advance(300);
    for (let turn = 0; turn < 3; turn++) await fixture.hear(400, 600);
    await clock.advance(20_000);
    assertEquals(llm.requests.length, 1);
    assertEquals(fixture.told.filter((one) => !one.includes("One moment.")), [
      `assistant: ${notice}`,
      "user: Hello?",
      "user: A room, please.",
      "user: For two nights.",
    ]);
    assertEquals(fixture.conversation.filter((one) => one === "agent: Certainly.").length, 1);
  });
}
