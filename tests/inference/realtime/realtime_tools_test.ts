/** Tools of realtime models, whatever happens to replies and sessions meanwhile. */
import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import type { ChatMessage } from "../../../src/inference/contracts/messages.ts";
import { ToolCalledEvent } from "../../../src/inference/contracts/events.ts";
import { defineTool } from "../../../src/inference/contracts/tool.ts";
import { sleep } from "../../../src/events/waiting.ts";
import { Fixture } from "../_fixture.ts";

/** Each call has exactly one output, after it, and there is no output without a call. */
function isValid(history: readonly ChatMessage[]): boolean {
  const open = new Set<string>();
  const all = new Set<string>();
  for (const message of history) {
    if (message.role === "tool") {
      if (!open.delete(message.callId)) return false;
      continue;
    }
    if (open.size > 0) return false;
    if (message.role !== "assistant") continue;
    for (const { id } of message.toolCalls ?? []) {
      if (all.has(id)) return false;
      open.add(id);
      all.add(id);
    }
  }
  return open.size === 0;
}

Deno.test("a realtime model's calls have one outcome each, in a history that services accept", async () => {
  const step = fc.oneof(
    fc.constantFrom("ask", "say", "interrupt", "lose", "speak"),
    fc.record({ waitMs: fc.integer({ min: 0, max: 2500 }) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 12 }),
      fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 3, maxLength: 3 }),
      fc.integer({ min: 0, max: 800 }),
      async (steps, durations, replyMs) => {
        let acts = 0;
        const act = defineTool({
          name: "act",
          description: "",
          execute: async () => {
            const count = acts++;
            await sleep(durations[count % durations.length]!, { clock: fixture.clock });
            if (count % 4 === 3) throw new Error("it is full");
            return `act ${count}`;
          },
        });
        const fixture: Fixture = await Fixture.set({
          realtime: Array.from({ length: 30 }, (_, n) => ({
            heard: `Question ${n}?`,
            reply: `Reply ${n}:`,
            call: n % 2 === 0 ? { name: "act", input: { n: `${n}` } } : undefined,
          })),
          prepare: ({ realtime }) => realtime.replyMs = replyMs,
          agent: { tools: [act] },
        });
        await using _ = fixture;
        const { agent, clock, realtime } = fixture;
        for (const one of steps) {
          if (one === "ask") agent.generateReply("And?").catch(() => {});
          else if (one === "say") agent.say("By the way.").catch(() => {});
          else if (one === "interrupt") agent.interrupt();
          else if (one === "lose") realtime.sessions.at(-1)!.lose();
          else if (one === "speak") fixture.utter(600, 1200);
          else if (typeof one === "object") await clock.advance(one.waitMs);
        }
        // In the middle of it, and when all is over.
        realtime.sessions.at(-1)!.lose();
        await clock.advance(30_000);
        realtime.sessions.at(-1)!.lose();
        await clock.advance(30_000);
        for (const { options } of realtime.sessions) {
          assertEquals(isValid(options.history), true, JSON.stringify(options.history));
        }
        const outcomes = fixture.events(ToolCalledEvent).map(({ call }) => call.id);
        assertEquals([outcomes.length, new Set(outcomes).size], [acts, acts]);
        const told = JSON.stringify(realtime.sessions.at(-1)!.options.history);
        const untold = Array.from({ length: acts }, (_, n) => n % 4 === 3 ? "" : `act ${n}`)
          .filter((text) => !told.includes(text));
        assertEquals(untold, [], told);
      },
    ),
    { seed: 16, numRuns: 25 },
  );
});
