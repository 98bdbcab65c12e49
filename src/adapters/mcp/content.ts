/** What a tool of a server returns, as text for a model. @module */
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";

type Part = CallToolResult["content"][number];

/** Returns the text of a result. What is no text is named, so that the model knows of it. */
export function textOf({ content, structuredContent }: CallToolResult): string {
  // Servers should repeat it as text; those that do not would return nothing.
  if (content.length === 0 && structuredContent) return JSON.stringify(structuredContent);
  return content.map(textOfPart).join("\n");
}

function textOfPart(part: Part): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "image":
    case "audio":
      return `[${part.type}: ${part.mimeType}]`;
    case "resource": {
      const { resource } = part;
      if ("text" in resource) return resource.text;
      return `[resource: ${resource.uri}${resource.mimeType ? `, ${resource.mimeType}` : ""}]`;
    }
    case "resource_link":
      return `[resource: ${part.uri}, ${part.name}${
        part.description ? `: ${part.description}` : ""
      }]`;
    default:
      return `[${(part as { type: string }).type}]`;
  }
}
