import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
// Being imported it is installed: the server's own process fetches nothing.
import everything from "npm:@modelcontextprotocol/server-everything@2026.8.31/package.json" with {
  type: "json",
};
import { McpServer as SdkServer } from "npm:@modelcontextprotocol/sdk@1.32.2/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport as SdkTransport } from "npm:@modelcontextprotocol/sdk@1.32.2/server/webStandardStreamableHttp.js";
import type { CallToolResult } from "npm:@modelcontextprotocol/sdk@1.32.2/types.js";
import { connectMcp } from "../../src/adapters/mcp/mod.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { ToolExecutor } from "../../src/inference/reply/tool_executor.ts";
import { ServiceDouble } from "./_double.ts";
import { fileURLToPath } from "node:url";

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
          tools: ["fail", "hang"].map((name) => ({
            name,
            inputSchema: { type: "object" },
            // Not even the server knows what it means.
            outputSchema: { type: "object", properties: { a: { $ref: "#/nowhere" } } },
          })),
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
  const executor = new ToolExecutor(mcp.tools);
  const call = (name: string, input: Record<string, number>) =>
    executor.call({ id: "1", name, input }, { signal, participant: undefined });
  assertEquals(await call("calc_add", { a: 2, b: 3 }), { text: "5", isError: false });
  assertEquals(await call("calc_fail", {}), { text: "error: out of order", isError: true });
  assertEquals((await call("calc_hang", {})).isError, true);
});

Deno.test("mcpTools takes only the tools that are asked for", async () => {
  await using double = await ServiceDouble.start(server);
  await using mcp = await connectMcp({ url: double.baseUrl, only: ["fail"] });
  assertEquals(mcp.tools.map(({ name }) => name), ["fail"]);
});

Deno.test("mcpTools rejects a server that speaks no MCP, and says so", async () => {
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

Deno.test("mcpTools takes a program on this machine as server", async () => {
  const path = fileURLToPath(new URL("_mcp_program.ts", import.meta.url));
  await using mcp = await connectMcp({
    command: Deno.execPath(),
    args: ["run", "--no-lock", path],
  });
  const [tool] = mcp.tools;
  assertEquals(tool?.name, "shout");
  const input = { text: "hello" } as never;
  assertEquals(
    await tool!.execute(input, {
      callId: "c1",
      signal,
      participant: undefined,
      agent: {
        say: () => Promise.resolve(),
        hangUp: () => Promise.resolve(),
        update: () => Promise.resolve(),
      },
      progress: () => {},
    }),
    "HELLO",
  );
});

Deno.test("connectMcp starts a program again that has died", async () => {
  const path = fileURLToPath(new URL("_mcp_program.ts", import.meta.url));
  await using mcp = await connectMcp({
    command: Deno.execPath(),
    args: ["run", "--no-lock", path],
  });
  const executor = new ToolExecutor(mcp.tools);
  const shout = async (text: string) => {
    const call = { id: "1", name: "shout", input: { text } };
    return (await executor.call(call, { signal, participant: undefined })).text;
  };
  // The call may have done what it should: it is not repeated.
  assertMatch(await shout("die"), /Connection closed/);
  assertEquals(await shout("hello"), "HELLO");
});

Deno.test("connectMcp completes schemas for which models would refuse all tools", async () => {
  const schemas = [
    { type: "object" },
    {
      type: "object",
      properties: {
        items: { type: "array" },
        rows: { type: ["array", "null"], items: { type: "array", description: "cells" } },
        either: { anyOf: [{ type: "array" }, { type: "string" }] },
        pair: { type: "array", prefixItems: [{ type: "string" }] },
      },
      required: ["items"],
    },
  ];
  await using double = await ServiceDouble.start((body) => {
    if ((body as Rpc | undefined)?.method !== "tools/list") return server(body);
    const tools = schemas.map((inputSchema, n) => ({ name: `tool${n}`, inputSchema }));
    return Response.json({ jsonrpc: "2.0", id: (body as Rpc).id, result: { tools } });
  });
  await using mcp = await connectMcp({ url: double.baseUrl });
  assertEquals(mcp.tools.map(({ parameters }) => parameters), [
    { type: "object", properties: {} },
    {
      type: "object",
      properties: {
        items: { type: "array", items: {} },
        rows: {
          type: ["array", "null"],
          items: { type: "array", description: "cells", items: {} },
        },
        either: { anyOf: [{ type: "array", items: {} }, { type: "string" }] },
        pair: { type: "array", prefixItems: [{ type: "string" }] },
      },
      required: ["items"],
    },
  ]);
});

Deno.test("connectMcp names the tools that it is to use and the server lacks", async () => {
  await using double = await ServiceDouble.start(server);
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
  await using mcp = await connectMcp({ url: double.baseUrl, only: ["add", "shout"], logger });
  assertEquals(mcp.tools.map(({ name }) => name), ["add"]);
  assertEquals(warnings, ["only: the MCP server has no tool shout; it has add, fail, hang"]);
});

Deno.test("connectMcp ends a list of tools that goes round, and takes one of each name", async () => {
  for (const goesOn of [false, true]) {
    let page = 0;
    await using double = await ServiceDouble.start((body) => {
      if ((body as Rpc | undefined)?.method !== "tools/list") return server(body);
      const tools = ["add", "add"].map((name) => ({ name, inputSchema: schema }));
      const nextCursor = goesOn ? `page ${++page}` : "the same";
      return Response.json({ jsonrpc: "2.0", id: (body as Rpc).id, result: { tools, nextCursor } });
    });
    const connecting = connectMcp({ url: double.baseUrl });
    if (goesOn) {
      await assertRejects(() => connecting, InferenceError, "its list of tools does not end");
    } else {
      await using mcp = await connecting;
      assertEquals(mcp.tools.map(({ name }) => name), ["add"]);
    }
  }
});

Deno.test("connectMcp says what to do about a server that refuses, and whether to try again", async () => {
  const refusals: [number, boolean, string][] = [
    [401, false, "no key): pass headers that say who asks"],
    [404, false, "no key): url: expected the address of its streamable HTTP"],
    [503, true, "it responded with 503"],
  ];
  for (const [status, retryable, message] of refusals) {
    await using double = await ServiceDouble.start(() => new Response("no key", { status }));
    const error = await assertRejects(() => connectMcp({ url: double.baseUrl }), InferenceError);
    assertEquals([error.status, error.retryable], [status, retryable]);
    assertStringIncludes(error.message, message);
  }
});

Deno.test("mcpTools calls each tool of a server that others wrote", async () => {
  await using mcp = await connectMcp({
    // It tells that it starts, which is not for those who read what tests have to say.
    command: "sh",
    args: [
      ...["-c", 'exec "$0" "$@" 2>/dev/null', Deno.execPath()],
      ...["run", "-A", "--quiet", "--no-lock", "--cached-only"],
      ...[`npm:${everything.name}@${everything.version}`, "stdio"],
    ],
    timeoutMs: 60_000,
  });
  const inputs: Record<string, unknown> = {
    "echo": { message: "hello" },
    "get-annotated-message": { messageType: "debug", includeImage: true },
    "get-env": {},
    "get-resource-links": { count: 2 },
    "get-resource-reference": { resourceType: "Blob", resourceId: 2 },
    "get-structured-content": { location: "Chicago" },
    "get-sum": { a: 1, b: 2 },
    "get-tiny-image": {},
    "gzip-file-as-resource": { data: "data:text/plain,hello", outputType: "resource" },
    "toggle-simulated-logging": {},
    "toggle-subscriber-updates": {},
    "trigger-long-running-operation": { duration: 0.1, steps: 1 },
    // Runs as a task only.
    "simulate-research-query": { topic: "tea" },
  };
  assertEquals(mcp.tools.map(({ name }) => name).sort(), Object.keys(inputs).sort());
  const executor = new ToolExecutor(mcp.tools);
  const call = async (name: string, input: unknown) =>
    await executor.call({ id: "1", name, input: input as never }, {
      signal,
      participant: undefined,
    });
  const texts: Record<string, string> = {};
  for (const [name, input] of Object.entries(inputs)) {
    const { text, isError } = await call(name, input);
    assertEquals(isError, false, `${name}: ${text}`);
    texts[name] = text;
  }
  assertEquals(texts.echo, "Echo: hello");
  const { images = [] } = await call("get-tiny-image", {});
  const [png] = images;
  assertEquals([images.length, png!.mediaType], [1, "image/png"]);
  assertEquals([...png!.data.subarray(1, 4)], [..."PNG"].map((one) => one.charCodeAt(0)));
  assertMatch(texts["get-sum"]!, /\b3\b/);
  assertMatch(texts["simulate-research-query"]!, /tea/);
  const refused = [
    await call("get-sum", { a: 1, b: null }),
    await call("get-resource-links", { count: 11 }),
  ];
  assertEquals(refused.map(({ text }) => text), [
    "error: the arguments do not fit: arguments.b: expected number, got null",
    "error: the arguments do not fit: arguments.count: expected maximum 10, got 11",
  ]);
});

/** A server by the official SDK, over HTTP; `forget` makes it begin anew, without its sessions. */
function officialServer(init: (server: SdkServer) => void) {
  const sessions = new Map<string, { transport: SdkTransport; server: SdkServer }>();
  const requests: string[] = [];
  const listener = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      requests.push(request.method);
      const id = request.headers.get("mcp-session-id");
      const known = id === null ? undefined : sessions.get(id);
      if (id !== null && !known) {
        return Response.json({ error: "unknown session" }, {
          status: 404,
        });
      }
      if (known) return await known.transport.handleRequest(request);
      const server = new SdkServer({ name: "official", version: "1" });
      init(server);
      const transport = new SdkTransport({
        sessionIdGenerator: () => crypto.randomUUID(),
        onsessioninitialized: (id: string) => void sessions.set(id, { transport, server }),
        onsessionclosed: (id: string) => void sessions.delete(id),
      });
      await server.connect(transport);
      return await transport.handleRequest(request);
    },
  );
  const { port } = listener.addr;
  const forget = async () => {
    for (const [id, { server }] of sessions) {
      sessions.delete(id);
      await server.close();
    }
  };
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    sessions,
    requests,
    forget,
    async [Symbol.asyncDispose]() {
      await forget();
      await listener.shutdown();
    },
  };
}

const text = (text: string) => ({ content: [{ type: "text" as const, text }] });

Deno.test("connectMcp gives names that models accept to tools of any name", async () => {
  const long = "a".repeat(70);
  await using official = officialServer((server) => {
    for (const name of ["files.read", "files_read", `${long}1`, `${long}2`]) {
      server.registerTool(name, {}, () => text(name));
    }
  });
  await using mcp = await connectMcp({ url: official.url });
  const executor = new ToolExecutor(mcp.tools);
  const heard: Record<string, string> = {};
  for (const { name } of mcp.tools) {
    const result = await executor.call({ id: "1", name, input: {} }, {
      signal,
      participant: undefined,
    });
    heard[name] = result.text;
  }
  assertEquals(heard, {
    files_read_2: "files.read",
    files_read: "files_read",
    ["a".repeat(64)]: `${long}1`,
    [`${"a".repeat(62)}_2`]: `${long}2`,
  });
});

Deno.test("connectMcp begins a new session when the server has forgotten it, and ends the last", async () => {
  await using official = officialServer((server) => {
    server.registerTool("hello", {}, () => text("Hello."));
  });
  {
    await using mcp = await connectMcp({ url: official.url });
    const [first] = official.sessions.keys();
    await official.forget();
    const executor = new ToolExecutor(mcp.tools);
    const call = () =>
      executor.call({ id: "1", name: "hello", input: {} }, { signal, participant: undefined });
    const results = await Promise.all([call(), call()]);
    assertEquals(results.map(({ text }) => text), ["Hello.", "Hello."]);
    assertEquals(official.sessions.size, 1);
    assert(!official.sessions.has(first!));
  }
  assertEquals(official.sessions.size, 0, "the server was told of the end");
  assert(official.requests.includes("DELETE"));
});

Deno.test("connectMcp follows a server whose tools change", async () => {
  let add: ((name: string) => void) | undefined;
  await using official = officialServer((server) => {
    server.registerTool("first", {}, () => text("1"));
    add = (name) => void server.registerTool(name, {}, () => text(name));
  });
  const changed = Promise.withResolvers<string[]>();
  await using mcp = await connectMcp({
    url: official.url,
    onToolsChanged: (tools) => changed.resolve(tools.map(({ name }) => name)),
  });
  assertEquals(mcp.tools.map(({ name }) => name), ["first"]);
  add!("second");
  assertEquals(await changed.promise, ["first", "second"]);
  assertEquals(mcp.tools.map(({ name }) => name), ["first", "second"]);
});

Deno.test("connectMcp passes on what a resource says, and names what is no text", async () => {
  const content: CallToolResult["content"] = [
    {
      type: "resource",
      resource: { uri: "file:///a.txt", mimeType: "text/plain", text: "Inside." },
    },
    { type: "resource", resource: { uri: "file:///b.bin", blob: "AAAA" } },
    { type: "resource_link", uri: "file:///c.txt", name: "c", description: "the third" },
    { type: "image", mimeType: "image/png", data: "AAAA" },
    { type: "resource", resource: { uri: "file:///d.jpg", mimeType: "image/jpeg", blob: "AQID" } },
    // Models refuse these, and would refuse each later request of the call.
    { type: "image", mimeType: "image/svg+xml", data: "AAAA" },
    { type: "resource", resource: { uri: "file:///e.bmp", mimeType: "image/bmp", blob: "AQID" } },
    { type: "image", mimeType: "image/png", data: "" },
  ];
  await using official = officialServer((server) => {
    server.registerTool("look", {}, () => ({ content }));
    server.registerTool("measure", {}, () => ({ content: [], structuredContent: { degrees: 4 } }));
  });
  await using mcp = await connectMcp({ url: official.url });
  const executor = new ToolExecutor(mcp.tools);
  const call = (name: string) =>
    executor.call({ id: "1", name, input: {} }, { signal, participant: undefined });
  const { text, images } = await call("look");
  assertEquals(images, [
    { mediaType: "image/png", data: new Uint8Array(3) },
    { mediaType: "image/jpeg", data: Uint8Array.of(1, 2, 3) },
  ]);
  assertEquals(text.split("\n"), [
    "Inside.",
    "[resource: file:///b.bin]",
    "[resource: file:///c.txt, c: the third]",
    "[image: image/png]",
    "[resource: file:///d.jpg, image/jpeg]",
    "[image: image/svg+xml]",
    "[resource: file:///e.bmp, image/bmp]",
    "[image: image/png]",
  ]);
  assertEquals((await call("measure")).text, '{"degrees":4}');
});
