/** The parameters of a tool, as OpenAI accepts them. @module */
import type { ToolDescription } from "../../inference/contracts/tool.ts";

/** Returns the schema of a tool's arguments: OpenAI refuses all tools for one that names no properties. */
export function toolParameters({ parameters }: ToolDescription): ToolDescription["parameters"] {
  if (parameters.type !== "object" || parameters.properties !== undefined) return parameters;
  return { ...parameters, properties: {} };
}
