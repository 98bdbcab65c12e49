/**
 * Tools of a Model Context Protocol server, through the official SDK.
 *
 * @module
 */
import {
  consoleLogger,
  InferenceError,
  type JsonSchema,
  type Logger,
  type Tool,
  ToolOutput,
} from "@ringline/edge";
import { checkOptions, messageOf } from "@ringline/edge/toolkit";
import { imagesOf, textOf } from "./content.ts";
import { acceptedSchema } from "./schemas.ts";
import { type Link, Session } from "./session.ts";
import { modelNames } from "./tool_names.ts";

/** Options for {@linkcode connectMcp}: a server, and which of its tools to use. */
export type McpServerOptions =
  & {
    /** The names of the tools to use; the logger names those that the server lacks. Default: all of them. */
    only?: readonly string[];
    /** A prefix for each tool's name, for servers that have tools of the same name. */
    prefix?: string;
    /** Time limit of a tool, in milliseconds. Default 10,000. */
    timeoutMs?: number;
    /** Aborting it ends the attempt to connect. */
    signal?: AbortSignal;
    /**
     * Called with all tools when the server has others, e.g. for `agent.update({ tools })`. What it
     * throws is logged.
     */
    onToolsChanged?: (tools: readonly Tool[]) => void | Promise<void>;
    /** Default: the console. */
    logger?: Logger;
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

/** The options of both kinds of servers. */
type AnyServer = { [Name in OptionName]?: unknown };
type OptionName = McpServerOptions extends infer Each ? Each extends unknown ? keyof Each : never
  : never;

const OPTIONS: Readonly<Record<OptionName, true>> = {
  url: true,
  headers: true,
  command: true,
  args: true,
  env: true,
  only: true,
  prefix: true,
  timeoutMs: true,
  signal: true,
  onToolsChanged: true,
  logger: true,
};

/** A connected server, and its tools. */
export interface McpServer extends AsyncDisposable {
  /**
   * The tools, for the agent's option `tools`, as the server has them now. Characters that models
   * refuse in a name are `_` in theirs. When the agent joins, it logs the parts of their schemas that
   * it cannot check.
   */
  readonly tools: readonly Tool[];
  /** Ends the session and the connection, and the program where there is one. */
  close(): Promise<void>;
}

/**
 * Connects to a server and lists its tools, for the agent's option `tools`. Close it after the agent.
 *
 * @throws {InferenceError} the server cannot be reached, or does not speak the protocol.
 */
export async function connectMcp(options: McpServerOptions): Promise<McpServer> {
  const expected = "{ url } or { command } of an MCP server";
  checkOptions(options as AnyServer, "options", OPTIONS, expected);
  if (!("url" in options) && typeof options.command !== "string") {
    throw new TypeError("options: expected { url } or { command } of an MCP server, got neither");
  }
  const { only, prefix = "", timeoutMs = 10_000, signal, logger = consoleLogger } = options;
  let tools: readonly Tool[] = [];
  const session = new Session({
    link: () => linkOf(options),
    signal,
    onToolsChanged: () => void refresh(),
  });
  const list = async () => {
    const all = await session.tools();
    const found = all.filter(({ name }) => !only || only.includes(name));
    for (const name of only ?? []) {
      if (found.some((tool) => tool.name === name)) continue;
      const names = all.map((tool) => tool.name).join(", ");
      logger.warn(`only: the MCP server has no tool ${name}; it has ${names || "none"}`);
    }
    const names = modelNames(found.map(({ name }) => `${prefix}${name}`));
    tools = found.map((tool, n) => ({
      name: names[n]!,
      description: tool.description ?? "",
      parameters: acceptedSchema(tool.inputSchema as JsonSchema),
      timeoutMs,
      execute: async (input: Record<string, unknown>, context) => {
        const result = await session.call(tool, input, { timeoutMs, signal: context.signal });
        const text = textOf(result);
        if (result.isError) throw new Error(text || "the tool failed, and the server says no more");
        const images = imagesOf(result);
        return images.length > 0 ? new ToolOutput(text, { images }) : text;
      },
    }));
  };
  const refresh = async () => {
    try {
      await list();
      await options.onToolsChanged?.(tools);
    } catch (error) {
      logger.warn(`the tools of the MCP server have changed: ${messageOf(error)}`);
    }
  };
  const close = () => session.close();
  try {
    await list();
  } catch (cause) {
    await close().catch(() => {});
    signal?.throwIfAborted();
    throw unusable(cause);
  }
  return {
    get tools() {
      return tools;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What to do about some of the statuses with which a server refuses. */
const ADVICE: Readonly<Record<number, string>> = {
  401: ": pass headers that say who asks",
  403: ": pass headers of one who may use it",
  404: ": url: expected the address of its streamable HTTP, which the older HTTP with SSE is not",
  405: ": url: expected the address of its streamable HTTP, which the older HTTP with SSE is not",
};

/** Returns the error of a server that cannot be used. */
function unusable(cause: unknown): InferenceError {
  const { code } = Object(cause) as { code?: unknown };
  // The SDK's error of a response has its status as code; those of the protocol are negative.
  const status = typeof code === "number" && code >= 400 && code < 600 ? code : undefined;
  const reason = messageOf(cause);
  const why = status === undefined
    ? reason
    : `it responded with ${status} (${reason})${ADVICE[status] ?? ""}`;
  return new InferenceError(`the MCP server cannot be used: ${why}`, {
    code: "mcp-unavailable",
    retryable: status === undefined || status >= 500 || status === 408 || status === 429,
    status,
    cause,
  });
}

/** Loads and returns the transport for a server. */
async function linkOf(options: McpServerOptions): Promise<Link> {
  if ("url" in options) {
    const { StreamableHTTPClientTransport, StreamableHTTPError } = await import(
      "@modelcontextprotocol/sdk/client/streamableHttp.js"
    );
    const transport = new StreamableHTTPClientTransport(new URL(options.url), {
      requestInit: { headers: { ...options.headers } },
    });
    return {
      transport,
      end: () => transport.terminateSession(),
      isForgotten: (error) => {
        if (transport.sessionId === undefined || !(error instanceof StreamableHTTPError)) {
          return false;
        }
        const { code, message } = error as InstanceType<typeof StreamableHTTPError>;
        // 404 by the protocol; servers made after the SDK's examples respond with 400.
        return code === 404 || (code === 400 && /session/i.test(message));
      },
    };
  }
  const { StdioClientTransport } = await import(
    "@modelcontextprotocol/sdk/client/stdio.js"
  );
  const { command, args = [], env } = options;
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    env: env && { ...env },
    stderr: "inherit",
  });
  return { transport, end: () => Promise.resolve(), isForgotten: () => false };
}
