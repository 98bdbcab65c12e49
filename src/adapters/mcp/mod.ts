/**
 * Tools of a Model Context Protocol server, through the official SDK.
 *
 * @module
 */
import { Client } from "@modelcontextprotocol/sdk/client";
import { InferenceError, type JsonSchema, type Tool } from "@ringline/edge";
import { checkObject, messageOf } from "@ringline/edge/toolkit";

/** Options for {@linkcode connectMcp}: a server, and which of its tools to use. */
export type McpServerOptions =
  & {
    /** The names of the tools to use. Default: all of them. */
    only?: readonly string[];
    /** A prefix for each tool's name, for servers that have tools of the same name. */
    prefix?: string;
    /** Time limit of a tool, in milliseconds. Default 10,000. */
    timeoutMs?: number;
    /** Aborting it ends the attempt to connect. */
    signal?: AbortSignal;
  }
  & (
    | {
      /** The server's address (streamable HTTP). */
      url: string | URL;
      /** Headers of every request. */
      headers?: Readonly<Record<string, string>>;
    }
    | {
      /** The server's program, used over its standard streams; needs `--allow-run`. */
      command: string;
      /** The program's arguments. */
      args?: readonly string[];
      /** The program's environment, beside `PATH`, `HOME` and the like. */
      env?: Readonly<Record<string, string>>;
    }
  );

/** A connected server, and its tools. */
export interface McpServer extends AsyncDisposable {
  /**
   * The tools, for the agent's option `tools`. When the agent joins, it logs the parts of their
   * schemas that it cannot check.
   */
  readonly tools: readonly Tool[];
  /** Ends the connection, and the program where there is one. */
  close(): Promise<void>;
}

/**
 * Connects to a server and lists its tools, for the agent's option `tools`. Close it after the agent.
 *
 * @throws {InferenceError} the server cannot be reached, or does not speak the protocol.
 */
export async function connectMcp(options: McpServerOptions): Promise<McpServer> {
  checkObject(options, "options", "{ url } or { command } of an MCP server");
  if (!("url" in options) && typeof options.command !== "string") {
    throw new TypeError("options: expected { url } or { command } of an MCP server, got neither");
  }
  const { only, prefix = "", timeoutMs = 10_000, signal } = options;
  const client = new Client({ name: "ringline", version: "0.1.0" }, {
    // The SDK would refuse all of a server's tools when it cannot read the output schema of one. The
    // model receives the text of a result; its schema is not used here.
    jsonSchemaValidator: {
      getValidator: () => (data: unknown) => ({
        valid: true,
        data: data as never,
        errorMessage: undefined,
      }),
    },
  });
  try {
    await client.connect(await transportOf(options), { signal });
    const tools: Tool[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.listTools({ cursor }, { signal });
      for (const { name, description = "", inputSchema, execution } of page.tools) {
        if (only && !only.includes(name)) continue;
        tools.push({
          name: `${prefix}${name}`,
          description,
          parameters: inputSchema as JsonSchema,
          timeoutMs,
          execute: (input: Record<string, unknown>, context) =>
            call(client, name, input, {
              timeoutMs,
              signal: context.signal,
              asTask: execution?.taskSupport === "required",
            }),
        });
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    const close = () => client.close();
    return { tools, close, [Symbol.asyncDispose]: close };
  } catch (cause) {
    await client.close().catch(() => {});
    signal?.throwIfAborted();
    const reason = messageOf(cause);
    throw new InferenceError(`the MCP server cannot be used: ${reason}`, {
      code: "mcp-unavailable",
      retryable: true,
      cause,
    });
  }
}

/** Loads and returns the transport for a server. */
async function transportOf(options: McpServerOptions): Promise<Transport> {
  if ("url" in options) {
    const { StreamableHTTPClientTransport } = await import(
      "@modelcontextprotocol/sdk/client/streamableHttp.js"
    );
    return new StreamableHTTPClientTransport(new URL(options.url), {
      requestInit: { headers: { ...options.headers } },
    });
  }
  const { StdioClientTransport } = await import(
    "@modelcontextprotocol/sdk/client/stdio.js"
  );
  const { command, args = [], env } = options;
  return new StdioClientTransport({
    command,
    args: [...args],
    env: env && { ...env },
    stderr: "inherit",
  });
}

type Transport = Parameters<Client["connect"]>[0];

/** Calls a tool and returns its text. */
async function call(
  client: Client,
  name: string,
  input: Record<string, unknown>,
  options: { timeoutMs: number; signal: AbortSignal; asTask: boolean },
): Promise<string> {
  const request = { name, arguments: input };
  const limits = { signal: options.signal, timeout: options.timeoutMs };
  const { content, isError } = options.asTask
    ? await runTask(client, request, limits)
    : await client.callTool(request, undefined, limits);
  const parts = content as { type: string; text?: string }[];
  const text = parts.map((one) => one.type === "text" ? one.text : `[${one.type}]`).join("\n");
  if (isError) throw new Error(text);
  return text;
}

/** Calls a tool that its server runs only as a task, and waits for the result. */
async function runTask(
  client: Client,
  request: Parameters<Client["callTool"]>[0],
  limits: { signal: AbortSignal; timeout: number },
): ReturnType<Client["callTool"]> {
  for await (
    const message of client.experimental.tasks.callToolStream(request, undefined, limits)
  ) {
    if (message.type === "error") throw message.error;
    if (message.type === "result") return message.result;
  }
  throw new Error("the task ended without a result");
}
