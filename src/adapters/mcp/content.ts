/** What a tool of a server returns, as text and images for a model. @module */
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { ToolImage } from "@ringline/edge";

type Part = CallToolResult["content"][number];

/** Returns the text of a result. What is no text is named, so that the model knows of it. */
export function textOf({ content, structuredContent }: CallToolResult): string {
  // Servers should repeat it as text; those that do not would return nothing.
  if (content.length === 0 && structuredContent) return JSON.stringify(structuredContent);
  return content.map(textOfPart).join("\n");
}

/** What models take; most refuse a conversation with another type in it, for good. */
const SEEN = /^image\/(png|jpeg|webp|gif)$/i;

/**
 * Returns the images of a result that models can see, embedded resources among them. The text names
 * the others.
 */
export function imagesOf({ content }: CallToolResult): ToolImage[] {
  return content.flatMap((part: Part): ToolImage[] => {
    const { mimeType: mediaType = "", data = "" } = part.type === "image"
      ? part
      : part.type === "resource" && "blob" in part.resource
      ? { mimeType: part.resource.mimeType, data: part.resource.blob }
      : {};
    if (!SEEN.test(mediaType)) return [];
    // The SDK has checked that it is base64.
    const bytes = Uint8Array.fromBase64(data);
    return bytes.length > 0 ? [{ mediaType, data: bytes }] : [];
  });
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
