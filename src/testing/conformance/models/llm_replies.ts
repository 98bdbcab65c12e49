/** What a language model replies: text, calls, the reason for its end. @module */
import type { LLMPart } from "../../../inference/contracts/llm.ts";
import type { ChatMessage, ToolCall } from "../../../inference/contracts/messages.ts";
import { expect, expectSame } from "../fixture.ts";
import { type LLMContract, request, textOf, texts } from "./llm_fixture.ts";
import { collect } from "./model_test.ts";

const tools = ["look", "book"].map((name) => ({
  name,
  description: `A tool to ${name}`,
  parameters: { type: "object" as const, properties: { where: { type: "string" as const } } },
}));

const calls: LLMPart[] = [
  { type: "tool-call", call: { id: "one", name: "look", input: { where: "there" } } },
  { type: "tool-call", call: { id: "two", name: "book", input: {} } },
];

/** Long, and with characters of one to four bytes, and several code points. */
const UNICODE = "Café, \u65E5\u672C\u8A9E, \u0928\u092E\u0938\u094D\u0924\u0947, " +
  "\u{1F44B}\u{1F3FD} and \u{1F468}\u200D\u{1F469}\u200D\u{1F467}.";

function callsOf(parts: readonly LLMPart[]): ToolCall[] {
  return parts.flatMap((part) => part.type === "tool-call" ? part.call : []);
}

/** Replies. */
export const llmReplies: LLMContract = {
  "text comes as it is generated, in order": {
    test: async (fixture) => {
      const parts = texts("One ", "two ", "three.");
      const llm = await fixture.create({ parts, gapMs: 100 });
      const times: number[] = [];
      const reading = (async () => {
        let text = "";
        for await (const part of llm.generate(request())) {
          if (part.type !== "text" || part.text === "") continue;
          text += part.text;
          times.push(fixture.now());
        }
        return text;
      })();
      expectSame(await fixture.time.until(reading, "the reply"), "One two three.", "the text");
      expect(times.length >= 3, `expected 3 parts or more, got ${times.length}`);
      const tookMs = times.at(-1)! - times[0]!;
      expect(tookMs >= 100, `the first part came with the last one: ${tookMs} ms before it`);
    },
  },

  "a reply that is slow to begin comes": {
    test: async (fixture) => {
      const llm = await fixture.create({ parts: texts("Late."), beforeMs: 400 });
      const { items, error } = await fixture.reply(llm);
      expectSame([textOf(items), error], ["Late.", undefined], "the reply");
    },
  },

  "text is whole when each byte comes alone": {
    test: async (fixture) => {
      const llm = await fixture.create({ parts: texts(UNICODE), byByte: true });
      const { items, error } = await fixture.reply(llm);
      expectSame([textOf(items), error], [UNICODE, undefined], "the reply");
    },
  },

  "an empty reply is a reply": {
    test: async (fixture) => {
      const llm = await fixture.create({});
      const { items, error } = await fixture.reply(llm);
      expectSame([textOf(items), error], ["", undefined], "the reply");
    },
  },

  "a very long reply to a very long conversation is whole": {
    test: async (fixture) => {
      const word = "0123456789 ";
      const long = word.repeat(20_000);
      const llm = await fixture.create({ parts: texts(...Array(20).fill(word.repeat(1000))) });
      const messages: ChatMessage[] = [{ role: "system", text: "Be brief." }];
      for (let n = 0; n < 300; n++) {
        messages.push({ role: "user", text: `${n}` }, { role: "assistant", text: `${n}.` });
      }
      messages.push({ role: "user", text: long });
      const { items, error } = await fixture.reply(llm, { messages });
      expectSame([textOf(items).length, error], [long.length, undefined], "the reply");
    },
  },

  "an empty request is replied to, or refused by an error": {
    test: async (fixture) => {
      for (const messages of [[], [{ role: "user" as const, text: "" }]]) {
        const llm = await fixture.create({ parts: texts("Yes?") });
        const { items, error } = await fixture.reply(llm, { messages });
        expect(
          error instanceof Error || textOf(items) === "Yes?",
          `expected a reply or an error, got ${JSON.stringify(items)} and ${error}`,
        );
      }
    },
  },

  "calls of tools come whole, each with an id of its own": {
    part: "tools",
    test: async (fixture) => {
      const llm = await fixture.create({ parts: [...texts("One moment."), ...calls] });
      const { items, error } = await fixture.reply(llm, { tools });
      expectSame([textOf(items), error], ["One moment.", undefined], "the reply");
      const got = callsOf(items);
      expectSame(
        got.map(({ name, input, inputError }) => ({ name, input, inputError })),
        [{ name: "look", input: { where: "there" } }, { name: "book", input: {} }],
        "the calls",
      );
      expect(new Set(got.map(({ id }) => id)).size === 2, "each call has an id of its own");
      expect(got.every(({ id }) => typeof id === "string" && id !== ""), "no id is empty");
    },
  },

  "a reply of calls only has no text, and each byte may come alone": {
    part: "tools",
    test: async (fixture) => {
      const llm = await fixture.create({ parts: calls, byByte: true });
      const { items, error } = await fixture.reply(llm, { tools });
      expectSame([textOf(items), error], ["", undefined], "the reply");
      expectSame(callsOf(items).map(({ name }) => name), ["look", "book"], "the calls");
    },
  },

  "the results of tools are taken, those of failed ones too": {
    part: "tools",
    test: async (fixture) => {
      const llm = await fixture.create({ parts: calls }, { parts: texts("It is there.") });
      const { items } = await fixture.reply(llm, { tools });
      const toolCalls = callsOf(items);
      const messages: ChatMessage[] = [
        { role: "user", text: "Where?" },
        { role: "assistant", text: "One moment.", toolCalls },
        ...toolCalls.map(({ id, name }, index) => ({
          role: "tool" as const,
          callId: id,
          name,
          text: index === 0 ? "there" : "error: it is full",
          isError: index > 0,
        })),
      ];
      const { items: next, error } = await fixture.reply(llm, { tools, messages });
      expectSame([textOf(next), error], ["It is there.", undefined], "the next reply");
    },
  },

  "a reply that reached its limit, or was withheld, ends with the reason": {
    part: "finish",
    test: async (fixture) => {
      for (const reason of ["length", "content-filter"] as const) {
        const llm = await fixture.create({ parts: [{ type: "finish", reason }] });
        const { items, error } = await fixture.reply(llm);
        const finish = items.at(-1);
        expectSame(error, undefined, "the error");
        expectSame(finish?.type === "finish" && finish.reason, reason, "the last part's reason");
      }
    },
  },

  "two replies at the same time are not mixed": {
    test: async (fixture) => {
      const llm = await fixture.create(
        { parts: texts("One ", "one."), gapMs: 50 },
        { parts: texts("Two ", "two."), gapMs: 50 },
      );
      const both = Promise.all([1, 2].map(() => collect(llm.generate(request()))));
      const got = (await fixture.time.until(both, "both replies")).map(({ items }) =>
        textOf(items)
      );
      expectSame(got.sort(), ["One one.", "Two two."], "the replies");
    },
  },
};
