/**
 * JSON Schema, which tools are described with: what it means to TypeScript.
 *
 * @module
 */
import type { JsonValue } from "../../edge/types.ts";

/** The kinds of value that JSON Schema knows. */
export type JsonSchemaType =
  | "object"
  | "array"
  | "string"
  | "number"
  | "integer"
  | "boolean"
  | "null";

/**
 * A JSON Schema: draft 2020-12, or an older one if `$schema` says so. All keywords are sent to the
 * model, and a tool's arguments are checked against all of them, except for what is the tool's to
 * check: `format`; a `pattern` that is no regular expression of JavaScript, or for a text of more
 * than 1,000 characters (20, if a repeated group in it repeats or chooses: that can take for ever);
 * `uniqueItems` of more than 500 items, or of so many objects and lists that their number times the
 * characters of the arguments exceeds 2,000,000; a `$ref` to what is not in the schema. When an agent
 * joins, it logs the patterns and references that it cannot read.
 */
export interface JsonSchema {
  /** The kind of value, or several: `["string", "null"]`. */
  readonly type?: JsonSchemaType | readonly JsonSchemaType[];
  /** For the model to read. */
  readonly description?: string;
  /** The properties of an object. `true` allows any value, `false` none. */
  readonly properties?: { readonly [name: string]: JsonSchema | boolean };
  /** The names of required properties. */
  readonly required?: readonly string[];
  /** The schema of an array's items. */
  readonly items?: JsonSchema | boolean;
  /** The values that are allowed. */
  readonly enum?: readonly JsonValue[];
  /** The only value that is allowed. */
  readonly const?: JsonValue;
  /** At least one of these must fit. */
  readonly anyOf?: readonly (JsonSchema | boolean)[];
  /** Exactly one of these must fit. */
  readonly oneOf?: readonly (JsonSchema | boolean)[];
  /** Whatever else JSON Schema knows. */
  readonly [keyword: string]: unknown;
}

/** The type of what fits a schema that is known when compiling. */
export type FromSchema<S> = S extends { readonly enum: readonly (infer E)[] } ? E
  : S extends { readonly const: infer C } ? C
  : S extends { readonly anyOf: readonly (infer O)[] } ? FromSchema<O>
  : S extends { readonly oneOf: readonly (infer O)[] } ? FromSchema<O>
  : S extends { readonly type: readonly (infer T)[] } ? FromType<S, T>
  : S extends { readonly type: infer T } ? FromType<S, T>
  : JsonValue;

/** The type of what fits a schema `S` and is of the kind `T`; of several kinds, any of them. */
export type FromType<S, T> = T extends "string" ? string
  : T extends "number" | "integer" ? number
  : T extends "boolean" ? boolean
  : T extends "null" ? null
  : T extends "array" ? S extends { readonly items: infer I } ? FromSchema<I>[] : JsonValue
  : T extends "object"
    ? S extends { readonly properties: infer P } ? ObjectFrom<P, RequiredNames<S>>
    : { [name: string]: JsonValue }
  : JsonValue;

/** The names of what an object of a schema must have. */
export type RequiredNames<S> = S extends { readonly required: readonly (infer R)[] } ? R : never;

/** The type of an object with properties `P`, of which `R` are required. */
export type ObjectFrom<P, R> =
  & { [K in keyof P as K extends R ? K : never]: FromSchema<P[K]> }
  & { [K in keyof P as K extends R ? never : K]?: FromSchema<P[K]> };
