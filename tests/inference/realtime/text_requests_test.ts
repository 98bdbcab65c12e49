/** What a realtime model is asked in text, while people speak and the agent is interrupted. */
import { assertEquals } from "@std/assert";
import { defineTool } from "../../../src/inference/contracts/tool.ts";
import { sleep } from "../../../src/events/waiting.ts";
import { Fixture } from "../_fixture.ts";

Deno.test("Agent.text() of a realtime agent is asked again where a person's speech cuts it off", async () => {
  for (const hasPart of [false, true]) {
    await using fixture = await Fixture.set({
      realtime: [
        { reply: "Cut off." },
        { heard: "Hello?", reply: "Hello." },
        { reply: "Four." },
      ],
      prepare: ({ realtime }) => realtime.replyMs = 1000,
    });
    const { agent, clock, realtime } = fixture;
    const reply = agent.text("Two and two?");
    fixture.utter(1500, 4000);
    await clock.advance(100);
    const [session] = realtime.sessions;
    if (hasPart) session!.emit({ type: "text", replyId: "answer-2", text: "Part of it" });
    assertEquals(await clock.until(reply), { text: "Four." });
    await clock.advance(1000);
    assertEquals(session!.texts, ["Two and two?", "Two and two?"]);
    assertEquals(fixture.conversation, [
      "agent: Two and two?",
      "ann: Hello?",
      "agent: Hello.",
      "agent: Four.",
    ]);
    assertEquals(fixture.errors, []);
  }
});

Deno.test("Agent.text() of a realtime agent is told why it fails where it is cut off again and again", async () => {
  await using fixture = await Fixture.set({
    realtime: Array.from({ length: 9 }, () => ({ reply: "Cut off." })),
    prepare: ({ realtime }) => realtime.replyMs = 60_000,
  });
  const { agent, clock, realtime } = fixture;
  let failure: unknown;
  agent.text("Two and two?").catch((error) => failure = error);
  for (let times = 0; times < 6; times++) {
    await clock.advance(5000);
    const replyId = `answer-${2 * times + 2}`;
    realtime.sessions[0]!.interrupt(replyId, 0);
  }
  assertEquals((failure as { code?: string })?.code, "cut-off");
});

for (const writes of [false, true]) {
  Deno.test(`Agent.text() of a realtime agent that ${writes ? "writes" : "speaks"} does not wait for what waits to be heard`, async () => {
    await using fixture = await Fixture.set({
      writes,
      realtime: [{ reply: "Two." }, { reply: "Three." }],
    });
    const { agent, ann, clock } = fixture;
    // There is no person to hear it.
    ann.leave();
    await clock.advance(100);
    const heard = [agent.say("One."), agent.generateReply("Two?"), agent.generateReply("Three?")];
    await clock.advance(100);
    const { text } = await clock.until(agent.text("Box?"));
    assertEquals(text, "Three.");
    await clock.until(agent.interrupt());
    await clock.until(Promise.all(heard));
  });
}

const interruptions = {
  "agent.interrupt()": ({ agent }: Fixture) => agent.interrupt(),
  "say({ interrupt })": ({ agent }: Fixture) => agent.say("By the way.", { interrupt: true }),
  "what a person says": (fixture: Fixture) => fixture.utter(600, 900),
};

for (const [what, interrupt] of Object.entries(interruptions)) {
  Deno.test(`Agent.text() of a realtime agent goes on after ${what}: while it waits, and its tool runs`, async () => {
    // A service takes a call back that speech cuts off: it has been made by then.
    for (const atMs of what === "what a person says" ? [700] : [100, 700]) {
      let isAborted = false;
      const act = defineTool({
        name: "act",
        description: "",
        onInterruption: "abort",
        execute: async (_, { signal }) => {
          await sleep(3000, { clock: fixture.clock });
          isAborted = signal.aborted;
          return "done";
        },
      });
      const fixture: Fixture = await Fixture.set({
        realtime: [{ reply: "It is", call: { name: "act", input: {} } }, { reply: "" }],
        prepare: ({ realtime }) => realtime.replyMs = 500,
        agent: { tools: [act] },
      });
      await using _ = fixture;
      const { agent, clock } = fixture;
      // What is asked second waits for the first.
      const replies = [agent.text("Act."), agent.text("And?")];
      await clock.advance(atMs);
      Promise.resolve(interrupt(fixture)).catch(() => {});
      assertEquals((await clock.until(replies[0]!)).text, "It is done");
      assertEquals(isAborted, false);
      await clock.until(replies[1]!.catch((error) => error));
    }
  });
}
