/** Tools that a model calls. */
// cspell:ignore wether (a model's mistake)
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { ChatMessage } from "../../src/inference/contracts/messages.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { sleep } from "../../src/events/waiting.ts";
import { ToolCalledEvent } from "../../src/inference/contracts/events.ts";
import { argumentCheck } from "../../src/inference/schema/argument_check.ts";
import { defineTool, type Tool } from "../../src/inference/contracts/tool.ts";
import { ToolExecutor } from "../../src/inference/reply/tool_executor.ts";
import { UNKNOWN_OUTCOME } from "../../src/inference/reply/tool_run.ts";
import { Fixture } from "./_fixture.ts";

const weather = defineTool({
  name: "weather",
  description: "The weather of a town",
  parameters: {
    type: "object",
    properties: {
      town: { type: "string" },
      unit: { enum: ["C", "F"] },
      days: { type: "array", items: { type: "integer" } },
    },
    required: ["town"],
  },
  // Typed by the schema: this line does not compile when it is not.
  execute: ({ town, unit = "C", days = [0] }) =>
    `${town.toUpperCase()}: 20 ${unit} x${days.length}`,
});

function toolMessages(messages: readonly ChatMessage[]): string[] {
  return messages.flatMap((one) =>
    one.role === "tool" ? [`${one.name} ${one.isError ? "failed" : "gave"}: ${one.text}`] : []
  );
}

async function call(tools: Tool[], name: string, input: unknown): Promise<[Fixture, string[]]> {
  const fixture = await Fixture.set({
    replies: [{ calls: [{ name, input: input as never }] }, "So it is."],
    agent: { tools },
  });
  await fixture.clock.until(fixture.agent.generateReply("Do it."));
  return [fixture, toolMessages(fixture.llm.requests.at(-1)!.messages)];
}

Deno.test("a tool is called with checked arguments and its result told to the model", async () => {
  await using fixture = await Fixture.set({
    replies: [
      { text: "Let me see.", calls: [{ name: "weather", input: { town: "Bonn", unit: "F" } }] },
      "It is 20 degrees.",
    ],
    agent: { tools: [weather] },
  });
  const outcome = await fixture.clock.until(
    fixture.agent.generateReply("How is the weather in Bonn?"),
  );
  assertEquals(outcome.text, "Let me see.\nIt is 20 degrees.");
  assertEquals(fixture.llm.requests[0]?.tools.map(({ name }) => name), ["weather"]);
  assertEquals(fixture.llm.requests[1]?.messages.slice(1), [
    {
      role: "assistant",
      text: "Let me see.\n",
      toolCalls: [{ id: "call-1", name: "weather", input: { town: "Bonn", unit: "F" } }],
    },
    { role: "tool", callId: "call-1", name: "weather", text: "BONN: 20 F x1", isError: false },
  ]);
  assertEquals(fixture.events(ToolCalledEvent).length, 1);
  await fixture.clock.until(fixture.agent.generateReply("Thanks."));
  assertEquals(fixture.told.slice(-3), [
    "tool: BONN: 20 F x1",
    "assistant: It is 20 degrees.",
    "user: Thanks.",
  ]);
});

Deno.test("what is said before a tool is called is said while it runs", async () => {
  const slow = defineTool({
    name: "slow",
    description: "",
    execute: async (_, { signal }) => {
      await sleep(3000, { clock: fixture.clock, signal });
      saidMs = fixture.ann.heardMs;
    },
  });
  let saidMs = 0;
  const fixture = await Fixture.set({
    replies: [{ text: "One moment.", calls: [{ name: "slow", input: {} }] }, "Here."],
    agent: { tools: [slow] },
  });
  await using _fixture = fixture;
  await fixture.clock.until(fixture.agent.generateReply("Go."));
  assert(saidMs >= 540, `${saidMs} ms`);
});

Deno.test("arguments that do not fit, unknown tools and failures are told to the model", async () => {
  const broken = defineTool({
    name: "broken",
    description: "",
    execute: () => {
      throw new Error("out of order");
    },
  });
  for (
    const [name, input, expected] of [
      [
        "weather",
        { town: 5 },
        "weather failed: error: the arguments do not fit: arguments.town: " +
        "expected string, got 5",
      ],
      [
        "weather",
        {},
        "weather failed: error: the arguments do not fit: arguments.town: " +
        "expected a value, got none",
      ],
      ["wether", {}, 'wether failed: error: there is no tool "wether"; there are: weather, broken'],
      ["broken", {}, "broken failed: error: out of order"],
    ] as const
  ) {
    const [fixture, told] = await call([weather, broken], name, input);
    assertEquals(told, [expected]);
    assertEquals(fixture.errors, []);
    await fixture[Symbol.asyncDispose]();
  }
});

Deno.test("a tool that takes too long is aborted, and the model told so", async () => {
  let aborted = false;
  const endless = defineTool({
    name: "endless",
    description: "",
    timeoutMs: 500,
    execute: (_, { signal }) => {
      signal.addEventListener("abort", () => aborted = true);
      return new Promise(() => {});
    },
  });
  const [fixture, told] = await call([endless], "endless", {});
  assertEquals(told, ["endless failed: error: the tool endless did not happen within 500 ms"]);
  assert(aborted);
  await fixture[Symbol.asyncDispose]();
});

Deno.test("an interruption aborts a tool that declares it, and the model is told", async () => {
  let aborted = false;
  const endless = defineTool({
    name: "endless",
    description: "",
    onInterruption: "abort",
    execute: (_, { signal }) => {
      signal.addEventListener("abort", () => aborted = true);
      return new Promise(() => {});
    },
  });
  await using fixture = await Fixture.set({
    transcripts: ["Never mind that."],
    replies: [{ text: "One moment.", calls: [{ name: "endless", input: {} }] }, "Very well."],
    agent: { tools: [endless] },
  });
  fixture.agent.generateReply("Go.");
  await fixture.clock.advance(1000);
  await fixture.hear(900, 2000);
  assert(aborted);
  assertEquals(fixture.llm.requests.at(-1)?.messages, [
    { role: "user", text: "Go." },
    {
      role: "assistant",
      text: "One moment.\n",
      toolCalls: [{ id: "call-1", name: "endless", input: {} }],
    },
    { role: "tool", callId: "call-1", name: "endless", ...UNKNOWN_OUTCOME },
    { role: "user", text: "Never mind that.", name: "Ann" },
  ]);
});

Deno.test("a model that calls tools for ever is stopped", async () => {
  await using fixture = await Fixture.set({
    replies: [
      (request) =>
        request.tools.length > 0
          ? { calls: [{ name: "weather", input: { town: "X" } }] }
          : "Enough.",
    ],
    agent: { tools: [weather] },
  });
  const outcome = await fixture.clock.until(fixture.agent.generateReply("Go."));
  assertEquals(outcome.text, "Enough.");
  assertEquals(fixture.llm.requests.length, 8);
});

Deno.test("an agent's logger is told what of a tool's schema is not checked", async () => {
  const lines: string[] = [];
  const logger = { ...silentLogger, warn: (line: string) => void lines.push(line) };
  const lax = defineTool({
    name: "lax",
    description: "",
    parameters: { type: "object", properties: { place: { $ref: "#/gone" } } },
    execute: () => "called",
  });
  await using _fixture = await Fixture.set({ agent: { tools: [weather, lax], logger } });
  assertEquals(lines, [
    'the tool lax: its arguments are not checked against $ref "#/gone", where there is nothing',
  ]);
});

Deno.test("a tool's name must be one that models take, and be the only one of that name", () => {
  assertThrows(() => defineTool({ name: "two words", description: "", execute() {} }), TypeError);
  assertThrows(() => new ToolExecutor([weather, weather]), TypeError, "two tools");
  const wrong = { name: "book", description: "", onInterruption: "stop" as never, execute() {} };
  assertThrows(
    () => defineTool(wrong),
    TypeError,
    'onInterruption of the tool book: expected finish or abort or refuse, got "stop"',
  );
});

Deno.test("a schema says where a value does not fit", () => {
  const wrongWith = argumentCheck(weather.parameters);
  assertEquals(wrongWith({ town: "Bonn", days: [1, 2] }), undefined);
  assertEquals(
    wrongWith({ town: "Bonn", days: [1, 2.5] }),
    "arguments.days[1]: expected integer, got 2.5",
  );
  assertEquals(
    wrongWith({ town: "Bonn", unit: "K" }),
    'arguments.unit: expected one of ["C","F"], got "K"',
  );
  assertEquals(wrongWith([]), "arguments: expected object, got []");
});
