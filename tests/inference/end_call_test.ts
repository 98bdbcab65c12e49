/** The tool that ends the call, and replies of which there is nothing. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { LLM } from "../../src/inference/contracts/llm.ts";
import { endCallTool } from "../../src/inference/reply/end_call_tool.ts";
import { ToolCalledEvent } from "../../src/inference/contracts/events.ts";
import { Fixture } from "./_fixture.ts";

for (const farewell of ["Goodbye, Ann.", undefined]) {
  Deno.test(`endCallTool ends the call when ${farewell ?? "the default"} was heard, and not before`, async () => {
    const input: Record<string, string> = farewell === undefined ? {} : { farewell };
    await using fixture = await Fixture.set({
      transcripts: ["That is all."],
      replies: [{ text: "All right.", calls: [{ name: "end_call", input }] }, "Never said."],
      agent: { tools: [endCallTool({ say: "Bye." })] },
    });
    const finished = fixture.agent.finish();
    fixture.utter(900, 8000);
    await fixture.clock.until(finished);
    assertEquals(fixture.conversation, [
      "ann: That is all.",
      // The reply goes no further than its call.
      "agent: All right.\n/",
      `agent: end_call(${JSON.stringify(input)}): the call has ended`,
      `agent: ${farewell ?? "Bye."}`,
    ]);
    // 50 ms a character, all of them.
    const words = `All right.${farewell ?? "Bye."}`;
    assert(fixture.ann.heardMs >= 50 * words.length - 20, `${fixture.ann.heardMs} ms`);
    assert(fixture.clock.now() < 5000, `${fixture.clock.now()} ms`);
    assertEquals(fixture.events(ToolCalledEvent).length, 1);
    assertEquals(fixture.errors, []);
  });
}

Deno.test("endCallTool refuses options of the wrong type", () => {
  assertThrows(() => endCallTool({ say: 5 as never }), TypeError, "say: expected a text, got 5");
});

Deno.test("a reply that was withheld is a failure, and one that is empty is none", async () => {
  const told = {
    "content-filter": ["model returned no text: content-filter, unsafe"],
    "tool-calls": ["model returned no text: it calls a tool, and none came, unsafe"],
    "stop": [],
  };
  for (const reason of ["content-filter", "tool-calls", "stop"] as const) {
    const llm: LLM = {
      name: "model",
      async *generate() {
        yield { type: "finish", reason, detail: "unsafe" };
      },
    };
    await using fixture = await Fixture.set({ agent: { llm } });
    await fixture.clock.until(fixture.agent.generateReply("Go.").catch(() => {}));
    assertEquals(
      [...new Set(fixture.errors.map(({ error }) => (error as Error).message))],
      told[reason],
    );
  }
});
