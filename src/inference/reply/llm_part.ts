import type { LLMPart } from "../contracts/llm.ts";

/**
 * A part of a model's answer that is what it says it is. Those of a type that is not known are left
 * alone.
 *
 * @throws {TypeError} it is not.
 */
export function checkPart(part: LLMPart, model: string): LLMPart {
  const wrong = flaw(part);
  if (wrong) throw new TypeError(`${model} gave a part ${wrong}`);
  return part;
}

function flaw(part: LLMPart | null | undefined): string | undefined {
  if (typeof part?.type !== "string") return `without a type: ${String(part)}`;
  if (part.type === "text" && typeof part.text !== "string") {
    return `of text whose text is ${typeof part.text}`;
  }
  if (part.type !== "tool-call") return undefined;
  const { id, name } = part.call ?? {};
  if (typeof id === "string" && typeof name === "string") return undefined;
  return "with a tool call that lacks an id or a name";
}
