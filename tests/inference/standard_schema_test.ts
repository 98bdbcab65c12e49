/** Tools that are described with the schemas of libraries. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { StandardJSONSchemaV1, StandardSchemaV1 } from "npm:@standard-schema/spec@1.1.0";
import { toStandardJsonSchema } from "npm:@valibot/to-json-schema@1.8.0";
import { type } from "npm:arktype@2.2.9";
import { z } from "npm:zod@4.6.7";
import * as v from "valibot";
import type { StandardSchema } from "../../src/inference/contracts/standard_schema.ts";
import { defineTool, type Tool } from "../../src/inference/contracts/tool.ts";
import { ToolExecutor } from "../../src/inference/reply/tool_executor.ts";

const common = { name: "weather", description: "The weather of a town" };

/** The same tool by each library. Typed by its schema: these lines do not compile when it is not. */
const tools: Record<string, Tool> = {
  zod: defineTool({
    ...common,
    parameters: z.object({ town: z.string().min(2), days: z.number().int().max(7).default(1) }),
    execute: ({ town, days }) => `${town.toUpperCase()} ${days.toFixed(1)}`,
  }),
  valibot: defineTool({
    ...common,
    parameters: toStandardJsonSchema(v.object({
      town: v.pipe(v.string(), v.minLength(2)),
      days: v.optional(v.pipe(v.number(), v.integer(), v.maxValue(7)), 1),
    })),
    execute: ({ town, days }) => `${town.toUpperCase()} ${days.toFixed(1)}`,
  }),
  arktype: defineTool({
    ...common,
    parameters: type({ town: "string >= 2", days: "number.integer <= 7 = 1" }),
    execute: ({ town, days }) => `${town.toUpperCase()} ${days.toFixed(1)}`,
  }),
};

/** What the specification's own types accept, tools accept. */
function _accepts(
  schema: StandardSchemaV1<string, number> & StandardJSONSchemaV1<string, number>,
): StandardSchema<string, number> {
  return schema;
}

async function call(tool: Tool, input: unknown): Promise<string> {
  const executor = new ToolExecutor([tool]);
  const options = { signal: new AbortController().signal, participant: undefined };
  const { text } = await executor.call(
    { id: "1", name: tool.name, input: input as never },
    options,
  );
  return text;
}

for (const [library, tool] of Object.entries(tools)) {
  Deno.test(`defineTool takes a schema of ${library}`, async () => {
    const { type, properties, required } = tool.parameters;
    assertEquals([type, required], ["object", ["town"]]);
    assertEquals(Object.keys(properties!).sort(), ["days", "town"]);
    assertEquals(await call(tool, { town: "Bonn" }), "BONN 1.0");
    assertEquals(await call(tool, { town: "Bonn", days: 3 }), "BONN 3.0");
    const wrong = await call(tool, { town: "B", days: 1.5 });
    assertStringIncludes(wrong, "error: the arguments do not fit: ");
    assertStringIncludes(wrong, "town");
    assertStringIncludes(wrong, "days");
  });
}

Deno.test("a schema that checks asynchronously counts towards the tool's time", async () => {
  const tool = defineTool({
    ...common,
    timeoutMs: 1,
    parameters: z.object({ town: z.string().refine(() => new Promise<boolean>(() => {})) }),
    execute: ({ town }) => town,
  });
  assertStringIncludes(
    await call(tool, { town: "Bonn" }),
    "the tool weather did not happen within 1 ms",
  );
});

Deno.test("a schema of a library that overflows is a tool error", async () => {
  interface Nested {
    inside?: Nested | undefined;
  }
  const nested: z.ZodType<Nested> = z.object({
    get inside() {
      return nested.optional();
    },
  });
  const tool = defineTool({ ...common, parameters: nested, execute: () => "never" });
  let deep: Nested = {};
  for (let depth = 0; depth < 50_000; depth++) deep = { inside: deep };
  assertStringIncludes(await call(tool, deep), "error: ");
});

Deno.test("defineTool says what to do about a schema that does not say its JSON Schema", () => {
  assertThrows(
    () => defineTool({ ...common, parameters: v.object({}), execute: () => "" }),
    TypeError,
    "the parameters of weather: this schema of valibot does not say its JSON Schema, which models " +
      "need: pass toStandardJsonSchema(schema), of @valibot/to-json-schema",
  );
  assertThrows(
    () => defineTool({ ...common, parameters: z.object({ at: z.bigint() }), execute: () => "" }),
    TypeError,
    "the parameters of weather: the schema cannot be said as JSON Schema: ",
  );
});

Deno.test("defineTool says what is malformed about a schema of a library", () => {
  const json = { type: "object", properties: {} };
  const standard = (parts: object) => ({
    "~standard": {
      version: 1,
      vendor: "ours",
      validate: (value: unknown) => ({ value }),
      jsonSchema: { input: () => json },
      ...parts,
    },
  });
  const define = (parameters: unknown) =>
    defineTool({ ...common, parameters: parameters as never, execute: () => "" });
  assertEquals(define(standard({})).parameters as unknown, json);
  for (
    const [schema, what] of [
      [{ "~standard": null }, "what Standard Schema describes, got null"],
      [{ "~standard": "zod" }, 'got "zod"'],
      [{ "~standard": {} }, "without a method validate"],
      [standard({ validate: "it" }), 'whose validate is "it"'],
      [standard({ version: 2 }), "expected 1, got 2"],
      [standard({ vendor: 5, jsonSchema: {} }), "a library without a name"],
      [standard({ jsonSchema: { input: () => undefined } }), "return a JSON schema, got undefined"],
      [standard({ jsonSchema: { input: () => "{}" } }), 'got "{}"'],
      [standard({ jsonSchema: { input: () => Promise.resolve(json) } }), "a promise of its JSON"],
      [null, "expected a JSON schema or one of a library, got null"],
      [{
        get "~standard"() {
          throw new Error("on purpose");
        },
      }, "on purpose"],
    ] as const
  ) {
    const error = assertThrows(() => define(schema), TypeError, "the parameters of weather: ");
    assertStringIncludes(error.message, what);
  }
});

Deno.test("ToolExecutor says what is malformed about the result of a library's check", async () => {
  for (
    const [result, what] of [
      [undefined, "to return { value } or { issues }, got undefined"],
      [{ issues: "all" }, 'do not fit: "all"'],
      [{ issues: [null, { path: "a" }] }, "do not fit: null; an object"],
    ] as const
  ) {
    const tool = defineTool({
      ...common,
      parameters: {
        "~standard": {
          version: 1,
          vendor: "ours",
          validate: () => result as never,
          jsonSchema: { input: () => ({ type: "object" }) },
        },
      } as StandardSchema,
      execute: () => "never",
    });
    assertStringIncludes(await call(tool, {}), what);
  }
});
