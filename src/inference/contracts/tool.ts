/** Tools: what a model may call, and how a call of one goes. @module */
import type { JsonValue, Participant } from "../../edge/types.ts";
import type { FromSchema, JsonSchema } from "./json_schema.ts";
import type { StandardSchema } from "./standard_schema.ts";
import type { ToolCall, ToolImage } from "./messages.ts";
import { argumentCheck } from "../schema/argument_check.ts";
import { isStandardSchema, jsonSchemaOf } from "../schema/standard_check.ts";
import { checkDuration } from "../../events/waiting.ts";
import { checkMethods, checkObject, checkOptions, shown } from "../../events/checks.ts";

/** A tool as a model sees it. */
export interface ToolDescription {
  /** Letters, digits, `_` and `-`; at most 64. */
  readonly name: string;
  /** The purpose of the tool and when to use it, for the model. */
  readonly description: string;
  /** The schema of its arguments, an object. */
  readonly parameters: JsonSchema;
}

/** The agent, as a tool sees it. */
export interface ToolAgent {
  /** Says `text`, immediately unless something else is being said; see `Agent.say`. */
  say(text: string): Promise<unknown>;
  /** Says the last words, and ends the call when they were heard; see `Agent.hangUp`. */
  hangUp(options?: { say?: string }): Promise<void>;
  /** Changes the agent: its instructions, its tools, and more; see `Agent.update`. */
  update(options: { instructions?: string; tools?: readonly Tool[] }): Promise<void>;
}

/** The context of a tool call. */
export interface ToolContext {
  /**
   * Identifies the call within its conversation: an idempotency key, for services that must not act
   * twice on one order. Join it with the call's id where a key must be unique among all calls.
   */
  readonly callId: string;
  /**
   * Aborted when the time is up, two seconds after the agent has left at the latest, and, with
   * `onInterruption: "abort"`, when a person interrupts.
   */
  readonly signal: AbortSignal;
  /** The participant the reply is for, where known. */
  readonly participant: Participant | undefined;
  /** The agent whose model made the call. */
  readonly agent: ToolAgent;
  /**
   * Reports how far it is: emits a `ToolProgressEvent`, and tells the model if that has its output
   * already, as of a tool that runs in the background.
   */
  progress(text: string): void;
}

/**
 * What an interruption means to a tool that runs: it finishes, and the model gets its result;
 * its signal is aborted; or people cannot interrupt the agent while it runs.
 */
export type ToolInterruption = "finish" | "abort" | "refuse";

/**
 * What happens when the model calls a tool again with the same arguments, while the first call runs
 * or after it succeeded: the tool runs; the model gets an error; or the model gets an error unless a
 * person has spoken since it got the first one, so that it can ask them. A call by an agent before a
 * handoff is another agent's.
 */
export type ToolDuplicate = "allow" | "reject" | "confirm";

/** A function that a model can call. */
export interface Tool extends ToolDescription {
  /**
   * The schema of a library that checks the arguments in place of `parameters`; `execute` gets what it
   * makes of them.
   */
  readonly argumentSchema?: StandardSchema;
  /**
   * Time limit in milliseconds; after it the model gets a timeout error as the result. A tool that
   * succeeds after it is told of in a message.
   */
  readonly timeoutMs: number;
  /** What an interruption means to it. Default `"finish"`. */
  readonly onInterruption?: ToolInterruption;
  /** What happens when the model calls it again with the same arguments. Default `"allow"`. */
  readonly onDuplicate?: ToolDuplicate;
  /** What the agent says while it runs, e.g. `"One moment, please."`. Default: nothing. */
  readonly filler?: string;
  /** How long it has run, in silence, before that is said. Default 0. */
  readonly fillerAfterMs?: number;
  /**
   * Whether the reply goes on while it runs: the model is told that it runs, and its result at the next
   * quiet moment, when the agent replies to it. Default `false`: the reply waits for the result.
   */
  readonly background?: boolean;
  /** Runs the tool. The model gets what it throws as an error. */
  execute(input: never, context: ToolContext): unknown;
}

/** The schema of a tool without parameters. */
export type NoParameters = { readonly type: "object"; readonly properties: Record<never, never> };

/** The type of the arguments that `execute` gets. */
export type ToolInput<S> = S extends StandardSchema<infer _, infer Output> ? Output : FromSchema<S>;

const NO_PARAMETERS: NoParameters = { type: "object", properties: {} };
const NAME = /^[\w-]{1,64}$/;
const DEFINITION = {
  name: true,
  description: true,
  parameters: true,
  timeoutMs: true,
  execute: true,
  onInterruption: true,
  onDuplicate: true,
  filler: true,
  fillerAfterMs: true,
  background: true,
} as const;

/**
 * Creates a tool from a function: arguments are checked against the schema before the call, and
 * typed by it. The schema is a JSON Schema, or one of a library that implements Standard Schema (Zod,
 * Valibot, ArkType), which the model is told as JSON Schema.
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
 * @throws {TypeError} models do not accept the name, or the schema cannot be read, or an option has
 *   another value than it may.
 */
export function defineTool<const S extends JsonSchema | StandardSchema = NoParameters>(definition: {
  name: string;
  description: string;
  /** A JSON Schema, or the schema of a library. Default: no parameters. */
  parameters?: S;
  /** Default 10,000. */
  timeoutMs?: number;
  /** Default `"finish"`. */
  onInterruption?: ToolInterruption;
  /** Default `"allow"`. */
  onDuplicate?: ToolDuplicate;
  /** Default: nothing. */
  filler?: string;
  /** Default 0. */
  fillerAfterMs?: number;
  /** Default `false`. */
  background?: boolean;
  execute: (input: ToolInput<S>, context: ToolContext) => unknown;
}): Tool {
  checkOptions(definition, "a tool", DEFINITION, "an object like { name, description, execute }");
  const { name, description, timeoutMs = 10_000, execute } = definition;
  const { onInterruption = "finish", onDuplicate = "allow" } = definition;
  const { filler, fillerAfterMs = 0, background = false } = definition;
  const options = { onInterruption, onDuplicate, filler, fillerAfterMs, background };
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new TypeError(`a tool's name: expected one that matches ${NAME}, got ${shown(name)}`);
  }
  if (typeof description !== "string") {
    throw new TypeError(`the tool ${name}: expected a description, got ${shown(description)}`);
  }
  const { parameters, ...argumentSchema } = readParameters(name, definition.parameters);
  checkMethods(definition, `the tool ${name}`, "a definition", ["execute"]);
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs: expected > 0, got ${timeoutMs}`);
  checkToolOptions(`the tool ${name}`, options);
  return { name, description, parameters, ...argumentSchema, timeoutMs, ...options, execute };
}

function readParameters(
  name: string,
  schema: unknown = NO_PARAMETERS,
): Pick<Tool, "parameters" | "argumentSchema"> {
  try {
    const isStandard = isStandardSchema(schema);
    if (!isStandard) checkObject(schema, "the schema", "a JSON schema or one of a library");
    const parameters = isStandard ? jsonSchemaOf(schema) : schema as JsonSchema;
    argumentCheck(parameters);
    return isStandard ? { parameters, argumentSchema: schema } : { parameters };
  } catch (cause) {
    throw new TypeError(`the parameters of ${name}: ${(cause as Error).message}`, { cause });
  }
}

const CHOICES = {
  onInterruption: ["finish", "abort", "refuse"],
  onDuplicate: ["allow", "reject", "confirm"],
} as const;

/** Throws a TypeError or a RangeError for an option of a tool that it cannot have. */
export function checkToolOptions(what: string, tool: Partial<Tool>): void {
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value: unknown = tool[name as keyof typeof CHOICES];
    if (value === undefined || (choices as readonly unknown[]).includes(value)) continue;
    throw new TypeError(
      `${name} of ${what}: expected ${choices.join(" or ")}, got ${shown(value)}`,
    );
  }
  const { filler = "", background = false, fillerAfterMs = 0 } = tool;
  if (typeof filler !== "string") {
    throw new TypeError(`filler of ${what}: expected a text, got ${shown(filler)}`);
  }
  if (typeof background !== "boolean") {
    throw new TypeError(`background of ${what}: expected true or false, got ${shown(background)}`);
  }
  checkDuration(`fillerAfterMs of ${what}`, fillerAfterMs);
}

/** The start of a tool call, before the tool acts. */
export interface ToolStart {
  /** The call. */
  readonly call: ToolCall;
  /** The participant the reply is for, where known. */
  readonly participant: Participant | undefined;
}

/** The outcome of a tool call. */
export interface ToolEnd extends ToolStart {
  /** The result that the model gets. */
  readonly result: ToolResult;
  /** Milliseconds since the start. */
  readonly durationMs: number;
  /** Whether it came after another one: the tool succeeded after its time was up. */
  readonly late: boolean;
}

/** The result of a tool call, as the model gets it. */
export interface ToolResult {
  /** The result, or the error's description. */
  readonly text: string;
  /** Whether the call failed. */
  readonly isError: boolean;
  /** Its images, where it has some. */
  readonly images?: readonly ToolImage[];
}

/** What models take; most refuse a conversation with another type in it, for good. */
const SEEN_IMAGE = /^image\/(png|jpeg|webp|gif)$/i;

/**
 * What a tool returns that is more than a text: images, which a model gets that accepts them. Others get
 * the text alone. So do all where the model was told before that the tool runs on: in the background, or
 * after an interruption or its time limit.
 *
 * @example
 * ```ts
 * import { defineTool, ToolOutput } from "@ringline/edge";
 *
 * const data = new Uint8Array(); // the file
 * const plan = defineTool({
 *   name: "show_plan",
 *   description: "Shows the plan of a floor",
 *   execute: () => new ToolOutput("The plan.", { images: [{ mediaType: "image/png", data }] }),
 * });
 * ```
 */
export class ToolOutput {
  /** The text. */
  readonly text: string;
  /** The images. */
  readonly images: readonly ToolImage[];

  /**
   * Creates an output.
   *
   * @throws {TypeError} the text is none, or an image has another `mediaType` than models take, or no
   *   `data`.
   */
  constructor(text: string, options: { readonly images: readonly ToolImage[] }) {
    if (typeof text !== "string") throw new TypeError(`text: expected a text, got ${shown(text)}`);
    checkOptions(options, "options", { images: true }, "{ images: [...] }");
    const { images } = options;
    if (!Array.isArray(images)) {
      throw new TypeError(`options.images: expected an array, got ${shown(images)}`);
    }
    for (const image of images) {
      checkObject(image, "an image", "{ mediaType, data }");
      const { mediaType, data } = image as ToolImage;
      const isSeen = typeof mediaType === "string" && SEEN_IMAGE.test(mediaType);
      const isFile = data instanceof Uint8Array;
      if (isSeen && isFile && data.length > 0) continue;
      const found = `${shown(mediaType)} and ${isFile ? `${data.length} bytes` : shown(data)}`;
      throw new TypeError(
        `an image: expected the mediaType image/png, image/jpeg, image/webp or image/gif, and its ` +
          `file as data, got ${found}`,
      );
    }
    this.text = text;
    this.images = images.map(({ mediaType, data }: ToolImage) => ({
      mediaType: mediaType.toLowerCase(),
      data,
    }));
  }
}

/** A tool's value as text for a model. */
export function toolText(value: unknown): string {
  if (value === undefined) return "done";
  return typeof value === "string" ? value : JSON.stringify(value as JsonValue) ?? String(value);
}
