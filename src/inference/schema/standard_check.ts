/** Reads schemas that libraries make, and checks arguments against them. @module */
import { checkMethods, checkObject, shown } from "../../events/checks.ts";
import type { JsonSchema } from "../contracts/json_schema.ts";
import type { StandardIssue, StandardSchema } from "../contracts/standard_schema.ts";

/** The kinds of JSON Schema that models understand, the best first. */
const TARGETS = ["draft-2020-12", "draft-07"];
/** Models read the first of what is wrong. */
const MAX_ISSUES = 5;

/**
 * Whether a value is the schema of a library; ArkType's are functions.
 *
 * @throws {TypeError} it says that it is one, and is malformed.
 */
export function isStandardSchema(value: unknown): value is StandardSchema {
  const isThing = typeof value === "object" ? value !== null : typeof value === "function";
  if (!isThing || !("~standard" in (value as object))) return false;
  const { "~standard": standard } = value as { "~standard": unknown };
  checkMethods(standard, '["~standard"]', "what Standard Schema describes", ["validate"]);
  const { version } = standard as Partial<StandardSchema["~standard"]>;
  if (version === 1) return true;
  throw new TypeError(
    `["~standard"].version: expected 1, got ${shown(version)}: use a version of the library that ` +
      "implements version 1 of Standard Schema",
  );
}

/**
 * Returns what a model is told of a schema.
 *
 * @throws {TypeError} the library cannot say it as JSON Schema.
 */
export function jsonSchemaOf(schema: StandardSchema): JsonSchema {
  const { vendor, jsonSchema } = schema["~standard"];
  if (typeof jsonSchema?.input !== "function") {
    const library = typeof vendor === "string" ? vendor : "a library without a name";
    throw new TypeError(
      `this schema of ${library} does not say its JSON Schema, which models need: ` +
        (vendor === "valibot"
          ? "pass toStandardJsonSchema(schema), of @valibot/to-json-schema"
          : `use a version of ${library} whose schemas have ["~standard"].jsonSchema`),
    );
  }
  const causes: unknown[] = [];
  for (const target of TARGETS) {
    try {
      const schema: unknown = jsonSchema.input({ target });
      checkObject(schema, '["~standard"].jsonSchema.input', "it to return a JSON schema");
      if (schema instanceof Promise) throw new TypeError("it returns a promise of its JSON Schema");
      return schema as JsonSchema;
    } catch (cause) {
      causes.push(cause);
    }
  }
  const [cause] = causes;
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new TypeError(`the schema cannot be said as JSON Schema: ${reason}`, { cause });
}

/**
 * Returns the arguments as the schema makes them of `input`.
 *
 * @throws {TypeError} they do not fit; the message says where.
 */
export async function standardArguments(schema: StandardSchema, input: unknown): Promise<unknown> {
  const result: unknown = await schema["~standard"].validate(input);
  checkObject(result, '["~standard"].validate', "it to return { value } or { issues }");
  const { value, issues } = result as { value?: unknown; issues?: readonly StandardIssue[] };
  if (issues === undefined) return value;
  const faults = Array.isArray(issues) ? issues.slice(0, MAX_ISSUES).map(said) : [shown(issues)];
  throw new TypeError(`the arguments do not fit: ${faults.join("; ")}`);
}

function said(issue: StandardIssue): string {
  const { message = shown(issue), path } = issue ?? {};
  if (!Array.isArray(path)) return message;
  const names = path.map((part) => String(typeof part === "object" ? part.key : part));
  return names.length === 0 ? message : `${names.join(".")}: ${message}`;
}
