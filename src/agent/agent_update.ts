/** Changes of an agent in its call. @module */
import type { AgentUpdate, HandoffOptions } from "./agent_context.ts";
import type { ConversationOptions } from "./conversation_options.ts";
import { checkObject, shown } from "../events/checks.ts";

/** The options of a conversation that can be changed in a call. */
const UPDATABLE = [
  "tools",
  "llm",
  "stt",
  "tts",
  "vad",
  "turnHandling",
  "textTransform",
  "pronunciations",
  "onFailure",
] as const satisfies readonly (keyof AgentUpdate & keyof ConversationOptions)[];

/** Returns the options that an update changes, and their values. */
export function changesOf(update: AgentUpdate): Partial<ConversationOptions> {
  const changes = UPDATABLE.filter((name) => update[name] !== undefined)
    .map((name) => [name, update[name]]);
  return Object.fromEntries(changes);
}

/** Throws a TypeError for an option that cannot be changed in a call, and for wrong instructions. */
export function checkUpdate(update: AgentUpdate): void {
  checkObject(update, "update", "an object like { instructions, tools }");
  checkChangeable("update", update, []);
  checkInstructions("update", update.instructions);
}

/** Throws a TypeError for a handoff that makes no sense. */
export function checkHandoff(to: HandoffOptions): void {
  checkObject(to, "handoff", "an object like { name, instructions, tools }");
  checkChangeable("handoff", to, ["name", "history", "onEnter"]);
  const { name, instructions, history = "all", onEnter } = to;
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`handoff: name: expected a text, got ${shown(name)}`);
  }
  if (instructions === undefined) {
    throw new TypeError(`handoff: instructions: expected a text, got undefined`);
  }
  checkInstructions("handoff", instructions);
  if (onEnter !== undefined && typeof onEnter !== "function") {
    throw new TypeError(`handoff: onEnter: expected a function, got ${shown(onEnter)}`);
  }
  if (history === "all" || history === "none" || typeof history === "function") return;
  throw new TypeError(
    `handoff: history: expected "all", "none" or a function, got ${shown(history)}`,
  );
}

function checkChangeable(what: string, options: object, more: readonly string[]): void {
  const names: readonly string[] = ["instructions", ...UPDATABLE, ...more];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || names.includes(name)) continue;
    throw new TypeError(
      `${what}: ${name} cannot be changed in a call; what can is ${names.join(", ")}`,
    );
  }
}

function checkInstructions(what: string, instructions: unknown): void {
  if (instructions === undefined || typeof instructions === "string") return;
  throw new TypeError(`${what}: instructions: expected a text, got ${shown(instructions)}`);
}
