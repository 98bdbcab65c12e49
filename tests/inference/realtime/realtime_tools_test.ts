/** Tools of realtime models, whatever happens to replies and sessions meanwhile. */
import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import type { ChatMessage } from "../../../src/inference/contracts/messages.ts";
import { ToolCalledEvent } from "../../../src/inference/contracts/events.ts";
import { defineTool } from "../../../src/inference/contracts/tool.ts";
import { FakeRealtimeLLM } from "../../../src/testing/fake_realtime_llm.ts";
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

/** A session that takes 800 ms to connect, and may not be had: what happens while a tool runs. */
const changes = {
  "a session that ends": ({ realtime }: Fixture) => realtime.sessions[0]!.expire(60_000),
  "a handoff that fails": ({ agent, clock }: Fixture) =>
    agent.handoff({ name: "Next", instructions: "", llm: refusing(clock) }).catch(() => {}),
  "an update that fails": ({ agent, clock }: Fixture) =>
    agent.update({ llm: refusing(clock) }).catch(() => {}),
};

function refusing(clock: Fixture["clock"]): FakeRealtimeLLM {
  const llm = new FakeRealtimeLLM(clock, []);
  llm.connect = async ({ signal }) => {
    await sleep(800, { clock, signal });
    throw new Error("401");
  };
  return llm;
}

for (const [what, happen] of Object.entries(changes)) {
  for (const via of ["a turn", "generateReply()", "text()"] as const) {
    Deno.test(`a tool of ${via} is told once by the reply that waits for it: ${what}`, async () => {
      await using fixture = await slowlyConnected({ toolMs: 1000 });
      const { clock, agent, realtime } = fixture;
      if (via === "a turn") fixture.utter(600, 900);
      else if (via === "text()") agent.text("Book.").catch(() => {});
      else agent.generateReply("Book.").catch(() => {});
      await clock.advance(via === "a turn" ? 1300 : 300);
      happen(fixture);
      await clock.advance(20_000);
      assertEquals(fixture.conversation.slice(-2), ["agent: act({}): done", "agent: It is: done"]);
      const told = realtime.sessions.flatMap(({ toolResults, texts }) => [
        ...toolResults.map(({ text }) => text),
        ...texts.filter((text) => text.includes("done")),
      ]);
      assertEquals(told, ["done"]);
    });
  }

  Deno.test(`a tool that refuses interruption does so to its end: ${what}`, async () => {
    await using fixture = await slowlyConnected({ toolMs: 4000 });
    const { clock, realtime } = fixture;
    fixture.utter(600, 900);
    await clock.advance(1300);
    const { heardSoundMs } = realtime.sessions[0]!;
    happen(fixture);
    await clock.advance(1500);
    fixture.utter(600, 900);
    await clock.advance(1500);
    assertEquals(realtime.sessions.map((one) => one.heardSoundMs), [heardSoundMs]);
  });
}

Deno.test("a tool that ends while a session takes a lost one's place is told in it once", async () => {
  for (const toolMs of [400, 600, 800, 1000, 1200, 1500]) {
    await using fixture = await slowlyConnected({ toolMs });
    const { clock, realtime } = fixture;
    fixture.utter(600, 900);
    await clock.advance(1300);
    realtime.sessions[0]!.lose();
    await clock.advance(20_000);
    const { options: { history }, texts, toolResults } = realtime.sessions[1]!;
    const told = [...history, ...toolResults].map(({ text }) => text).concat(texts)
      .filter((text) => text.includes("done"));
    assertEquals(told.length, 1, `${toolMs} ms: ${JSON.stringify(told)}`);
    assertEquals(fixture.conversation.filter((text) => text.startsWith("agent: ")).length, 2);
  }
});

async function slowlyConnected({ toolMs }: { toolMs: number }): Promise<Fixture> {
  let delayMs = 0;
  const fixture: Fixture = await Fixture.set({
    realtime: [
      { heard: "Book.", reply: "It is:", call: { name: "act", input: {} } },
      { heard: "And?", reply: "More." },
      { reply: "Even more." },
    ],
    prepare: ({ realtime, clock }) => {
      const connect = realtime.connect.bind(realtime);
      realtime.connect = async (options) => {
        await sleep(delayMs, { clock, signal: options.signal });
        return await connect(options);
      };
    },
    agent: {
      tools: [defineTool({
        name: "act",
        description: "",
        onInterruption: "refuse",
        execute: async () => {
          await sleep(toolMs, { clock: fixture.clock });
          return "done";
        },
      })],
    },
  });
  delayMs = 800;
  return fixture;
}

for (const what of ["arguments that are not JSON", "calls and no words"]) {
  Deno.test(`a realtime model that goes on sending ${what} is not asked for ever`, async () => {
    const fault = what.includes("JSON") ? "the arguments are not JSON" : undefined;
    let acts = 0;
    const act = defineTool({ name: "act", description: "", execute: () => `act ${++acts}` });
    await using fixture = await Fixture.set({ realtime: [], agent: { tools: [act] } });
    const { agent, clock, realtime } = fixture;
    const session = realtime.sessions[0]!;
    let asked = 0;
    session.requestReply = ({ id }) => {
      const replyId = `reply-${++asked}`;
      session.emit({ type: "reply-started", replyId, requestId: id });
      const call = { id: `call-${asked}`, name: "act", input: {} };
      // It replies to the second question after seven calls.
      if (asked < 17) session.emit({ type: "tool-call", replyId, call, fault });
      else session.emit({ type: "text", replyId, text: "Done." });
      session.emit({ type: "reply-ended", replyId });
    };
    const failing = agent.generateReply("Act.").then(() => "replied", ({ code }) => code);
    await clock.advance(60_000);
    assertEquals([await failing, asked], ["tool-loop", 9]);
    // Each of its calls has an output all the same.
    assertEquals(session.toolResults.length, 9);
    const { text } = await clock.until(agent.text("And now?"));
    assertEquals([text, asked, acts], ["Done.", 17, fault ? 0 : 16]);
    assertEquals(fixture.errors.map(({ error }) => (error as { code?: string }).code), [
      "tool-loop",
    ]);
  });
}
