import type { JsonValue, Participant } from "../../edge/types.ts";
import type { FromSchema, JsonSchema } from "./json_schema.ts";
import { argumentCheck } from "../schema/argument_check.ts";
import { checkMethods, checkObject, shown } from "../../events/checks.ts";

/** A tool as a model sees it. */
export interface ToolDescription {
  /** Letters, digits, `_` and `-`; at most 64. */
  readonly name: string;
  /** The purpose of the tool and when to use it, for the model. */
  readonly description: string;
  /** The schema of its arguments, an object. */
  readonly parameters: JsonSchema;
}

/** The context of a tool call. */
export interface ToolContext {
  /** Aborted when the time is up, or the result is no longer wanted. */
  readonly signal: AbortSignal;
  /** The participant the reply is for, where known. */
  readonly participant: Participant | undefined;
}

/** A function that a model can call. */
export interface Tool extends ToolDescription {
  /** Time limit in milliseconds; after it the model gets a timeout error as the result. */
  readonly timeoutMs: number;
  /** Runs the tool. The model gets what it throws as an error. */
  execute(input: never, context: ToolContext): unknown;
}

/** The schema of a tool without parameters. */
export type NoParameters = { readonly type: "object"; readonly properties: Record<never, never> };

const NO_PARAMETERS: NoParameters = { type: "object", properties: {} };
const NAME = /^[\w-]{1,64}$/;

/**
 * Creates a tool from a function: arguments are checked against the schema before the call, and
 * typed by it.
 *
 * @example
 * ```ts
 * import { defineTool } from "@ringline/edge";
 *
 * const dice = defineTool({
 *   name: "roll_dice",
 *   description: "Rolls dice and returns the sum",
 *   parameters: { type: "object", properties: { count: { type: "integer" } } },
 *   execute: ({ count = 1 }) => {
 *     let sum = 0;
 *     while (count-- > 0) sum += 1 + Math.trunc(6 * Math.random());
 *     return { sum };
 *   },
 * });
 * console.log(dice.name, dice.timeoutMs); // roll_dice 10000
 * ```
 *
 * @throws {TypeError} models do not accept the name, or the schema cannot be read.
 */
export function defineTool<const S extends JsonSchema = NoParameters>(definition: {
  name: string;
  description: string;
  /** Default: no parameters. */
  parameters?: S;
  /** Default 10,000. */
  timeoutMs?: number;
  execute: (input: FromSchema<S>, context: ToolContext) => unknown;
}): Tool {
  checkObject(definition, "a tool", "an object like { name, description, execute }");
  const { name, description, parameters = NO_PARAMETERS, timeoutMs = 10_000, execute } = definition;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new TypeError(`a tool's name must match ${NAME}, got ${shown(name)}`);
  }
  if (typeof description !== "string") {
    throw new TypeError(`the tool ${name} must have a description, got ${shown(description)}`);
  }
  checkObject(parameters, `the parameters of the tool ${name}`, "a JSON schema");
  checkMethods(definition, `the tool ${name}`, "a definition", ["execute"]);
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be > 0, got ${timeoutMs}`);
  try {
    argumentCheck(parameters);
  } catch (cause) {
    throw new TypeError(`the parameters of ${name}: ${(cause as Error).message}`, { cause });
  }
  return { name, description, parameters, timeoutMs, execute };
}

/** The result of a tool call, as the model gets it. */
export interface ToolResult {
  /** The result, or the error's description. */
  readonly text: string;
  /** Whether the call failed. */
  readonly isError: boolean;
}

/** A tool's value as text for a model. */
export function toolText(value: unknown): string {
  if (value === undefined) return "done";
  return typeof value === "string" ? value : JSON.stringify(value as JsonValue) ?? String(value);
}
