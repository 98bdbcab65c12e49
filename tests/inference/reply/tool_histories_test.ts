/** What a model is told of its tools, in calls that go wrong in every way. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { LLM, LLMPart, LLMRequest } from "../../../src/inference/contracts/llm.ts";
import { ToolCalledEvent } from "../../../src/inference/contracts/events.ts";
import { defineTool, type ToolInterruption } from "../../../src/inference/contracts/tool.ts";
import { sleep } from "../../../src/events/waiting.ts";
import { Fixture } from "../_fixture.ts";
import { assertAccepted } from "./_vendor_rules.ts";

/** A tool call, as the script has it. */
interface ScriptedCall {
  lastsMs: number;
  fails: boolean;
  ignoresSignal: boolean;
  onInterruption: ToolInterruption;
}

/** A reply of the model. */
interface ScriptedReply {
  text: string;
  afterMs: number;
  calls: ScriptedCall[];
}

/** What happens in the call. */
type Incident =
  | { what: "speak"; ms: number }
  | { what: "interrupt" | "say over" | "ask" | "leave" | "return" };

const call = fc.record({
  lastsMs: fc.integer({ min: 0, max: 8000 }),
  fails: fc.boolean(),
  ignoresSignal: fc.boolean(),
  onInterruption: fc.constantFrom<ToolInterruption>("finish", "abort", "refuse"),
});
const reply = fc.record({
  text: fc.constantFrom("", "One moment.", "I look that up for you now.", "Broken voice."),
  afterMs: fc.integer({ min: 0, max: 600 }),
  calls: fc.array(call, { maxLength: 3 }),
});
const incident: fc.Arbitrary<{ afterMs: number } & Incident> = fc.record({
  afterMs: fc.integer({ min: 0, max: 2500 }),
}).chain(({ afterMs }) =>
  fc.oneof(
    fc.record({
      afterMs: fc.constant(afterMs),
      what: fc.constant("speak" as const),
      ms: fc.integer({ min: 100, max: 1500 }),
    }),
    fc.record({
      afterMs: fc.constant(afterMs),
      what: fc.constantFrom("interrupt", "say over", "ask", "leave", "return"),
    }),
  )
);

/** What the application makes of a turn, and how long that takes. */
const change = fc.record({
  lastsMs: fc.integer({ min: 0, max: 1500 }),
  context: fc.constantFrom("", "It is on the shelf."),
  text: fc.constantFrom("", " ", "Something else."),
  reply: fc.boolean(),
  drop: fc.boolean(),
}, { requiredKeys: ["lastsMs"] });

/** A model that follows the script, and uses its ids again for each reply, as some servers do. */
class ScriptedLLM implements LLM {
  readonly name = "scripted";
  readonly requests: LLMRequest[] = [];
  readonly calls = new Map<number, ScriptedCall>();
  constructor(readonly script: ScriptedReply[], readonly clock: () => Fixture["clock"]) {}

  async *generate(request: LLMRequest): AsyncGenerator<LLMPart, void, void> {
    this.requests.push({ ...request, messages: [...request.messages] });
    const { text, afterMs, calls } = this.script.shift() ?? { text: "So.", afterMs: 0, calls: [] };
    await sleep(afterMs, { clock: this.clock(), signal: request.signal });
    if (text !== "") yield { type: "text", text };
    for (const [index, one] of (request.tools.length > 0 ? calls : []).entries()) {
      const n = this.calls.size + 1;
      this.calls.set(n, one);
      const { onInterruption: name } = one;
      yield { type: "tool-call", call: { id: `call_${index}`, name, input: { n } } };
    }
  }
}

Deno.test("each effect of a tool is in the history once, in one that the services accept", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(reply, { minLength: 1, maxLength: 6 }),
      fc.array(incident, { maxLength: 8 }),
      fc.array(change, { maxLength: 4 }),
      async (script, incidents, changes) => {
        const effects: string[] = [];
        const acted = new Set<number>();
        const tools = (["finish", "abort", "refuse"] as const).map((onInterruption) =>
          defineTool({
            name: onInterruption,
            description: "",
            timeoutMs: 5000,
            onInterruption,
            parameters: { type: "object", properties: { n: { type: "integer" } } },
            execute: async ({ n = 0 }, { signal }) => {
              assertEquals(acted.has(n), false, "a tool acts once");
              acted.add(n);
              const { lastsMs, ignoresSignal, fails } = llm.calls.get(n)!;
              const { clock } = fixture;
              await sleep(lastsMs, { clock, ...ignoresSignal ? {} : { signal } });
              if (fails) throw new Error("no luck");
              effects.push(`<effect ${n}>`);
              return `<effect ${n}>`;
            },
          })
        );
        const llm = new ScriptedLLM([...script], () => fixture.clock);
        const fixture: Fixture = await Fixture.set({
          transcripts: ["Wait.", "No, tomorrow.", "And what else?", "Stop that."],
          voice: { failures: { Broken: new Error("no voice") } },
          agent: {
            tools,
            llm,
            turnHandling: {
              onUserTurnCompleted: async () => {
                const { lastsMs, ...change } = changes.shift() ?? { lastsMs: 0 };
                await sleep(lastsMs, { clock: fixture.clock });
                return change;
              },
            },
          },
        });
        await using _fixture = fixture;
        const { agent, clock, edge } = fixture;
        fixture.agent.generateReply("Go.").catch(() => {});
        for (const one of incidents) {
          await clock.advance(one.afterMs);
          if (one.what === "speak" && fixture.people.length > 0) await fixture.hear(one.ms, 900);
          if (one.what === "interrupt") await agent.interrupt();
          if (one.what === "say over") agent.say("Hello?", { interrupt: true }).catch(() => {});
          if (one.what === "ask") agent.generateReply("Now?").catch(() => {});
          if (one.what === "leave") fixture.people.pop()?.leave();
          if (one.what === "return" && fixture.people.length === 0) {
            fixture.people.push(
              edge.enter(fixture.call, { userId: "ann", name: "Ann", id: "ann" }),
            );
          }
        }
        await clock.advance(60_000);
        llm.script.length = 0;
        // A reply waits for a person who hears it.
        if (fixture.people.length === 0) edge.enter(fixture.call, { userId: "bob" });
        await clock.until(agent.generateReply("Last."));
        const { messages } = llm.requests.at(-1)!;
        const told = messages.map(({ text }) => text).join("\n");
        const found = told.match(/<effect \d+>/g) ?? [];
        assertEquals(found.toSorted(), effects.toSorted());
        assertEquals(
          fixture.events(ToolCalledEvent).filter(({ late }) => !late).length,
          acted.size,
        );
        for (const request of llm.requests) await assertAccepted(request);
      },
    ),
    { numRuns: 40, seed: 13 },
  );
});
