/**
 * Tools of a Model Context Protocol server, through the official SDK.
 *
 * @module
 */
import { Client } from "@modelcontextprotocol/sdk/client";
import { InferenceError, type JsonSchema, type Tool } from "@ringline/edge";
import { checkObject, messageOf } from "@ringline/edge/toolkit";

/** Which server, and what of it is used. */
export type McpServerOptions =
  & {
    /** Only these tools. Default: all of them. */
    only?: readonly string[];
    /** Put before each tool's name, for servers that have tools of the same name. */
    prefix?: string;
    /** How long a tool may take. Default 10,000. */
    timeoutMs?: number;
    /** Aborting it gives the connecting up. */
    signal?: AbortSignal;
  }
  & (
    | {
      /** The server's address (streamable HTTP). */
      url: string | URL;
      headers?: Readonly<Record<string, string>>;
    }
    | {
      /** The server's program, spoken to over its standard streams; needs `--allow-run`. */
      command: string;
      args?: readonly string[];
      /** All that it sees of the environment beside the path and home. */
      env?: Readonly<Record<string, string>>;
    }
  );

/** A server's tools, for as long as it is not closed. */
export interface McpServer extends AsyncDisposable {
  /**
   * What an agent takes as `tools`. As it joins, the agent's logger is told what of their schemas
   * cannot be checked.
   */
  readonly tools: readonly Tool[];
  /** Ends the connection, and the program where there is one. */
  close(): Promise<void>;
}

/**
 * Connects to a server and lists its tools: what an agent takes as `tools`. Close it after the
 * agent.
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
    // The SDK would refuse all of a server's tools when one has an output schema that it cannot
    // read. The model is given the text of a result; its shape is not used here.
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

/** Only what the server is reached by is loaded. */
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

/** Calls a tool and gives its text. */
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

/** Calls a tool that its server runs as a task only: the result is asked for until it is there. */
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
