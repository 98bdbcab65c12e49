/** An MCP server over standard streams, by the official SDK: shouts what it is told. */
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
server.setRequestHandler(CallToolRequestSchema, ({ params }: CallToolRequest) => ({
  content: [{ type: "text", text: String(params.arguments?.text).toUpperCase() }],
}));
await server.connect(new StdioServerTransport());
