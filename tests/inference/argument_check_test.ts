/** Arguments of a tool against its JSON schema. */
// cspell:ignore gests (a model's mistake)
/** The check of a tool's arguments, on schemas of other authors and on absurd ones. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as z from "npm:zod@4.6.7";
import { silentLogger } from "../../src/events/logger.ts";
import { argumentCheck } from "../../src/inference/schema/argument_check.ts";
import type { FromSchema, JsonSchema } from "../../src/inference/contracts/json_schema.ts";
import { defineTool, type Tool } from "../../src/inference/contracts/tool.ts";
import { ToolExecutor } from "../../src/inference/reply/tool_executor.ts";
import booking from "./schemas/booking.json" with { type: "json" };

const written = booking as unknown as Record<string, JsonSchema>;
const from = (generator: string): JsonSchema => {
  const [name] = Object.keys(written).filter((one) => one.startsWith(generator));
  return written[name!]!;
};
const check = (schema: unknown, value: unknown) => argumentCheck(schema as JsonSchema)(value);

async function call(tools: Tool[], input: unknown): Promise<string> {
  const { signal } = new AbortController();
  const request = { id: "1", name: tools[0]!.name, input: input as never };
  return (await new ToolExecutor(tools).call(request, { signal, participant: undefined })).text;
}

/** What the logger is told of a tool. */
function complaints(tool: Tool): string[] {
  const lines: string[] = [];
  const logger = { ...silentLogger, warn: (line: string) => void lines.push(line) };
  new ToolExecutor([tool], { logger });
  new ToolExecutor([tool], { logger }); // in the next call
  return lines;
}

/** A tool as another program offers it: its schema is not looked at before. */
const foreign = (parameters: unknown): Tool => ({
  name: "foreign",
  description: "",
  parameters: parameters as JsonSchema,
  timeoutMs: 1000,
  execute: () => "called",
});

const least = { title: "Tea", guests: 2 };

Deno.test("what Go's generators call optional may be left out, and null where they say so", () => {
  for (const generator of ["google", "invopop"]) {
    const fits = (value: object) => check(from(generator), value);
    const whole = { ...least, place: { name: "Bonn" }, tags: ["a"] };
    assertEquals(fits(whole), undefined);
    assertEquals(fits({ ...whole, note: "n", labels: { a: "b" }, anything: [1] }), undefined);
    assertEquals(
      fits({ ...whole, guests: "two" }),
      'arguments.guests: expected integer, got "two"',
    );
    assertEquals(fits(least)?.split("; "), [
      "arguments.place: expected a value, got none",
      "arguments.tags: expected a value, got none",
    ]);
    assertMatch(
      fits({ ...whole, gests: 3 })!,
      /^arguments\.gests: expected no such value .*guests/,
    );
  }
  const nulls = { ...least, place: null, tags: null, note: null, start: null };
  assertEquals(check(from("google"), nulls), undefined);
  assertEquals(
    check(from("google"), { ...nulls, note: 5 }),
    "arguments.note: expected null or string, got 5",
  );
});

Deno.test("what Rust's and Python's generators call optional may be left out or null", () => {
  for (const generator of ["schemars 1", "schemars 0.8.22", "pydantic"]) {
    const fits = (value: object) => check(from(generator), value);
    const fields = ["note", "place", "unit", "shape", "labels", "point", "root"];
    assertEquals(fits(least), undefined, generator);
    assertEquals(
      fits({ ...least, ...Object.fromEntries(fields.map((name) => [name, null])) }),
      undefined,
    );
    const leaf = { label: "c" };
    const full = {
      note: "n",
      place: { name: "Bonn", country: null },
      shape: { kind: "circle", radius: 0.5 },
      tags: ["a"],
      labels: { a: 1 },
      point: [1, 2.5],
      root: { label: "a", children: [{ label: "b", children: [leaf] }] },
    };
    assertEquals(fits({ ...least, ...full }), undefined, generator);
    const wrong = (change: object) => fits({ ...least, ...change });
    assertEquals(wrong({ note: 5 }), "arguments.note: expected string or null, got 5");
    assertMatch(
      wrong({ unit: "K" })!,
      /^arguments\.unit: expected one of \[.*\] or null, got "K"$/,
    );
    assertEquals(
      wrong({ point: [1, "2"] }),
      'arguments.point[1]: expected number, got "2"',
    );
    assertEquals(
      wrong({ root: { label: "a", children: [{ label: "b", children: [{ label: 1 }] }] } }),
      "arguments.root.children[0].children[0].label: expected string, got 1",
    );
    assertMatch(wrong({ shape: { kind: "star" } })!, /^arguments\.shape\.kind: expected .*circle/);
    assertMatch(wrong({ extra: 1 })!, /^arguments\.extra: expected no such value .*got 1$/);
  }
  assertEquals(
    check(from("pydantic"), { ...least, guests: 13 }),
    "arguments.guests: expected maximum 12, got 13",
  );
  // Its escaped hyphen is no pattern of JavaScript's, and a time without a zone is one of Python's.
  assertEquals(check(from("pydantic"), { ...least, code: "AB-1", at: "10:30" }), undefined);
});

Deno.test("what zod writes means what zod means, in each of its dialects", () => {
  const Node = z.object({
    label: z.string(),
    get children() {
      return z.array(Node).optional();
    },
  });
  const schema = z.object({
    title: z.string().min(1),
    guests: z.number().int().min(1).max(12),
    note: z.string().nullable(),
    place: z.object({ name: z.string(), country: z.string().nullish() }).nullish(),
    unit: z.enum(["C", "F"]).nullish(),
    shape: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("circle"), radius: z.number().positive() }),
      z.object({ kind: z.literal("square"), side: z.number().positive() }),
    ]).optional(),
    tags: z.array(z.string()).default([]),
    labels: z.record(z.string(), z.number().int()).optional(),
    point: z.tuple([z.number(), z.number()]).optional(),
    size: z.union([z.number(), z.literal("big"), z.null()]).optional(),
    code: z.string().regex(/^[A-Z]{2}-\d+$/).optional(),
    start: z.iso.datetime().optional(),
    root: Node.optional(),
    anything: z.any().optional(),
  });
  const whole = { ...least, note: null };
  const values = [
    whole,
    { ...whole, note: "n", place: null, unit: null, size: null },
    { ...whole, place: { name: "Bonn", country: null }, unit: "C", size: "big" },
    { ...whole, shape: { kind: "square", side: 0.5 }, tags: ["a"], labels: { a: 1.0 } },
    { ...whole, point: [1, 2], code: "AB-12", start: "2026-11-26T10:00:00Z", anything: {} },
    { ...whole, root: { label: "a", children: [{ label: "b" }] } },
    least,
    { ...whole, title: "" },
    { ...whole, guests: 2.5 },
    { ...whole, guests: 13 },
    { ...whole, note: 5 },
    { ...whole, place: { country: "D" } },
    { ...whole, unit: "K" },
    { ...whole, shape: { kind: "square", side: 0 } },
    { ...whole, shape: { kind: "star" } },
    { ...whole, tags: null },
    { ...whole, labels: { a: "b" } },
    { ...whole, point: [1, "2"] },
    { ...whole, point: [1, 2, 3] },
    { ...whole, size: "small" },
    { ...whole, code: "ab" },
    { ...whole, start: "tomorrow" },
    { ...whole, root: { label: "a", children: [{ label: 1 }] } },
  ];
  for (const target of ["draft-2020-12", "draft-07", "draft-04", "openapi-3.0"] as const) {
    const fits = argumentCheck(z.toJSONSchema(schema, { io: "input", target }) as JsonSchema);
    for (const value of values) {
      const { success } = schema.safeParse(value);
      assertEquals(fits(value) === undefined, success, `${target}: ${JSON.stringify(value)}`);
    }
  }
});

Deno.test("each keyword is checked, and what is wrong is said with what was expected", () => {
  const cases: [schema: object, value: unknown, wrong: string][] = [
    [{ type: ["string", "null"] }, 5, ": expected string or null, got 5"],
    [{ enum: ["a", null] }, "b", ': expected one of ["a",null], got "b"'],
    [{ const: "a" }, "b", ': expected "a", got "b"'],
    [{ minimum: 3 }, 2, ": expected minimum 3, got 2"],
    [{ exclusiveMaximum: 3 }, 3, ": expected exclusiveMaximum 3, got 3"],
    [{ multipleOf: 0.1 }, 0.25, ": expected multipleOf 0.1, got 0.25"],
    [{ maxLength: 2 }, "abc", ': expected maxLength 2, got "abc"'],
    [{ pattern: "^a" }, "b", ': expected pattern "^a", got "b"'],
    [{ minItems: 1 }, [], ": expected minItems 1, got []"],
    [{ uniqueItems: true }, [1, 1], ": expected no item twice, got [1,1]"],
    [{ items: { type: "integer" } }, [1, 2.5], "[1]: expected integer, got 2.5"],
    [{ items: false }, [1], "[0]: expected no such value, got 1"],
    [{ prefixItems: [{ type: "string" }] }, [1], "[0]: expected string, got 1"],
    [{ properties: { a: false } }, { a: 1 }, ".a: expected no such value, got 1"],
    [
      { properties: { a: true }, additionalProperties: false },
      { b: 1 },
      ".b: expected no such value (there are: a), got 1",
    ],
    [{ additionalProperties: { type: "null" } }, { b: 1 }, ".b: expected null, got 1"],
    [{ required: ["a", "b"] }, { a: 1 }, ".b: expected a value, got none"],
    [{ anyOf: [{ type: "string" }, { type: "null" }] }, 5, ": expected string or null, got 5"],
    [
      { oneOf: [{ type: "number" }, { type: "integer" }] },
      5,
      ": expected what fits exactly one of its alternatives, got 5",
    ],
    [{ not: { type: "string" } }, "a", ': expected something else, got "a"'],
    [
      { $defs: { "a/b": { type: "string" } }, properties: { c: { $ref: "#/$defs/a~1b" } } },
      { c: 1 },
      ".c: expected string, got 1",
    ],
    [{ if: { const: 1 }, then: { minimum: 2 } }, 1, ": expected minimum 2, got 1"],
    [{ dependencies: { a: ["b"] } }, { a: 1 }, ".b: expected a value, got none"],
    [{ dependentRequired: { a: ["b"] } }, { a: 1 }, ".b: expected a value, got none"],
    [
      { dependencies: { a: { required: ["b"] } }, dependentSchemas: { a: {} } },
      { a: 1 },
      ".b: expected a value, got none",
    ],
    [{ contains: { const: 1 } }, [2], ': expected an item that fits {"const":1}, got [2]'],
    [{ contains: { const: 1 }, minContains: 2 }, [1, 2], ": expected minContains 2, got [1,2]"],
    [{ properties: { $ref: { type: "string" } } }, { $ref: 1 }, ".$ref: expected string, got 1"],
    [
      { properties: { "größe #%": { minimum: 2 } } },
      { "größe #%": 1 },
      ".größe #%: expected minimum 2, got 1",
    ],
    [
      {
        $schema: "https://json-schema.org/draft/2019-09/schema",
        $recursiveAnchor: true,
        properties: { child: { $recursiveRef: "#" } },
        required: ["n"],
      },
      { n: 1, child: {} },
      ".child.n: expected a value, got none",
    ],
    [{ type: "string", nullable: true }, 1, ": expected string or null, got 1"],
    [{ minimum: 0, exclusiveMinimum: true }, 0, ": expected exclusiveMinimum 0, got 0"],
  ];
  for (const [schema, value, wrong] of cases) {
    assertEquals(check(schema, value), `arguments${wrong}`, JSON.stringify(schema));
  }
});

Deno.test("a name that does not fit is named", () => {
  assertEquals(
    check({ properties: { a: { propertyNames: { pattern: "^x" } } } }, { a: { y: 1 } }),
    'a name in arguments.a: expected pattern "^x", got "y"',
  );
});

Deno.test("what only looks wrong fits", () => {
  const cases: [schema: unknown, value: unknown][] = [
    [{}, undefined],
    [true, { a: 1 }],
    [{ type: "integer" }, 1.0],
    [{ properties: { a: { type: "string" } } }, { a: undefined }],
    [{ properties: { a: {} } }, { a: null }],
    [{ type: "string", format: "date-time" }, "tomorrow"],
    [{ type: "integer", format: "uint32" }, 1],
    [{ enum: ["a"], nullable: true }, null],
    [{ type: ["string"], enum: ["a"], nullable: true }, null],
    [{ type: "string", const: "a", nullable: true }, null],
    [{ type: "object", allOf: [{ type: "object" }], nullable: true }, null],
    [{ type: "object", oneOf: [{ type: "object" }], nullable: true }, null],
    [{ multipleOf: 0, anyOf: [], additionalProperties: "no" }, { a: 1 }],
    // Of a property's own name.
    [{ properties: { format: { type: "string" }, nullable: { type: "boolean" } } }, {
      format: "x",
      nullable: true,
    }],
    // Written by hand, in words that JSON Schema does not know.
    [{ properties: { a: { type: "str", required: true } }, required: true }, { a: "x" }],
    [{ properties: null, enum: null, anyOf: {} }, {}],
    [{ pattern: "(?P<year>\\d+)" }, "x"],
    [{ patternProperties: { "\\Aa": {} }, additionalProperties: false }, { a: 1 }],
    [{ properties: { a: { example: { id: "x" } }, b: { example: { id: "x" } } } }, { a: 1 }],
    [{ default: { $ref: "#/nowhere" } }, 1],
    [{ allOf: [{ $ref: "#/nowhere" }], unevaluatedProperties: false }, { a: 1 }],
    [{ allOf: [{ patternProperties: { "\\Aa": {} } }], unevaluatedProperties: false }, { a: 1 }],
  ];
  for (const [schema, value] of cases) {
    assertEquals(check(schema, value), undefined, JSON.stringify(schema));
  }
});

Deno.test("a schema is left as it is", () => {
  const schema = { properties: { a: { type: "string" } } };
  const frozen = Object.freeze({ ...schema, properties: Object.freeze(schema.properties) });
  assertEquals(check(frozen, { a: "x" }), undefined);
  assertEquals(Object.getOwnPropertyNames(frozen.properties.a), ["type"]);
});

Deno.test("a tool can be called whatever its schema names or refers to", async () => {
  const Place = { $id: "Place", type: "string" };
  const filter = { $ref: "#/$defs/Gone" };
  const cases: [schema: object, value: unknown][] = [
    // TypeBox writes a type that is used twice with its $id in both places.
    [{ properties: { from: Place, to: Place } }, { from: "a" }],
    [{ properties: { q: { type: "string" }, filter } }, { q: "a" }],
    [{ properties: { filter } }, { filter: 1 }],
    [{ $defs: { Unused: filter } }, {}],
    [{ properties: { a: { "x-meta": { $ref: "#/nowhere" } } } }, { a: 1 }],
    [{ properties: { a: { "x-meta": Place }, b: { "x-meta": Place } } }, { a: 1 }],
    [{ $ref: "https://json-schema.org/draft/2020-12/schema" }, 1],
    [{ $ref: "Gone" }, 1],
    [{ $ref: 5 }, 1],
    [{ $id: "http://[bad", properties: { a: { type: "string" } } }, { a: "x" }],
    [written["schemars 0.8.22, OpenAPI 3"]!, { ...least, root: { label: "a" } }],
  ];
  for (const [schema, value] of cases) {
    assertEquals(await call([foreign(schema)], value), "called", JSON.stringify(schema));
    defineTool({ name: "a", description: "", parameters: schema as JsonSchema, execute() {} });
  }
});

Deno.test("references lead to what they name", () => {
  const text = { type: "string" };
  const cases: object[] = [
    { $defs: { "A B/C": text }, $ref: "#/$defs/A%20B~1C" },
    { $defs: { "Page[int]": text }, $ref: "#/$defs/Page[int]" },
    { $defs: { "Page«Foo»": text }, $ref: "#/$defs/Page«Foo»" },
    { $defs: { X: { $anchor: "x", ...text } }, $ref: "#x" },
    { $defs: { X: { $id: "T", ...text } }, $ref: "T" },
    { $id: "https://example.com/s.json", $defs: { X: text }, $ref: "s.json#/$defs/X" },
    { components: { schemas: { X: text } }, $ref: "#/components/schemas/X" },
    { $defs: { A: { $ref: "#/$defs/B" }, B: text }, $ref: "#/$defs/A" },
    // Of its own document; and of the outer one, as a tool that only copies would leave it.
    { $defs: { X: {} }, allOf: [{ $id: "s", $defs: { X: text }, $ref: "#/$defs/X" }] },
    { $defs: { X: text }, allOf: [{ $id: "s", $ref: "#/$defs/X" }] },
  ];
  for (const schema of cases) {
    assertEquals(check(schema, "a"), undefined, JSON.stringify(schema));
    assertEquals(check(schema, 1), "arguments: expected string, got 1", JSON.stringify(schema));
  }
});

Deno.test("who writes the program is told once what of a schema is not checked", () => {
  const tool = foreign({
    properties: { a: { $ref: "#/gone" }, b: { pattern: "(?P<x>a)" }, c: { format: "email" } },
  });
  assertEquals(complaints(tool), [
    'the tool foreign: its arguments are not checked against $ref "#/gone", where there is ' +
    'nothing; pattern "(?P<x>a)", which JavaScript cannot read',
  ]);
  assertEquals(complaints(foreign({ properties: { a: { type: "string" } } })), []);
  const cyclic: Record<string, unknown> = {};
  cyclic.properties = cyclic;
  assertEquals(complaints(foreign(cyclic)), [
    "the tool foreign cannot be called: the schema cannot be read: " +
    "Converting circular structure to JSON",
  ]);
});

Deno.test("of a union only the alternative that was meant is reported", () => {
  const Circle = {
    properties: { kind: { const: "circle" }, radius: { type: "number" } },
    required: ["kind", "radius"],
  };
  const Square = {
    properties: { side: { type: "number" }, unit: { enum: ["m"] }, kind: { enum: ["square"] } },
    required: ["kind", "side", "unit"],
  };
  const missing = (name: string) => `arguments.shape.${name}: expected a value, got none`;
  const cases: [shape: unknown, wrong: string][] = [
    [{ kind: "circle" }, missing("radius")],
    [{ kind: "circle", radius: "big" }, 'arguments.shape.radius: expected number, got "big"'],
    [{ kind: "square", unit: "m" }, missing("side")],
    [{ kind: "square", unit: "m", radius: 1 }, missing("side")],
    [{ kind: "square", unit: "m", side: null }, "arguments.shape.side: expected number, got null"],
    [{ radius: 1 }, missing("kind")],
    ["circle", 'arguments.shape: expected object or null, got "circle"'],
  ];
  const typed = (one: object) => ({ type: "object", ...one });
  const $defs = { Circle: typed(Circle), Square: typed(Square) };
  const byReference = [{ $ref: "#/$defs/Circle" }, { allOf: [{ $ref: "#/$defs/Square" }] }];
  for (const keyword of ["oneOf", "anyOf"]) {
    for (const union of [Object.values($defs), byReference]) {
      const shape = { [keyword]: [...union, { type: "null" }] };
      for (const [value, wrong] of cases) {
        assertEquals(check({ $defs, properties: { shape } }, { shape: value }), wrong);
      }
      assertEquals(
        check({ $defs, properties: { shape } }, { shape: { kind: "star" } }),
        'arguments.shape.kind: expected "circle" or one of ["square"], got "star"',
      );
    }
  }
  const place = { anyOf: [{ type: "object", required: ["name"] }, { type: "null" }] };
  assertEquals(
    check({ properties: { place } }, { place: {} }),
    "arguments.place.name: expected a value, got none",
  );
});

Deno.test("a schema or arguments without an end are an error of the tool", async () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.properties = { a: cyclic };
  let deepSchema: object = {};
  for (let n = 0; n < 20_000; n++) deepSchema = { properties: { a: deepSchema } };
  const doubling = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [
      `d${n}`,
      n === 0 ? {} : { allOf: [{ $ref: `#/$defs/d${n - 1}` }, { $ref: `#/$defs/d${n - 1}` }] },
    ]),
  );
  const cases: [schema: unknown, reason: RegExp][] = [
    [{ $ref: "#" }, /refers to itself without end/],
    [{ $ref: "#/$defs/d39", $defs: doubling }, /more than \d+ references/],
    [cyclic, /cannot be read: .*circular/],
    [deepSchema, /cannot be read: it is nested too deeply/],
    [
      { properties: { a: { anyOf: Array(150_000).fill({ type: "number" }) } } },
      /has too many alternatives/,
    ],
  ];
  for (const [schema, reason] of cases) {
    const text = await call([foreign(schema)], { a: {} });
    assertMatch(text, /^error: the arguments of foreign cannot be checked: /);
    assertMatch(text, reason);
  }
  let deep: unknown = 1;
  for (let n = 0; n < 100_000; n++) deep = [deep];
  const nested = foreign({
    properties: { a: { $ref: "#/$defs/a" } },
    $defs: { a: { items: { $ref: "#/$defs/a" } } },
  });
  assertMatch(await call([nested], { a: deep }), /cannot be checked: .*nested too deeply/);
  assertEquals(await call([nested], { a: [[1]] }), "called");
  assertThrows(
    () => defineTool({ name: "a", description: "", parameters: cyclic, execute() {} }),
    TypeError,
    "the parameters of a: the schema cannot be read: Converting circular structure",
  );
});

Deno.test("a check takes no time to speak of", () => {
  const objects = Array.from({ length: 20_000 }, (_, i) => ({ i }));
  const email = "^([a-zA-Z0-9_\\.\\-])+\\@(([a-zA-Z0-9\\-])+\\.)+([a-zA-Z0-9]{2,4})+$";
  const cases: [schema: object, value: unknown][] = [
    [{ pattern: "^(a+)+$" }, `${"a".repeat(60)}!`],
    [{ pattern: "^(a|a)*$" }, `${"a".repeat(60)}!`],
    [{ pattern: email }, `ada@${"a".repeat(60)}!`],
    [{ pattern: "^(a+){20}$" }, `${"a".repeat(60)}!`],
    [{ pattern: "^(a|aa){40}$" }, `${"a".repeat(60)}!`],
    [{ pattern: "^(a{1,2}){40}$" }, `${"a".repeat(60)}!`],
    [{ pattern: "^(?:a?a?)*b$" }, "a".repeat(60)],
    [{ pattern: "^((a|aa)?b?){2,50}$" }, `${"a".repeat(60)}!`],
    [{ pattern: `^${"a?".repeat(40)}${"a".repeat(40)}$` }, "a".repeat(39)],
    [{ pattern: `^${"(a|aa)".repeat(40)}$` }, `${"a".repeat(60)}!`],
    // Even a short text would take too long.
    [{ pattern: "^(a?){40}b$" }, "a".repeat(20)],
    [{ pattern: "^(a|a|a|a)*$" }, `${"a".repeat(19)}!`],
    [{ pattern: "a*a*$" }, `${"a".repeat(100_000)}!`],
    [{ patternProperties: { "^(a+)+$": {} }, additionalProperties: false }, {
      [`${"a".repeat(60)}!`]: 1,
    }],
    [{ uniqueItems: true }, objects],
    // Two of few items are the same, and each is long.
    [{ uniqueItems: true }, Array(499).fill(Array(400).fill({ x: 1 }))],
    // One of many references, and valid.
    [{ $defs: { N: { type: "object" } }, items: { $ref: "#/$defs/N" } }, objects.concat(objects)],
  ];
  for (const [schema, value] of cases) {
    assertEquals(check(schema, value), undefined, JSON.stringify(schema));
  }
  const many = Array.from({ length: 100_002 }, () => 1);
  const numbers = { $defs: { N: { type: "number" } }, items: { $ref: "#/$defs/N" } };
  assertEquals(check(numbers, many), undefined);
  // What is short enough is checked.
  for (const twice of ["a".repeat(1000), [[1]], { x: 1 }]) {
    const few = [...Array.from({ length: 200 }, (_, x) => ({ x: -x })), twice, twice];
    assertMatch(check({ uniqueItems: true }, few) ?? "", /expected no item twice/);
  }
  assertMatch(
    check({ uniqueItems: true }, Array(500).fill("a".repeat(1000))) ?? "",
    /expected no item twice/,
  );
  assertEquals(
    check({ pattern: "^(a+)+$" }, "aab"),
    'arguments: expected pattern "^(a+)+$", got "aab"',
  );
  assertEquals(
    check({ pattern: "^(\\d{1,3}\\.){3}\\d{1,3}$" }, "1.2.3.x")?.slice(0, 27),
    "arguments: expected pattern",
  );
  const date = "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2})?(Z|[+-]\\d{2}:\\d{2})?)?$";
  assertEquals(check({ pattern: date }, "2026-01-01T00:00:00+01:00"), undefined);
  assertEquals(
    check({ pattern: date }, "2026-01-01T00:00:00+01:00!")?.slice(0, 27),
    "arguments: expected pattern",
  );
  assertEquals(
    check({ pattern: "^[(a+)+]$" }, "b".repeat(30))?.slice(0, 27),
    "arguments: expected pattern",
  );
});

Deno.test("TypeScript knows what fits a schema", () => {
  const schema = {
    type: "object",
    properties: {
      note: { type: ["string", "null"] },
      size: { anyOf: [{ type: "number" }, { const: "big" }] },
      list: { type: ["array", "null"], items: { type: "integer" } },
      any: true,
    },
    required: ["note"],
  } as const;
  // These do not compile when it does not.
  const some: FromSchema<typeof schema> = { note: null, size: "big", list: [1] };
  const other: FromSchema<typeof schema> = { note: "n", size: 1, list: null, any: {} };
  // @ts-expect-error: a note is a string or null
  const wrong: FromSchema<typeof schema> = { note: 5 };
  const fits = argumentCheck(schema);
  assertEquals([some, other, wrong].map(fits), [
    undefined,
    undefined,
    "arguments.note: expected string or null, got 5",
  ]);
});

Deno.test("tools are checked too where a package left a location without an origin", async () => {
  const program = `
    globalThis.location = { href: "" };
    const { defineTool } = await import(${JSON.stringify(import.meta.resolve("../../mod.ts"))});
    defineTool({ name: "look", description: "Looks", execute: () => 1 });
    console.log("defined");`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", program],
    cwd: new URL("../..", import.meta.url),
  }).output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stdout), "defined\n", decoder.decode(stderr));
});
