/** Reads schemas that libraries make, and checks arguments against them. @module */
import type { JsonSchema } from "../contracts/json_schema.ts";
import type { StandardIssue, StandardSchema } from "../contracts/standard_schema.ts";

/** The kinds of JSON Schema that models understand, the best first. */
const TARGETS = ["draft-2020-12", "draft-07"];
/** Models read the first of what is wrong. */
const MAX_ISSUES = 5;

/** Whether a value is the schema of a library; ArkType's are functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  const isThing = typeof value === "object" ? value !== null : typeof value === "function";
  const standard = isThing ? (value as Partial<StandardSchema>)["~standard"] : undefined;
  return typeof standard?.validate === "function";
}

/**
 * Returns what a model is told of a schema.
 *
 * @throws {TypeError} the library cannot say it as JSON Schema.
 */
export function jsonSchemaOf(schema: StandardSchema): JsonSchema {
  const { vendor, jsonSchema } = schema["~standard"];
  if (typeof jsonSchema?.input !== "function") {
    throw new TypeError(
      `this schema of ${vendor} does not say its JSON Schema, which models need: ` +
        (vendor === "valibot"
          ? "pass toStandardJsonSchema(schema), of @valibot/to-json-schema"
          : `use a version of ${vendor} whose schemas have ["~standard"].jsonSchema`),
    );
  }
  const causes: unknown[] = [];
  for (const target of TARGETS) {
    try {
      return jsonSchema.input({ target }) as JsonSchema;
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
  const result = await schema["~standard"].validate(input);
  if (result.issues === undefined) return result.value;
  const issues = result.issues.slice(0, MAX_ISSUES).map(said);
  throw new TypeError(`the arguments do not fit: ${issues.join("; ")}`);
}

function said({ message, path = [] }: StandardIssue): string {
  const names = path.map((part) => String(typeof part === "object" ? part.key : part));
  return names.length === 0 ? message : `${names.join(".")}: ${message}`;
}
