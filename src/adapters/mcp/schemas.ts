/** Schemas of a server's tools, as models accept them. @module */
import type { JsonSchema } from "@ringline/edge";

type Schema = { [keyword: string]: unknown };

/** Keywords that hold a schema, a list of them, and some by name. */
const HOLDERS = ["items", "additionalProperties", "not"];
const LISTS = ["anyOf", "oneOf", "allOf", "prefixItems"];
const MAPS = ["properties", "$defs", "definitions"];

/**
 * Returns a schema with what JSON Schema does not demand and OpenAI does, which refuses all tools for
 * one without: the properties of the arguments, and the items of each array.
 */
export function acceptedSchema(schema: JsonSchema): JsonSchema {
  const accepted = completed(schema) as Schema;
  return accepted.type === "object" ? { properties: {}, ...accepted } as JsonSchema : accepted;
}

function completed(value: unknown): unknown {
  if (!isSchema(value)) return value;
  const schema = { ...value };
  for (const [keyword, held] of Object.entries(value)) {
    if (HOLDERS.includes(keyword)) schema[keyword] = completed(held);
    else if (LISTS.includes(keyword) && Array.isArray(held)) schema[keyword] = held.map(completed);
    else if (MAPS.includes(keyword) && isSchema(held)) {
      const entries = Object.entries(held).map(([name, one]) => [name, completed(one)]);
      schema[keyword] = Object.fromEntries(entries);
    }
  }
  const isArray = [schema.type].flat().includes("array");
  return isArray && !("items" in schema) && !("prefixItems" in schema)
    ? { ...schema, items: {} }
    : schema;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
