/**
 * Checks what a model calls a tool with against the tool's schema, and says what is wrong in words
 * that it can act on.
 *
 * @module
 */
import "./usable_location.ts";
import { dereference, type OutputUnit, validate } from "@cfworker/json-schema";
import type { JsonSchema } from "./json_schema.ts";
import { lenientSchema } from "./lenient_schema.ts";

/** Says what about a value does not fit; `undefined` when it fits. */
export type ArgumentCheck = (value: unknown) => string | undefined;

/**
 * A schema can be so nested in itself that checking against it takes for ever: after following so
 * many references it is given up. A `pattern` that takes for ever is not noticed.
 */
const MOST_REFERENCES = 100_000;

/** Keywords whose errors only say that another one follows. */
const AROUND = [
  ...["$ref", "$recursiveRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "dependencies"],
  ...["properties", "patternProperties", "additionalProperties", "unevaluatedProperties"],
  ...["propertyNames", "items", "prefixItems", "additionalItems", "unevaluatedItems"],
];

type Node = Record<string, unknown> | boolean | undefined;

/**
 * Reads a schema. The function that it returns throws if the check goes round in circles.
 *
 * @throws {TypeError} the schema cannot be read, or refers to what is not there.
 */
export function argumentCheck(schema: JsonSchema | boolean): ArgumentCheck {
  const plain = lenientSchema(schema);
  const $schema = String((schema as JsonSchema).$schema ?? "");
  const draft = /draft-0[3-7]/.test($schema) ? "7" : "2020-12";
  let lookup: Record<string, Node>;
  try {
    lookup = dereference(plain);
  } catch (cause) {
    throw new TypeError(`the schema cannot be read: ${(cause as Error).message}`, { cause });
  }
  for (const node of Object.values(lookup)) {
    if (typeof node !== "object") continue;
    const { $ref, __absolute_ref__: target } = node;
    if (target !== undefined && lookup[String(target)] === undefined) {
      throw new TypeError(`the schema cannot be read: there is nothing at $ref ${$ref}`);
    }
  }
  return (value) => {
    let references = 0;
    const counting = new Proxy(lookup as Record<string, never>, {
      get(target, uri) {
        if (++references > MOST_REFERENCES) {
          throw new RangeError(`checking takes more than ${MOST_REFERENCES} references`);
        }
        return target[String(uri)];
      },
    });
    // As it is sent: what is undefined is not there.
    const sent = JSON.parse(JSON.stringify(value) ?? "null");
    const { valid, errors } = validate(sent, plain, draft, counting);
    return valid ? undefined : describe(errors, sent, new Places(plain, lookup));
  };
}

/** Of all that does not fit, what lies deepest: that is the nearest to what was meant. */
function describe(errors: readonly OutputUnit[], value: unknown, places: Places): string {
  const telling = errors.filter(({ keyword, error }) =>
    !AROUND.includes(keyword) || keyword === "oneOf" && !error.includes("(0 matches)")
  );
  const depthOf = ({ instanceLocation }: OutputUnit) => instanceLocation.split("/").length;
  const deepest = Math.max(...telling.map(depthOf));
  const first = telling.find((one) => depthOf(one) === deepest) ?? errors.at(-1)!;
  const here = telling.filter((one) => one.instanceLocation === first.instanceLocation);
  const path = namesOf(first.instanceLocation);
  const [got, isThere] = at(value, path);
  const where = `arguments${
    path.map((name) => /^\d+$/.test(name) ? `[${name}]` : `.${name}`).join("")
  }`;
  if (here.some(({ keyword }) => keyword === "false")) {
    const known = places.knownAround(errors, first);
    return `${where}: expected no such value${known}, got ${brief(got)}`;
  }
  const missing = here.find(({ keyword }) => keyword === "required");
  if (missing && here.every(({ keyword }) => keyword === "required")) {
    const names = (places.valueOf(missing) as string[])
      .filter((name) => !Object.hasOwn(got as object, name));
    return names.map((name) => `${where}.${name}: expected a value, got none`).join("; ");
  }
  const wanted = new Set(here.map((one) => places.expectation(one)));
  return `${where}: expected ${[...wanted].join(" or ")}, got ${isThere ? brief(got) : "none"}`;
}

/** Finds what an error speaks of in the schema. */
class Places {
  constructor(readonly schema: Node, readonly lookup: Record<string, Node>) {}

  /** The keyword's value. */
  valueOf({ keywordLocation }: OutputUnit): unknown {
    let node: unknown = this.schema;
    for (const name of namesOf(keywordLocation)) {
      const from = node as Record<string, unknown> | undefined;
      node = name === "$ref" ? this.lookup[String(from?.__absolute_ref__)] : from?.[name];
    }
    return node;
  }

  /** What a keyword asks for, in words. */
  expectation(error: OutputUnit): string {
    const value = this.valueOf(error);
    switch (error.keyword) {
      case "type":
        return [value].flat().join(" or ");
      case "enum":
        return `one of ${JSON.stringify(value)}`;
      case "const":
        return JSON.stringify(value);
      case "required":
        return `${(value as string[]).join(" and ")} in it`;
      case "oneOf":
        return "what fits exactly one of its alternatives";
      case "not":
        return "something else";
      case "uniqueItems":
        return "no item twice";
      case "contains":
        return error.error;
    }
    return `${error.keyword} ${JSON.stringify(value)}`;
  }

  /** The names that are known where one is not, as a hint. */
  knownAround(errors: readonly OutputUnit[], { instanceLocation }: OutputUnit): string {
    const parent = instanceLocation.slice(0, instanceLocation.lastIndexOf("/"));
    const around = errors.find((one) =>
      one.instanceLocation === parent && /^(additional|unevaluated)Properties$/.test(one.keyword)
    );
    if (!around) return "";
    const above = around.keywordLocation.slice(0, around.keywordLocation.lastIndexOf("/"));
    const node = this.valueOf({ ...around, keywordLocation: above }) as Exclude<Node, boolean>;
    const names = Object.keys(node?.properties ?? {});
    return names.length === 0 ? "" : ` (there are: ${names.join(", ")})`;
  }
}

/** The names in a JSON pointer: `#/days/1` leads by `days` and `1`. */
function namesOf(pointer: string): string[] {
  return pointer.split("/").slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The value at the end of a path, and whether there is one. */
function at(value: unknown, path: readonly string[]): [value: unknown, isThere: boolean] {
  let found = value;
  for (const name of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) {
      return [undefined, false];
    }
    found = (found as Record<string, unknown>)[name];
  }
  return [found, true];
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
