/**
 * Resolves each `$ref`, in schemas as programs really send them.
 *
 * @module
 */

/** The base that a schema without an `$id` has. */
const BASE = "https://schema.invalid/";

/** Keywords that hold a schema, or several. */
export const HOLDERS = [
  ...["items", "additionalItems", "unevaluatedItems", "contains", "propertyNames"],
  ...["additionalProperties", "unevaluatedProperties", "not", "if", "then", "else"],
];

/** Keywords that hold a list of schemas. */
export const LISTS = ["prefixItems", "allOf", "anyOf", "oneOf"];

/** Keywords that hold schemas by name: what stands below them are names, not keywords. */
export const MAPS = [
  ...["$defs", "definitions", "properties", "patternProperties"],
  ...["dependentSchemas", "dependencies"],
];

export type Json = { [name: string]: unknown };

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The schemas inside a schema by their names. Only what stands where a schema belongs is looked at,
 * and of several with the same `$id` the first one counts.
 */
export class References {
  readonly #root: Json;
  readonly #bases = new Map<Json, string>();
  readonly #named = new Map<string, Json>([]);

  constructor(root: Json) {
    this.#root = root;
    this.#named.set(BASE, root);
    this.#index(root, BASE);
  }

  /** Returns the target of a schema's `$ref`; `undefined` where there is none. */
  find(schema: Json, ref: string): Json | boolean | undefined {
    const base = this.#bases.get(schema) ?? BASE;
    const [uri, fragment] = split(ref, base);
    if (fragment !== "" && !fragment.startsWith("/")) return this.#named.get(`${uri}#${fragment}`);
    const path = namesOf(fragment);
    let [found] = valueAt(this.#named.get(uri), path);
    // An `$id` halfway down is often not meant to begin a document of its own.
    if (found === undefined && ref.startsWith("#")) [found] = valueAt(this.#root, path);
    if (typeof found === "boolean") return found;
    if (!isObject(found)) return undefined;
    if (!this.#bases.has(found)) this.#index(found, base);
    return found;
  }

  #index(schema: unknown, outer: string): void {
    if (!isObject(schema)) return;
    let base = outer;
    if (typeof schema.$id === "string") {
      const [uri, fragment] = split(schema.$id, outer);
      if (fragment === "") base = uri || outer;
      this.#name(fragment === "" ? base : `${uri}#${fragment}`, schema);
    }
    if (typeof schema.$anchor === "string") this.#name(`${base}#${schema.$anchor}`, schema);
    this.#bases.set(schema, base);
    for (const key of [...HOLDERS, ...LISTS]) {
      for (const one of [schema[key]].flat()) this.#index(one, base);
    }
    for (const key of MAPS) {
      for (const one of Object.values(schema[key] ?? {})) this.#index(one, base);
    }
  }

  #name(uri: string, schema: Json): void {
    if (!this.#named.has(uri)) this.#named.set(uri, schema);
  }
}

/** A reference's address and what follows its `#`; both empty where it is no reference. */
function split(ref: string, base: string): [uri: string, fragment: string] {
  const url = URL.parse(ref, base);
  if (!url) return ["", ""];
  const fragment = decoded(url.hash.slice(1));
  url.hash = "";
  return [url.href, fragment];
}

/** Returns the value at the end of a path, and whether there is one. */
export function valueAt(
  root: unknown,
  path: readonly string[],
): [value: unknown, isThere: boolean] {
  let found = root;
  for (const name of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) {
      return [undefined, false];
    }
    found = (found as Json)[name];
  }
  return [found, true];
}

/** The names in a JSON pointer: `/days/1` leads by `days` and `1`. */
export function namesOf(pointer: string): string[] {
  return pointer.split("/").slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The text that was escaped as in a URI. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
