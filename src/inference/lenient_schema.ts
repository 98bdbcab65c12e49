/**
 * A schema as it is written in the wild, as a validator can take it.
 *
 * @module
 */

/** A schema that has been made sense of. */
export type PlainSchema = { [keyword: string]: unknown };

const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"];

/** Keywords that hold schemas by name: what stands below them are names, not keywords. */
const MAPS = [
  "$defs",
  "definitions",
  "properties",
  "patternProperties",
  "dependentSchemas",
  "dependencies",
];

/**
 * Keywords that say nothing about what is allowed: what they hold may look like a schema and is
 * none. `format` is a hint in JSON Schema as well; servers take more than the letter of it allows.
 */
const HINTS = ["format", "default", "example", "examples", "description", "title", "id"];

const isNumber = (value: unknown) => typeof value === "number";
const isObject = (value: unknown): value is PlainSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isSchema = (value: unknown) => typeof value === "boolean" || isObject(value);
const areSchemas = (value: unknown) => Array.isArray(value) && value.every(isSchema);
const areNames = (value: unknown) =>
  Array.isArray(value) && value.every((one) => typeof one === "string");
const isType = (value: unknown) => [value].flat().every((one) => TYPES.includes(one as string));

/** What the value of a keyword must be; where it is something else, the keyword says nothing. */
const SHAPES: Record<string, (value: unknown) => boolean> = {
  type: isType,
  enum: Array.isArray,
  required: areNames,
  pattern: isPattern,
  $ref: (value) => typeof value === "string",
  ...Object.fromEntries(["anyOf", "allOf", "oneOf", "prefixItems"].map((key) => [key, areSchemas])),
  ...Object.fromEntries([...MAPS, "dependentRequired"].map((key) => [key, isObject])),
  ...Object.fromEntries(
    [
      ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
      ...["minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"],
      ...["minProperties", "maxProperties"],
    ].map((key) => [key, isNumber]),
  ),
};

/**
 * The schema without what no validator can take: hints, keywords with a value of the wrong kind,
 * and patterns in the dialect of another language. OpenAPI's `nullable` and the older way to write
 * exclusive bounds are put into today's words.
 */
export function lenientSchema(schema: unknown): PlainSchema | boolean {
  if (!isObject(schema)) return typeof schema === "boolean" ? schema : {};
  const plain: PlainSchema = {};
  for (const [key, value] of Object.entries(schema)) {
    if (HINTS.includes(key)) continue;
    const isExclusive = key.startsWith("exclusive") && value === true;
    if (isExclusive) plain[key] = schema[key === "exclusiveMinimum" ? "minimum" : "maximum"];
    else if (SHAPES[key]?.(value) ?? true) plain[key] = lenientValue(key, value);
  }
  const { patternProperties } = plain;
  if (isObject(patternProperties)) {
    const known = Object.entries(patternProperties).filter(([pattern]) => isPattern(pattern));
    // A name that an unknown pattern allows must not be refused as one that nothing allows.
    if (known.length < Object.keys(patternProperties).length) delete plain.additionalProperties;
    plain.patternProperties = Object.fromEntries(known);
  }
  return schema.nullable === true ? nullable(plain) : plain;
}

function lenientValue(key: string, value: unknown): unknown {
  if (key === "enum" || key === "const") return value;
  if (Array.isArray(value)) {
    return value.map((one) => isObject(one) ? lenientSchema(one) : one);
  }
  if (!isObject(value)) return value;
  if (!MAPS.includes(key)) return lenientSchema(value);
  return Object.fromEntries(
    Object.entries(value).map((
      [name, one],
    ) => [name, Array.isArray(one) ? one : lenientSchema(one)]),
  );
}

function nullable({ nullable: _, ...schema }: PlainSchema): PlainSchema {
  const { type, enum: values } = schema;
  if (typeof type !== "string" && !Array.isArray(values)) {
    return { anyOf: [schema, { type: "null" }] };
  }
  return {
    ...schema,
    ...typeof type === "string" ? { type: [type, "null"] } : {},
    ...Array.isArray(values) ? { enum: [...values, null] } : {},
  };
}

/** Whether JavaScript can read it, and as the validator does. */
function isPattern(value: unknown): boolean {
  try {
    new RegExp(value as string, "u");
    return typeof value === "string";
  } catch {
    return false;
  }
}
