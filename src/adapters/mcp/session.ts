/** The session with a server: begun again when the server has forgotten it. @module */
import { Client } from "@modelcontextprotocol/sdk/client";
import type { CallToolResult, Tool } from "@modelcontextprotocol/sdk/types.js";
import { waitFor } from "@ringline/edge/toolkit";

type Transport = Parameters<Client["connect"]>[0];

/** A transport, and what only it knows. */
export interface Link {
  transport: Transport;
  /** Whether a request failed because the server does not know the session. */
  isForgotten: (error: unknown) => boolean;
  /** Tells the server that the session ends. */
  end: () => Promise<void>;
}

/** Options for a {@linkcode Session}. */
export interface SessionInit {
  /** Creates a transport. */
  link: () => Promise<Link>;
  /** The server's tools have changed. */
  onToolsChanged: () => void;
  /** Ends an attempt to connect. */
  signal?: AbortSignal;
}

/** The version of this package. */
export const VERSION = "0.1.0";

/** No server has so many tools: its list goes round. */
const MAX_PAGES = 1000;

/** How long the end of a session may take. */
const END_MS = 2000;

/** A client and its transport. */
interface Connected {
  client: Client;
  link: Link;
  /** Requests that are not over. */
  requests: number;
}

/** A session with a server. */
export class Session {
  readonly #options: SessionInit;
  #connecting: Promise<Connected> | undefined;
  #connected: Connected | undefined;
  #isClosed = false;

  constructor(options: SessionInit) {
    this.#options = options;
  }

  /** Returns all tools of the server, one of each name. */
  async tools(): Promise<Tool[]> {
    return await this.#use(async (client) => {
      const tools = new Map<string, Tool>();
      let cursor: string | undefined;
      for (let count = 0; count < MAX_PAGES; count++) {
        const page = await client.listTools({ cursor }, { signal: this.#options.signal });
        for (const tool of page.tools) if (!tools.has(tool.name)) tools.set(tool.name, tool);
        // Some servers return the last page's cursor with the last page.
        if (page.nextCursor === undefined || page.nextCursor === cursor) return [...tools.values()];
        cursor = page.nextCursor;
      }
      throw new Error(`its list of tools does not end: there are more than ${MAX_PAGES} pages`);
    });
  }

  /** Calls a tool. */
  async call(
    { name, execution }: Tool,
    input: Record<string, unknown>,
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<CallToolResult> {
    const request = { name, arguments: input };
    const limits = { signal: options.signal, timeout: options.timeoutMs };
    return await this.#use(async (client) =>
      (execution?.taskSupport === "required"
        ? await runTask(client, request, limits)
        : await client.callTool(request, undefined, limits)) as CallToolResult
    );
  }

  /** Ends the session. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const connected = await this.#connecting?.catch(() => undefined);
    this.#connecting = this.#connected = undefined;
    if (!connected) return;
    const { client, link } = connected;
    // A server that does not respond does not keep the agent.
    await waitFor(link.end(), "the end of the session", { timeoutMs: END_MS }).catch(() => {});
    await client.close();
  }

  /** Sends requests, and again in a new session when the server has forgotten this one. */
  async #use<T>(request: (client: Client) => Promise<T>): Promise<T> {
    const connected = await this.#connect();
    try {
      connected.requests++;
      return await request(connected.client);
    } catch (error) {
      // It did nothing with a request of a session that it does not know.
      if (!connected.link.isForgotten(error)) throw error;
      // Another request may have begun the next session already.
      if (this.#connected === connected) this.#connecting = this.#connected = undefined;
    } finally {
      // The others have to hear, too, that their session is unknown.
      if (--connected.requests === 0 && this.#connected !== connected) {
        connected.client.close().catch(() => {});
      }
    }
    return await request((await this.#connect()).client);
  }

  async #connect(): Promise<Connected> {
    if (this.#isClosed) throw new Error("the connection to the MCP server is closed");
    const connecting = this.#connecting ??= this.#open();
    try {
      return this.#connected = await connecting;
    } catch (error) {
      if (this.#connecting === connecting) this.#connecting = undefined;
      throw error;
    }
  }

  async #open(): Promise<Connected> {
    const client = new Client({ name: "ringline", version: VERSION }, {
      // The SDK would refuse all of a server's tools when it cannot read the output schema of one. The
      // model receives the text of a result; its schema is not used here.
      jsonSchemaValidator: {
        getValidator: () => (data: unknown) => ({
          valid: true,
          data: data as never,
          errorMessage: undefined,
        }),
      },
      listChanged: { tools: { autoRefresh: false, onChanged: this.#options.onToolsChanged } },
    });
    const link = await this.#options.link();
    try {
      await client.connect(link.transport, { signal: this.#options.signal });
      const connected: Connected = { client, link, requests: 0 };
      // The server's program has ended: the next request starts it again.
      client.onclose = () => {
        if (this.#connected === connected) this.#connecting = this.#connected = undefined;
      };
      return connected;
    } catch (error) {
      await client.close().catch(() => {});
      throw error;
    }
  }
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
