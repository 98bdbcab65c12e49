/**
 * Converts a schema of any origin into one that the validator accepts.
 *
 * @module
 */
import { isPattern, LONGEST_TEXT, longestText } from "./pattern.ts";
import { HOLDERS, isObject, type Json, LISTS, References } from "./schema_references.ts";

/** A schema of which only what can be checked is left. */
export type PlainSchema = { readonly [keyword: string]: unknown };

/** The converted schema. */
export interface LenientSchema {
  readonly schema: PlainSchema;
  /** The schema of each `$ref` in it. */
  readonly targets: Readonly<Record<string, PlainSchema>>;
  /** Requirements that are not checked, in words. */
  readonly unchecked: readonly string[];
}

/** Fits nothing. */
const NOTHING: PlainSchema = { not: {} };

/** The key of the schema, among the targets, of an array without an item twice. */
const UNIQUE = "unique items";
/** To compare each item with each other one takes the square of their number. */
const MAX_FOR_UNIQUE = 500;
/** To compare objects and lists takes the number of items times the length of all, too. */
const MAX_COMPARISONS = 2_000_000;

const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"];
const isNumber = (value: unknown) => typeof value === "number";
const isSchema = (value: unknown) => typeof value === "boolean" || isObject(value);

/** What the value of a keyword must be; where it is something else, the keyword says nothing. */
const SHAPES: Record<string, (value: unknown) => boolean> = {
  type: (value) => [value].flat().every((one) => TYPES.includes(one as string)),
  enum: Array.isArray,
  const: () => true,
  required: areNames,
  multipleOf: (value) => isNumber(value) && (value as number) > 0,
  ...Object.fromEntries(
    [
      ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
      ...["minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"],
      ...["minProperties", "maxProperties"],
    ].map((key) => [key, isNumber]),
  ),
};

/**
 * The schema without what no validator can take: hints, unknown keywords, keywords with a value of
 * the wrong kind, references to what is not there, and patterns in the dialect of another language.
 * `pattern` and `uniqueItems` count only where the check is quick. Keywords of older drafts and
 * OpenAPI's `nullable` become those of draft 2020-12.
 */
export function lenientSchema(schema: unknown): LenientSchema {
  const root = isObject(schema) ? schema : {};
  let reader = new Reader(root);
  let plain = reader.read(schema);
  if (reader.unchecked.size > 0) {
    // What a lost reference or pattern allows must not be refused as what nothing allows.
    reader = new Reader(root, { unevaluated: false });
    plain = reader.read(schema);
  }
  return {
    schema: plain,
    targets: reader.targets,
    unchecked: [...reader.unchecked],
  };
}

/**
 * Returns the targets for arguments of that many characters: what takes too long to compare counts as
 * unique.
 */
export function targetsFor(
  { targets }: LenientSchema,
  characters: number,
): LenientSchema["targets"] {
  const few = { maxItems: Math.trunc(MAX_COMPARISONS / characters) };
  const plain = { items: { type: ["string", "number", "boolean", "null"] } };
  const unique = {
    if: { maxItems: MAX_FOR_UNIQUE, anyOf: [plain, few] },
    then: { uniqueItems: true },
  };
  return { ...targets, [UNIQUE]: unique };
}

class Reader {
  readonly targets: Record<string, PlainSchema> = Object.create(null);
  readonly unchecked = new Set<string>();
  readonly #root: Json;
  readonly #references: References;
  readonly #keys = new Map<Json, string>();

  readonly #unevaluated: boolean;

  constructor(root: Json, options: { unevaluated?: boolean } = {}) {
    this.#root = root;
    this.#unevaluated = options.unevaluated ?? true;
    this.#references = new References(root);
  }

  read(schema: unknown): PlainSchema {
    if (!isObject(schema)) return schema === false ? NOTHING : {};
    const plain: Json = {};
    const also: PlainSchema[] = [];
    for (const [key, value] of Object.entries(schema)) {
      if (SHAPES[key]?.(value)) plain[key] = value;
      else if (HOLDERS.includes(key)) this.#hold(plain, key, value);
      else if (LISTS.includes(key)) this.#list(plain, key, value);
    }
    // As it was written before draft 6.
    if (schema.exclusiveMinimum === true) plain.exclusiveMinimum = plain.minimum;
    if (schema.exclusiveMaximum === true) plain.exclusiveMaximum = plain.maximum;
    if (isObject(schema.properties)) {
      plain.properties = mapped(schema.properties, (one) => this.read(one));
    }
    if (isObject(schema.patternProperties)) this.#patternProperties(plain, schema);
    this.#dependencies(plain, also, schema);
    if (schema.$ref !== undefined) this.#follow(plain, schema, schema.$ref);
    else if (schema.$recursiveRef !== undefined) this.#follow(plain, schema, schema.$recursiveRef);
    if (schema.$dynamicRef !== undefined) this.unchecked.add(`$dynamicRef ${schema.$dynamicRef}`);
    const { pattern } = schema;
    if (pattern !== undefined && this.#canRead(pattern)) {
      also.push({ if: { maxLength: longestText(pattern) }, then: { pattern } });
    }
    if (schema.uniqueItems === true) also.push({ $ref: UNIQUE });
    if (also.length > 0) plain.allOf = [...(plain.allOf as PlainSchema[] ?? []), ...also];
    return schema.nullable === true ? { anyOf: [plain, { type: "null" }] } : plain;
  }

  #hold(plain: Json, key: string, value: unknown): void {
    if (!this.#unevaluated && key.startsWith("unevaluated")) return;
    if (isSchema(value)) plain[key] = this.read(value);
    // Draft 7's tuples.
    else if (key === "items" && Array.isArray(value)) {
      plain[key] = value.map((one) => this.read(one));
    }
  }

  #list(plain: Json, key: string, value: unknown): void {
    if (!Array.isArray(value) || value.length === 0 || !value.every(isSchema)) return;
    plain[key] = value.map((one) => this.read(one));
  }

  #patternProperties(plain: Json, { patternProperties }: Json): void {
    const all = Object.entries(patternProperties as Json);
    const known = all.filter(([pattern]) =>
      this.#canRead(pattern) && longestText(pattern) === LONGEST_TEXT
    );
    // A name that an unknown pattern allows must not be refused as one that nothing allows.
    if (known.length < all.length) delete plain.additionalProperties;
    plain.patternProperties = mapped(Object.fromEntries(known), (one) => this.read(one));
  }

  /** All that is asked for only beside something else, as `dependentSchemas`. */
  #dependencies(plain: Json, also: PlainSchema[], schema: Json): void {
    for (const key of ["dependentSchemas", "dependentRequired", "dependencies"]) {
      const value = schema[key];
      if (!isObject(value)) continue;
      const dependentSchemas = mapped(
        value,
        (one) => areNames(one) ? { required: one } : this.read(one),
      );
      if (plain.dependentSchemas === undefined) plain.dependentSchemas = dependentSchemas;
      else also.push({ dependentSchemas });
    }
  }

  #follow(plain: Json, schema: Json, ref: unknown): void {
    const target = typeof ref === "string" ? this.#references.find(schema, ref) : undefined;
    if (target === undefined) {
      this.unchecked.add(`$ref ${JSON.stringify(ref)}, where there is nothing`);
      return;
    }
    if (target === true) return;
    if (target === false) {
      plain.not = {};
      return;
    }
    if (schema.$recursiveRef !== undefined && target.$recursiveAnchor && target !== this.#root) {
      this.unchecked.add("$recursiveRef, which depends on what leads there");
      return;
    }
    let key = this.#keys.get(target);
    if (key === undefined) {
      this.#keys.set(target, key = String(this.#keys.size));
      this.targets[key] = this.read(target);
    }
    plain.$ref = key;
  }

  #canRead(pattern: unknown): pattern is string {
    if (isPattern(pattern)) return true;
    this.unchecked.add(`pattern ${JSON.stringify(pattern)}, which JavaScript cannot read`);
    return false;
  }
}

function mapped(map: Json, change: (value: unknown) => PlainSchema): Json {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]));
}

function areNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
