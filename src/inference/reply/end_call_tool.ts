/** A ready-made tool with which the model hangs up. @module */
import { defineTool, type Tool } from "../contracts/tool.ts";
import { checkOptions, shown } from "../../events/checks.ts";

/** Options for {@linkcode endCallTool}. */
export interface EndCallToolOptions {
  /** The tool's name. Default `"end_call"`. */
  name?: string;
  /** When the model is to call it. Default: when a person says goodbye, or asks to hang up. */
  description?: string;
  /** What the agent says where the model chooses no words. Default: nothing. */
  say?: string;
}

/** How long the last words may take, and the end of the call. */
const TIMEOUT_MS = 60_000;

/**
 * Creates a tool with which the model ends the call: the agent says the words that the model chooses,
 * and ends the call when they were heard.
 *
 * @example
 * ```ts
 * import { endCallTool } from "@ringline/edge";
 *
 * const endCall = endCallTool({ say: "Goodbye." });
 * console.log(endCall.name); // end_call: new Agent({ ..., tools: [endCall] })
 * ```
 *
 * @throws {TypeError} an option has the wrong type.
 */
export function endCallTool(options: EndCallToolOptions = {}): Tool {
  checkOptions(
    options,
    "options",
    { name: true, description: true, say: true },
    'an object like { say: "Goodbye." }, or nothing',
  );
  const { say } = options;
  if (say !== undefined && typeof say !== "string") {
    throw new TypeError(`say: expected a text, got ${shown(say)}`);
  }
  return defineTool({
    name: options.name ?? "end_call",
    description: options.description ??
      "Ends the call. Use it when the person says goodbye or asks to hang up.",
    parameters: {
      type: "object",
      properties: {
        farewell: {
          type: "string",
          description: "The last words, in the person's language. Do not say them yourself before.",
        },
      },
    },
    timeoutMs: TIMEOUT_MS,
    onInterruption: "refuse",
    onDuplicate: "reject",
    execute: async ({ farewell }, { agent }) => {
      await agent.hangUp({ say: farewell || say });
      return "the call has ended";
    },
  });
}
