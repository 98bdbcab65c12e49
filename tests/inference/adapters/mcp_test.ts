import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { connectMcp } from "../../../src/inference/adapters/mcp.ts";
import { InferenceError } from "../../../src/inference/errors.ts";
import { Toolbox } from "../../../src/inference/toolbox.ts";
import { ServiceDouble } from "./_double.ts";

interface Rpc {
  id?: number;
  method: string;
  params?: { name?: string; arguments?: { a?: number; b?: number }; cursor?: string };
}

const schema = { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } };

/** A server with two pages of tools, which adds, fails and hangs. */
function server(body: unknown): Response | Promise<Response> {
  const { id, method, params } = (body ?? { method: "GET" }) as Rpc;
  const result = (value: unknown) => Response.json({ jsonrpc: "2.0", id, result: value });
  switch (method) {
    case "initialize":
      return result({
        protocolVersion: "2025-06-18",
        capabilities: { tools: {} },
        serverInfo: { name: "double", version: "1" },
      });
    case "tools/list":
      return params?.cursor === undefined
        ? result({
          tools: [{ name: "add", description: "Adds", inputSchema: schema }],
          nextCursor: "2",
        })
        : result({
          tools: ["fail", "hang"].map((name) => ({ name, inputSchema: { type: "object" } })),
        });
    case "tools/call":
      if (params?.name === "hang") return new Promise(() => {});
      return params?.name === "add"
        ? result({
          content: [{ type: "text", text: String(params.arguments!.a! + params.arguments!.b!) }],
        })
        : result({ content: [{ type: "text", text: "out of order" }], isError: true });
    case "GET":
      return new Response(null, { status: 405 });
    default:
      return new Response(null, { status: 202 });
  }
}

const { signal } = new AbortController();

Deno.test("the tools of an MCP server are tools of the agent", async () => {
  await using double = await ServiceDouble.start(server);
  await using mcp = await connectMcp({ url: double.baseUrl, prefix: "calc_", timeoutMs: 300 });
  assertEquals(mcp.tools.map(({ name }) => name), ["calc_add", "calc_fail", "calc_hang"]);
  assertEquals(mcp.tools[0]?.parameters, schema as never);
  const toolbox = new Toolbox(mcp.tools);
  const call = (name: string, input: Record<string, number>) =>
    toolbox.call({ id: "1", name, input }, { signal, participant: undefined });
  assertEquals(await call("calc_add", { a: 2, b: 3 }), { text: "5", isError: false });
  assertEquals(await call("calc_fail", {}), { text: "error: out of order", isError: true });
  assertEquals((await call("calc_hang", {})).isError, true);
});

Deno.test("only the tools that are asked for are taken", async () => {
  await using double = await ServiceDouble.start(server);
  await using mcp = await connectMcp({ url: double.baseUrl, only: ["fail"] });
  assertEquals(mcp.tools.map(({ name }) => name), ["fail"]);
});

Deno.test("a server that is no MCP server is an error that says so", async () => {
  for (
    const answer of [
      () => new Response("gone", { status: 500 }),
      () => new Response("{broken", { headers: { "content-type": "application/json" } }),
    ]
  ) {
    await using double = await ServiceDouble.start(answer);
    const error = await assertRejects(() => connectMcp({ url: double.baseUrl }));
    assertInstanceOf(error, InferenceError);
    assertEquals(error.code, "mcp-unavailable");
  }
});

Deno.test("a program on this machine can be the server", async () => {
  const path = new URL("_mcp_program.ts", import.meta.url).pathname;
  await using mcp = await connectMcp({
    command: Deno.execPath(),
    args: ["run", "--no-lock", path],
  });
  const [tool] = mcp.tools;
  assertEquals(tool?.name, "shout");
  const input = { text: "hello" } as never;
  assertEquals(await tool!.execute(input, { signal, participant: undefined }), "HELLO");
});
