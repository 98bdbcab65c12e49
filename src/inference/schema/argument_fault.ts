/**
 * Says in words what about a value does not fit a schema, for a model to act on.
 *
 * @module
 */
import type { PlainSchema } from "./lenient_schema.ts";
import { decoded, MAPS, namesOf } from "./schema_references.ts";
import { type Alternative, meant } from "./union_fault.ts";

/** An error as the validator writes it. */
export interface Fault {
  readonly keyword: string;
  /** Where in the schema the keyword stands. */
  readonly keywordLocation: string;
  /** Where in the value. */
  readonly instanceLocation: string;
  readonly error: string;
}

/** What a value was checked against. */
export interface CheckedSchema {
  readonly schema: PlainSchema;
  /** What each `$ref` stands for. */
  readonly targets: Readonly<Record<string, PlainSchema>>;
}

/** Keywords whose errors only say that another one follows. */
const AROUND = [
  ...["$ref", "allOf", "anyOf", "if", "dependentSchemas", "properties", "patternProperties"],
  ...["additionalProperties", "unevaluatedProperties", "propertyNames"],
  ...["items", "prefixItems", "additionalItems", "unevaluatedItems"],
];

/** Of all that does not fit, what lies deepest: that is the nearest to what was meant. */
export function describeFault(
  all: readonly Fault[],
  value: unknown,
  checked: CheckedSchema,
): string {
  const places = new Places(checked);
  const errors = decisive(all, value, places);
  const telling = errors.filter(({ keyword }) => !AROUND.includes(keyword));
  // What is missing would lie one deeper.
  const depthOf = ({ instanceLocation, keyword }: Fault) =>
    instanceLocation.split("/").length + (keyword === "required" ? 1 : 0);
  const deepest = telling.reduce((most, one) => Math.max(most, depthOf(one)), 0);
  const first = telling.find((one) => depthOf(one) === deepest) ?? all[0]!;
  const here = telling.filter((one) =>
    one.instanceLocation === first.instanceLocation && depthOf(one) === deepest
  );
  const path = pathOf(first.instanceLocation);
  const [got, isThere] = at(value, path);
  const where = nameOf(path);
  const naming = errors.find(({ keyword, keywordLocation }) =>
    keyword === "propertyNames" && first.keywordLocation.startsWith(`${keywordLocation}/`)
  );
  const wanted = [...new Set(here.map((one) => places.expectation(one)))].join(" or ");
  if (naming) {
    return `a name in ${nameOf(path.slice(0, -1))}: expected ${wanted}, got ${brief(path.at(-1))}`;
  }
  const refused = here.find((one) => places.isNothing(one));
  if (refused) {
    return `${where}: expected no such value${places.knownAround(refused)}, got ${brief(got)}`;
  }
  if (first.keyword === "required") {
    const names = new Set(here.flatMap((one) => places.valueOf(one) as string[]));
    return [...names].filter((name) => !Object.hasOwn(got as object, name))
      .map((name) => `${nameOf([...path, name])}: expected a value, got none`).join("; ");
  }
  return `${where}: expected ${wanted}, got ${isThere ? brief(got) : "none"}`;
}

/** The errors without those of alternatives that were not meant, and of items that need not fit. */
function decisive(errors: readonly Fault[], value: unknown, places: Places): Fault[] {
  const decided: Fault[] = [];
  for (let index = 0; index < errors.length; index++) {
    const error = errors[index]!;
    const { keyword, keywordLocation } = error;
    if (keyword === "minContains" || keyword === "maxContains") {
      const items = keywordLocation.replace(/[^/]*$/, "contains/");
      while (decided.at(-1)?.keywordLocation.startsWith(items)) decided.pop();
    }
    if (!["anyOf", "oneOf", "contains"].includes(keyword)) {
      decided.push(error);
      continue;
    }
    const inside: Fault[] = [];
    while (errors[index + 1]?.keywordLocation.startsWith(`${keywordLocation}/`)) {
      inside.push(errors[++index]!);
    }
    if (keyword === "contains" || keyword === "oneOf" && !error.error.includes("(0 matches)")) {
      decided.push(error);
      continue;
    }
    const [got] = at(value, pathOf(error.instanceLocation));
    const count = (places.valueOf(error) as unknown[]).length;
    const alternatives = Array.from({ length: count }, (_, number): Alternative => {
      const location = `${keywordLocation}/${number}`;
      return {
        location,
        errors: decisive(
          inside.filter((one) => one.keywordLocation.startsWith(`${location}/`)),
          value,
          places,
        ),
      };
    });
    for (const one of meant(alternatives, error.instanceLocation, got, places)) decided.push(one);
  }
  return decided;
}

/** Finds what an error speaks of in the schema. */
export class Places {
  constructor(readonly checked: CheckedSchema) {}

  /** What stands at a place. */
  nodeAt(keywordLocation: string): unknown {
    let node: unknown = this.checked.schema;
    let isName = false; // rather than a keyword
    for (const name of pathOf(keywordLocation)) {
      const value = (node as Record<string, unknown> | undefined)?.[name];
      node = name === "$ref" && !isName ? this.checked.targets[String(value)] : value;
      isName = !isName && MAPS.includes(name);
    }
    return node;
  }

  /** The keyword's value. */
  valueOf({ keywordLocation }: Fault): unknown {
    return this.nodeAt(keywordLocation);
  }

  /** Whether it is the error of a schema that nothing fits. */
  isNothing(error: Fault): boolean {
    return error.keyword === "not" && Object.keys(this.valueOf(error) ?? { a: 1 }).length === 0;
  }

  /** What a keyword asks for, in words. */
  expectation(error: Fault): string {
    const value = this.valueOf(error);
    switch (error.keyword) {
      case "type":
        return [value].flat().join(" or ");
      case "enum":
        return `one of ${JSON.stringify(value)}`;
      case "const":
        return JSON.stringify(value);
      case "oneOf":
        return "what fits exactly one of its alternatives";
      case "not":
        return "something else";
      case "uniqueItems":
        return "no item twice";
      case "contains":
        return `an item that fits ${brief(value)}`;
    }
    return `${error.keyword} ${JSON.stringify(value)}`;
  }

  /** The names that are known where one is not, as a hint. */
  knownAround({ keywordLocation }: Fault): string {
    const [, above] = /^(.*)\/(?:additional|unevaluated)Properties\/not$/.exec(keywordLocation) ??
      [];
    if (above === undefined) return "";
    const node = this.nodeAt(above) as PlainSchema | undefined;
    const names = Object.keys(node?.properties ?? {});
    return names.length === 0 ? "" : ` (there are: ${names.join(", ")})`;
  }
}

/** The names in a location as the validator writes it. */
function pathOf(location: string): string[] {
  return namesOf(location).map(decoded);
}

function nameOf(path: readonly string[]): string {
  const names = path.map((name) => /^\d+$/.test(name) ? `[${name}]` : `.${name}`);
  return `arguments${names.join("")}`;
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
