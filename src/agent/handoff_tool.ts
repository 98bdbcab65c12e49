/** Tools that hand the call over to another agent. @module */
import type { HandoffOptions } from "./agent_context.ts";
import { defineTool, type Tool } from "../inference/contracts/tool.ts";
import { Handoff } from "../inference/reply/handoff.ts";
import { checkObject, checkOptions, shown } from "../events/checks.ts";
import { checkHandoff } from "./agent_update.ts";

/** Options for {@linkcode handoffTool}. */
export interface HandoffToolOptions {
  /** The agent to hand over to, or a function that returns it when the tool is called. */
  to: HandoffOptions | (() => HandoffOptions | Promise<HandoffOptions>);
  /** When the model is to call it. Default: when the conversation is the other agent's. */
  description?: string;
  /** The tool's name. Default: `hand_over_to_` and the agent's name. */
  name?: string;
}

/** How long `to` may take. */
const TIMEOUT_MS = 30_000;

/**
 * Returns the result of a tool that hands the call over to another agent: the tool's `execute` returns
 * it. The model is told that it has, and nothing more is asked of it.
 *
 * @example
 * ```ts
 * import { defineTool, handoff } from "@ringline/edge";
 *
 * const toBilling = defineTool({
 *   name: "to_billing",
 *   description: "Connects the person to billing",
 *   parameters: { type: "object", properties: { invoice: { type: "string" } } },
 *   execute: ({ invoice = "unknown" }) =>
 *     handoff({ name: "Billing", instructions: `Help with the invoice ${invoice}.` }),
 * });
 * console.log(toBilling.name); // to_billing: new Agent({ ..., tools: [toBilling] })
 * ```
 *
 * @throws {TypeError} an option has the wrong type, or cannot be changed in a call.
 */
export function handoff(to: HandoffOptions): Handoff {
  checkHandoff(to);
  return new Handoff(to);
}

/**
 * Creates a tool with which the model hands the call over to another agent: instructions, tools, voice
 * and models change, the call does not.
 *
 * @example
 * ```ts
 * import { handoffTool } from "@ringline/edge";
 *
 * const billing = handoffTool({
 *   to: { name: "Billing", instructions: "You help with invoices." },
 *   description: "Use it for questions about an invoice.",
 * });
 * console.log(billing.name); // hand_over_to_billing: new Agent({ ..., tools: [billing] })
 * ```
 *
 * @throws {TypeError} an option has the wrong type.
 */
export function handoffTool(options: HandoffToolOptions): Tool {
  checkOptions(
    options,
    "options",
    { to: true, description: true, name: true },
    "an object like { to: { name, instructions } }",
  );
  const { to, description, name } = options;
  if (typeof to !== "function") {
    checkObject(to, "to", "an agent like { name, instructions }, or a function that returns one");
    checkHandoff(to);
  } else if (name === undefined) {
    throw new TypeError(`name: expected one where "to" is a function, got ${shown(name)}`);
  }
  const known = typeof to === "function" ? undefined : to.name;
  const whom = known ?? "another agent";
  return defineTool({
    name: name ?? `hand_over_to_${slugOf(known!)}`,
    description: description ??
      `Hands the conversation over to ${whom}. Use it when what the person needs is theirs to do.`,
    timeoutMs: TIMEOUT_MS,
    execute: async () => handoff(typeof to === "function" ? await to() : to),
  });
}

/** Returns a name as a part of a tool's name. */
function slugOf(name: string): string {
  const letters = name.normalize("NFKD").replaceAll(/\p{M}/gu, "");
  const slug = letters.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");
  return slug.replaceAll(/^_|_$/g, "").slice(0, 48) || "agent";
}
