/** An MCP server over standard streams, by the official SDK: shouts what it is told, and dies of "die". */
import { Server } from "npm:@modelcontextprotocol/sdk@1.32.2/server";
import { StdioServerTransport } from "npm:@modelcontextprotocol/sdk@1.32.2/server/stdio.js";
import {
  type CallToolRequest,
  CallToolRequestSchema,
  ListToolsRequestSchema,
} from "npm:@modelcontextprotocol/sdk@1.32.2/types.js";

const server = new Server({ name: "shout", version: "1.0.0" }, { capabilities: { tools: {} } });
server.setRequestHandler(ListToolsRequestSchema, () => ({
  tools: [{
    name: "shout",
    inputSchema: { type: "object", properties: { text: { type: "string" } } },
  }],
}));
server.setRequestHandler(CallToolRequestSchema, ({ params }: CallToolRequest) => {
  const text = String(params.arguments?.text);
  if (text === "die") Deno.exit(1);
  return { content: [{ type: "text", text: text.toUpperCase() }] };
});
await server.connect(new StdioServerTransport());
