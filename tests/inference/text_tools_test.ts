/** Tools of replies in text: those that are confirmed, and those that end the call. */
import { assert, assertEquals } from "@std/assert";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { endCallTool } from "../../src/inference/reply/end_call_tool.ts";
import { Fixture, type FixtureOptions } from "./_fixture.ts";

const PAY = { name: "pay", input: {} };
const END = { name: "end_call", input: { farewell: "Goodbye." } };

/** The same script for an agent of each kind. */
function kinds(
  replies: readonly { text: string; call?: { name: string; input: Record<string, string> } }[],
): [string, FixtureOptions][] {
  return [
    ["cascaded", {
      replies: replies.map(({ text, call }) => ({ text, calls: call ? [call] : [] })),
    }],
    // It replies to the result in the same exchange.
    ["realtime", {
      realtime: replies.flatMap(({ text, call }) => call ? [{ reply: text, call }] : []),
    }],
  ];
}

const paying = [
  { text: "", call: PAY },
  { text: "Paid." },
  { text: "", call: PAY },
  { text: "Once more?" },
  { text: "", call: PAY },
  { text: "Paid again." },
];
for (const [kind, options] of kinds(paying)) {
  Deno.test(`a tool of a ${kind} agent is confirmed by what agent.text() says`, async () => {
    let paid = 0;
    const pay = defineTool({
      name: "pay",
      description: "",
      onDuplicate: "confirm",
      execute: () => ++paid,
    });
    await using fixture = await Fixture.set({ ...options, agent: { tools: [pay] } });
    const { agent, clock } = fixture;
    const counts: number[] = [];
    for (const text of ["Pay it.", "Pay it.", "Yes, once more."]) {
      await clock.until(agent.text(text));
      counts.push(paid);
    }
    assertEquals(counts, [1, 1, 2]);
  });
}

for (const [kind, options] of kinds([{ text: "All right.", call: END }, { text: "Never." }])) {
  Deno.test(`agent.text() of a ${kind} agent resolves with the last words where it ends the call`, async () => {
    const script = kind === "realtime"
      ? { realtime: [...options.realtime!.slice(0, 1), { reply: "Goodbye." }] }
      : options;
    await using fixture = await Fixture.set({ ...script, agent: { tools: [endCallTool()] } });
    const { agent, clock } = fixture;
    const finished = agent.finish();
    const { text } = await clock.until(agent.text("That is all."));
    assert(clock.now() < 3000, `${clock.now()} ms`);
    assertEquals(text.split("\n").at(-1), "Goodbye.");
    await clock.until(finished);
    assertEquals(fixture.conversation.filter((one) => one.endsWith("/")), []);
    assertEquals(fixture.errors, []);
  });
}
