/**
 * The part of JSON Schema that tools are described with: what it means to TypeScript, and checking
 * what a model made of it.
 *
 * @module
 */
import type { JsonValue } from "../edge/types.ts";

/** A JSON Schema. Other keywords may be there and are passed on to the model unchecked. */
export interface JsonSchema {
  /** The kind of value. */
  readonly type?: "object" | "array" | "string" | "number" | "integer" | "boolean" | "null";
  /** For the model to read. */
  readonly description?: string;
  /** What an object has. */
  readonly properties?: { readonly [name: string]: JsonSchema };
  /** What it must have. */
  readonly required?: readonly string[];
  /** What an array holds. */
  readonly items?: JsonSchema;
  /** The values that are allowed. */
  readonly enum?: readonly JsonValue[];
  /** Whatever else JSON Schema knows. */
  readonly [keyword: string]: unknown;
}

/** The type of what fits a schema that is known when compiling. */
export type FromSchema<S> = S extends { readonly enum: readonly (infer E)[] } ? E
  : S extends { readonly type: "string" } ? string
  : S extends { readonly type: "number" | "integer" } ? number
  : S extends { readonly type: "boolean" } ? boolean
  : S extends { readonly type: "null" } ? null
  : S extends { readonly type: "array"; readonly items: infer I } ? FromSchema<I>[]
  : S extends { readonly type: "object"; readonly properties: infer P }
    ? ObjectFrom<P, RequiredNames<S>>
  : S extends { readonly type: "object" } ? { [name: string]: JsonValue }
  : JsonValue;

/** The names of what an object of a schema must have. */
export type RequiredNames<S> = S extends { readonly required: readonly (infer R)[] } ? R : never;

/** The type of an object with properties `P`, of which `R` are required. */
export type ObjectFrom<P, R> =
  & { [K in keyof P as K extends R ? K : never]: FromSchema<P[K]> }
  & { [K in keyof P as K extends R ? never : K]?: FromSchema<P[K]> };

/** Says what about `value` does not fit the schema; `undefined` when it fits. */
export function mismatch(
  schema: JsonSchema,
  value: unknown,
  path = "arguments",
): string | undefined {
  if (schema.enum && !schema.enum.some((one) => one === value)) {
    return `${path}: expected one of ${JSON.stringify(schema.enum)}, got ${brief(value)}`;
  }
  if (schema.type && !hasType(value, schema.type)) {
    return `${path}: expected ${schema.type}, got ${brief(value)}`;
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const found = schema.items && mismatch(schema.items, item, `${path}[${index}]`);
      if (found) return found;
    }
  } else if (typeof value === "object" && value !== null) {
    const fields = value as Record<string, unknown>;
    for (const name of schema.required ?? []) {
      if (fields[name] === undefined) return `${path}.${name}: expected a value, got none`;
    }
    for (const [name, inner] of Object.entries(schema.properties ?? {})) {
      if (!Object.hasOwn(fields, name) || fields[name] === undefined) continue;
      const found = mismatch(inner, fields[name], `${path}.${name}`);
      if (found) return found;
    }
  }
  return undefined;
}

function hasType(value: unknown, type: NonNullable<JsonSchema["type"]>): boolean {
  switch (type) {
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "null":
      return value === null;
    case "string":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number";
  }
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
