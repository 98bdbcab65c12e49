/**
 * Finds the alternative that a value was meant for when it fits none.
 *
 * @module
 */
import type { Fault, Places } from "./places.ts";
import type { PlainSchema } from "./lenient_schema.ts";

/** One of a union's alternatives. */
export interface Alternative {
  /** Where in the schema it stands. */
  readonly location: string;
  /** The errors of the value against it. */
  readonly errors: readonly Fault[];
}

/** A property that tells an alternative from the others: it has a fixed value. */
interface Tag {
  readonly name: string;
  readonly keyword: "const" | "enum";
  readonly location: string;
  readonly fits: boolean;
}

/** The errors of the alternatives that were meant, as far as the value tells. */
export function meant(
  alternatives: readonly Alternative[],
  instanceLocation: string,
  value: unknown,
  places: Places,
): Fault[] {
  const errorsOf = (some: readonly { errors: readonly Fault[] }[]) =>
    some.flatMap(({ errors }) => errors);
  // A string or a number does not show which alternative it was meant for.
  if (typeof value !== "object" || value === null) return errorsOf(alternatives);
  const ofItsType = alternatives.filter(({ errors }) =>
    !errors.some((one) => one.keyword === "type" && one.instanceLocation === instanceLocation)
  );
  if (ofItsType.length === 0) return errorsOf(alternatives);
  const tagged = ofItsType.map((one) => ({
    ...one,
    wrong: tagsOf(one.location, value, places).filter(({ fits }) => !fits),
  }));
  const left = tagged.filter(({ wrong }) => wrong.length === 0);
  if (left.length === 0) {
    // None of them: the tags are what to set right first.
    return tagged.flatMap(({ wrong }) => wrong.slice(0, 1)).map(({ name, keyword, location }) => ({
      instanceLocation: `${instanceLocation}/${escaped(name)}`,
      keyword,
      keywordLocation: location,
      error: "",
    }));
  }
  const fewest = Math.min(...left.map(({ errors }) => errors.length));
  return errorsOf(left.filter(({ errors }) => errors.length === fewest));
}

/** The tags of an alternative that the value has. */
function tagsOf(location: string, value: object, places: Places, depth = 0): Tag[] {
  const node = places.nodeAt(location) as PlainSchema | undefined;
  if (!node || depth > 10) return [];
  const inside = [
    ...node.$ref === undefined ? [] : [`${location}/$ref`],
    ...(node.allOf as unknown[] ?? []).map((_, index) => `${location}/allOf/${index}`),
  ].flatMap((one) => tagsOf(one, value, places, depth + 1));
  const own = Object.keys(node.properties ?? {}).filter((name) => Object.hasOwn(value, name))
    .flatMap((name) => {
      const got = (value as Record<string, unknown>)[name];
      return fixed(`${location}/properties/${escaped(name)}`, places, 0)
        .map((one) => ({ ...one, name, fits: one.allowed.includes(got) }));
    });
  return [...own, ...inside];
}

/** The value, or the only one of few, that a property has to have. */
function fixed(
  location: string,
  places: Places,
  depth: number,
): { keyword: "const" | "enum"; location: string; allowed: readonly unknown[] }[] {
  const node = places.nodeAt(location) as PlainSchema | undefined;
  if (!node || depth > 10) return [];
  if (node.const !== undefined) {
    return [{ keyword: "const", location: `${location}/const`, allowed: [node.const] }];
  }
  const { enum: allowed } = node;
  if (Array.isArray(allowed) && allowed.length === 1) {
    return [{ keyword: "enum", location: `${location}/enum`, allowed }];
  }
  return node.$ref === undefined ? [] : fixed(`${location}/$ref`, places, depth + 1);
}

/** A name as the validator writes it into a location. */
function escaped(name: string): string {
  return encodeURI(name.replaceAll("~", "~0").replaceAll("/", "~1")).replaceAll("#", "%23");
}
