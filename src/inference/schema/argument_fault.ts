/**
 * Says in words what about a value does not fit a schema, for a model to act on.
 *
 * @module
 */
import { brief, type CheckedSchema, type Fault, pathOf, Places } from "./places.ts";
import { valueAt } from "./schema_references.ts";
import { type Alternative, meant } from "./union_fault.ts";

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
  const [got, isThere] = valueAt(value, path);
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
      const items = `${keywordLocation.slice(0, keywordLocation.lastIndexOf("/") + 1)}contains/`;
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
    const [got] = valueAt(value, pathOf(error.instanceLocation));
    const count = (places.valueOf(error) as unknown[]).length;
    const ofAlternatives = Array.from({ length: count }, (): Fault[] => []);
    for (const one of inside) {
      ofAlternatives[parseInt(one.keywordLocation.slice(keywordLocation.length + 1))]!.push(one);
    }
    const alternatives = ofAlternatives.map((errors, number): Alternative => ({
      location: `${keywordLocation}/${number}`,
      errors: decisive(errors, value, places),
    }));
    for (const one of meant(alternatives, error.instanceLocation, got, places)) decided.push(one);
  }
  return decided;
}

function nameOf(path: readonly string[]): string {
  const names = path.map((name) => /^\d+$/.test(name) ? `[${name}]` : `.${name}`);
  return `arguments${names.join("")}`;
}
