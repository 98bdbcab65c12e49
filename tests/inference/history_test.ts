/** What a model is told of a conversation: what is kept of a long one, and what is added to a turn. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Conversation } from "../../src/edge/conversation.ts";
import type { ChatMessage } from "../../src/inference/contracts/messages.ts";
import type { LLM } from "../../src/inference/contracts/llm.ts";
import { FallbackLLM } from "../../src/inference/fallback/fallback_llm.ts";
import { ChatHistory } from "../../src/inference/history/chat_history.ts";
import { ToolRun } from "../../src/inference/reply/tool_run.ts";
import type { CompletedUserTurn } from "../../src/inference/reply/turn_completion.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { sleep } from "../../src/events/waiting.ts";
import { assertAccepted } from "./reply/_vendor_rules.ts";
import { Fixture } from "./_fixture.ts";

function texts(messages: readonly ChatMessage[]): string[] {
  return messages.map(({ text }) => text);
}

Deno.test("a history that is full keeps the first messages and the latest", () => {
  const history = new ChatHistory({ limit: 5 });
  for (const text of ["a", "b", "c", "d", "e", "f", "g"]) history.append({ role: "user", text });
  assertEquals(texts(history.messages), ["a", "b", "e", "f", "g"]);
  const short = new ChatHistory({ limit: 2 });
  for (const text of ["a", "b", "c"]) short.append({ role: "user", text });
  assertEquals(texts(short.messages), ["b", "c"]);
});

/** A step of a conversation: a message, or a number of parallel calls; some end later. */
const step = fc.oneof(
  fc.constant({ calls: 0, endsAfter: 0 }),
  fc.record({ calls: fc.integer({ min: 1, max: 4 }), endsAfter: fc.integer({ min: 0, max: 6 }) }),
);

Deno.test("a history of any length is one that the services accept, and no outcome is lost", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 25 }),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom("none", "immediately", "later"),
      async (steps, limit, summaries) => {
        const given: string[] = [];
        const waiting: (() => void)[] = [];
        const history: ChatHistory = new ChatHistory({
          limit,
          summarise: summaries === "none" ? undefined : async (messages) => {
            given.push(...texts(messages));
            if (summaries === "later") await new Promise<void>((resolve) => waiting.push(resolve));
            return "in short";
          },
        });
        const running: { run: ToolRun; at: number }[] = [];
        const outcomes: string[] = [];
        let toldOutcomes = 0;
        let count = 0;
        for (
          const [at, { calls, endsAfter }] of [...steps.entries(), [99, step] as const] as [
            number,
            { calls: number; endsAfter: number },
          ][]
        ) {
          for (const one of running.filter((one) => one.at <= at)) {
            running.splice(running.indexOf(one), 1);
            const text = `<outcome ${one.run.call.id}>`;
            outcomes.push(text);
            one.run.end({ text, isError: false });
          }
          if (at === 99) break;
          const runs = Array.from({ length: calls }, () => {
            const id = `c${++count}`;
            const run = new ToolRun({ id, name: "t", input: {} }, undefined, undefined);
            running.push({ run, at: at + endsAfter });
            return run;
          });
          if (calls > 0) history.appendCalls({ role: "assistant", text: "" }, runs);
          else history.append({ role: "user", text: `said ${at}` });
          if (at % 2 === 0) {
            const well = { role: "user", text: "Well?" } as const;
            await assertAccepted({ messages: [...history.messages, well] });
          }
          // What no model has seen is not given up.
          const untold = outcomes.length - toldOutcomes;
          if (at % 3 === 0) {
            history.markTold();
            history.markOutcomesTold();
            toldOutcomes = outcomes.length;
          }
          if (at % 4 === 3) waiting.splice(0).forEach((resolve) => resolve());
          await Promise.resolve();
          const largest = Math.max(1, ...steps.map(({ calls }) => calls + 1));
          if (summaries === "none") {
            assert(history.messages.length <= Math.max(limit, largest + 2) + untold);
          }
        }
        if (summaries === "none") return;
        do {
          waiting.splice(0).forEach((resolve) => resolve());
          await new Promise((resolve) => setTimeout(resolve, 0));
        } while (waiting.length > 0);
        const known = [...given, ...texts(history.messages)];
        for (const outcome of outcomes) {
          assertEquals(known.filter((text) => text.includes(outcome)).length, 1, outcome);
        }
      },
    ),
    { numRuns: 25, seed: 4 },
  );
});

Deno.test("the summary of the application takes the place of what is given up", async () => {
  const asked: string[][] = [];
  await using fixture = await Fixture.set({
    replies: ["One.", "Two.", "Three.", "Four."],
    agent: {
      turnHandling: {
        historyLimit: 6,
        onHistoryFull: async (messages) => {
          asked.push(texts(messages));
          await sleep(3000, { clock: fixture.clock });
          return "They counted.";
        },
      },
    },
  });
  for (const text of ["a", "b", "c", "d"]) {
    await fixture.clock.until(fixture.agent.generateReply(text));
  }
  assertEquals(asked, [["One.", "b", "Two.", "c"]]);
  assertEquals(fixture.told.length, 7);
  await fixture.clock.advance(3000);
  await fixture.clock.until(fixture.agent.generateReply("e"));
  assertEquals(fixture.told, [
    "user: a",
    "user: [summary of the conversation so far] They counted.",
    "assistant: Three.",
    "user: d",
    "assistant: Four.",
    "user: e",
  ]);
});

Deno.test("an outcome that no model has seen outlives its call in a small history", async () => {
  for (const limit of [2, 4, 6]) {
    const history = new ChatHistory({ limit });
    const call = { id: "call-1", name: "order", input: {} };
    const run = new ToolRun(call, undefined, undefined);
    history.append({ role: "user", text: "Order." });
    history.appendCalls({ role: "assistant", text: "" }, [run]);
    run.abandon();
    run.end({ text: "It is ordered.", isError: false });
    const known = () => texts(history.messages).filter((text) => text.includes("It is ordered."));
    for (let at = 0; at < 20; at++) {
      history.append({ role: "user", text: "More." });
      assertEquals(known().length, 1, `${limit}`);
      await assertAccepted({ messages: [...history.messages] });
    }
    assertEquals(known(), ["[the outcome of order, call-1] It is ordered."]);
    history.markAllTold();
    for (let at = 0; at < 20; at++) history.append({ role: "user", text: "More." });
    assert(history.messages.length <= limit);
  }
});

Deno.test("a small history gives up the tools of a transcript as it does what was said", () => {
  const messages = Array.from({ length: 9 }, (_, at) => ({
    role: "tool",
    text: "",
    userId: "agent",
    toolCall: { id: `call-${at}`, name: "order", input: {}, result: `effect ${at}.` },
  }));
  const history = new ChatHistory({ limit: 4 });
  history.appendConversation({ messages } as unknown as Conversation, { named: true });
  assertEquals(history.messages.length, 4);
  assertEquals(texts(history.messages).at(-1), "effect 8.");
});

for (const how of ["given up", "summarised"] as const) {
  Deno.test(`an outcome that no model has seen is not ${how} in a small history`, async () => {
    for (const limit of [2, 4, 6]) {
      const summarised: ChatMessage[] = [];
      const summarise = (messages: readonly ChatMessage[]) => {
        summarised.push(...messages);
        return Promise.resolve("They ordered.");
      };
      const history = new ChatHistory({ limit, ...how === "summarised" ? { summarise } : {} });
      const runs = [1, 2, 3, 4, 5, 6].map((nth) => {
        const call = { id: `call-${nth}`, name: "order", input: {} };
        return new ToolRun(call, undefined, undefined);
      });
      history.append({ role: "user", text: "Order." });
      history.appendCalls({ role: "assistant", text: "" }, runs);
      for (const run of runs) run.abandon();
      history.markTold(runs);
      history.append({ role: "assistant", text: "They are on their way." });
      // A summary takes a few steps.
      const pass = () => new Promise((resolve) => setTimeout(resolve, 0));
      await pass();
      for (const [at, run] of runs.entries()) run.end({ text: `effect ${at}.`, isError: false });
      await pass();
      history.append({ role: "user", text: "Well?" });
      await pass();
      const told = texts(history.messages);
      for (const at of runs.keys()) {
        assertEquals(told.filter((one) => one.includes(`effect ${at}.`)).length, 1, `${limit}`);
      }
      assert(!summarised.some(({ text }) => text.includes("effect")));
      history.markAllTold();
      for (let at = 0; at < 20; at++) {
        history.append({ role: "user", text: "More." });
        await pass();
      }
      assert(history.messages.length <= limit, "what was told is given up");
    }
  });
}

Deno.test("onUserTurnCompleted changes a turn, adds to it, drops it or keeps it from a reply", async () => {
  const turns: CompletedUserTurn[] = [];
  await using fixture = await Fixture.set({
    transcripts: ["Where is it?", "My number is 1234.", "Forget this.", "By the way.", "Well?"],
    agent: {
      turnHandling: {
        onUserTurnCompleted: (turn) => {
          turns.push(turn);
          if (turn.text === "Where is it?") {
            return Promise.resolve({ context: "It is on the shelf." });
          }
          if (turn.text === "My number is 1234.") return { text: "My number is ****." };
          if (turn.text === "Forget this.") return { drop: true };
          return turn.text === "By the way." ? { reply: false } : undefined;
        },
      },
    },
  });
  const requests: string[][] = [];
  for (let turn = 0; turn < 5; turn++) {
    const before = fixture.llm.requests.length;
    await fixture.hear(900, 3000);
    requests.push(fixture.llm.requests.length > before ? fixture.told : []);
  }
  assertEquals(turns.map(({ text, messages }) => [text, messages.length]).slice(0, 2), [
    ["Where is it?", 0],
    ["My number is 1234.", 2],
  ]);
  assertEquals(requests[0], ["user: It is on the shelf.", "user: Where is it?"]);
  assertEquals(requests[1]?.slice(-1), ["user: My number is ****."]);
  assertEquals(requests.slice(2, 4), [[], []]);
  assertEquals(requests[4], [
    "user: Where is it?",
    "assistant: All right.",
    "user: My number is ****.",
    "assistant: All right.",
    "user: By the way.",
    "user: Well?",
  ]);
  assert(fixture.conversation.includes("ann: Forget this."));
});

Deno.test("turns keep their order however long the application takes for each", async () => {
  await using fixture = await Fixture.set({
    people: ["ann", "bob"],
    transcripts: { ann: ["First."], bob: ["Second."] },
    agent: {
      turnHandling: {
        onUserTurnCompleted: async ({ text }) => {
          await sleep(text === "First." ? 2000 : 0, { clock: fixture.clock });
        },
      },
    },
  });
  const [ann, bob] = fixture.people;
  fixture.utter(600, 4000, ann);
  await fixture.clock.advance(1000);
  await fixture.hear(600, 4000, bob);
  assertEquals(fixture.told, ["user: Ann: First.", "user: Bob: Second."]);
});

Deno.test("a hook that takes too long does not keep the agent from replying", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Hello."],
    agent: { turnHandling: { onUserTurnCompleted: () => new Promise(() => {}) } },
  });
  await fixture.hear(600, 8000);
  assertEquals(fixture.conversation, ["ann: Hello.", "agent: All right."]);
  assertEquals(fixture.errors.map(({ context }) => context), [
    "turnHandling.onUserTurnCompleted; the turn goes on as it was said",
  ]);
});

Deno.test("what onUserTurnCompleted adds is told for the reply to its turn, and for no other", async () => {
  const outage = new InferenceError("down", { code: "failed", retryable: true });
  await using fixture = await Fixture.set({
    transcripts: ["By the way.", "And this?", "Well?"],
    replies: [{ error: outage }, "This.", "Well."],
    agent: {
      turnHandling: {
        onUserTurnCompleted: ({ text }) => ({
          context: `<on ${text}>`,
          reply: text !== "By the way.",
        }),
      },
    },
  });
  for (let turn = 0; turn < 3; turn++) await fixture.hear(900, 3000);
  const asked = fixture.llm.requests.map(({ messages }) =>
    texts(messages).filter((text) => text.startsWith("<"))
  );
  // The second one asks again what the first one has asked.
  assertEquals(asked, [["<on And this?>"], ["<on And this?>"], ["<on Well?>"]]);
});

Deno.test("what onUserTurnCompleted adds is not told after its turn was left without a reply", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Is it there?", "Hello?"],
    agent: { turnHandling: { onUserTurnCompleted: ({ text }) => ({ context: `<on ${text}>` }) } },
  });
  fixture.utter(900, 300);
  await fixture.clock.advance(1200);
  // The turn ends in an empty call.
  fixture.ann.leave();
  await fixture.clock.advance(3000);
  assertEquals(fixture.llm.requests.length, 0);
  const ann = fixture.edge.enter(fixture.call, { userId: "ann", name: "Ann", id: "ann-2" });
  await fixture.hear(900, 3000, ann);
  assertEquals(fixture.told.filter((text) => text.includes("<")), ["user: <on Hello?>"]);
});

Deno.test("a turn that onUserTurnCompleted leaves blank is dropped", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["My number is 1234.", "Hello?"],
    agent: {
      turnHandling: {
        onUserTurnCompleted: ({ text }) => text === "Hello?" ? {} : { text: " ", reply: true },
      },
    },
  });
  await fixture.hear(900, 3000);
  assertEquals(fixture.llm.requests.length, 0);
  await fixture.hear(900, 3000);
  assertEquals(fixture.told, ["user: Hello?"]);
});

Deno.test("what a model wants back with a text is kept with all of it, and not with a part", async () => {
  const requests: ChatMessage[][] = [];
  const llm: LLM = {
    name: "model",
    async *generate({ messages }) {
      requests.push([...messages]);
      yield { type: "text", text: "One two three four five six seven." };
      yield { type: "finish", reason: "stop", metadata: { signature: "s" } };
    },
  };
  await using fixture = await Fixture.set({ agent: { llm: new FallbackLLM([llm]) } });
  const { agent, clock } = fixture;
  await clock.until(agent.generateReply("Count."));
  const cut = agent.generateReply("Again.");
  await clock.advance(1000);
  await clock.until(agent.interrupt());
  await clock.until(cut);
  await clock.until(agent.generateReply("Well?"));
  const kept = requests.at(-1)!.flatMap((one) => one.role === "assistant" ? [one.metadata] : []);
  assertEquals(kept, [{ signature: "s" }, undefined]);
});
