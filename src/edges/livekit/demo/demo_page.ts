/** The page of a call in a LiveKit room, served to browsers on this machine. @module */
import html from "./page/index.html" with { type: "text" };
import script from "./page/page.js" with { type: "text" };
import style from "./page/page.css" with { type: "text" };

const SCRIPT = "text/javascript; charset=utf-8";

/** Serves the page, from the first link on until it is closed. */
export class DemoPage {
  readonly #servers: readonly string[];
  #server: Promise<Deno.HttpServer<Deno.NetAddr>> | undefined;

  /** @param servers the addresses that the page may connect to */
  constructor(servers: readonly string[]) {
    this.#servers = servers;
  }

  /** Returns the link of a page that joins with a token: the token stays in the browser. */
  async link(token: string): Promise<URL> {
    const { addr } = await (this.#server ??= this.#serve());
    const url = new URL(`http://127.0.0.1:${addr.port}/`);
    url.hash = `${new URLSearchParams({ url: this.#servers[0]!, token })}`;
    return url;
  }

  /** Serves it no longer. */
  async close(): Promise<void> {
    await (await this.#server)?.shutdown();
  }

  async #serve(): Promise<Deno.HttpServer<Deno.NetAddr>> {
    // LiveKit's client for browsers is loaded here only; nothing of it runs in this process.
    const { default: client } = await import("livekit-client", { with: { type: "text" } });
    const files: Readonly<Record<string, readonly [string, string]>> = {
      "/": ["text/html; charset=utf-8", html],
      "/page.js": [SCRIPT, script],
      "/page.css": ["text/css; charset=utf-8", style],
      "/livekit-client.js": [SCRIPT, client as unknown as string],
    };
    const headers = headersFor(this.#servers);
    return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      const file = request.method === "GET" ? files[new URL(request.url).pathname] : undefined;
      if (!file) return new Response("not found", { status: 404, headers });
      return new Response(file[1], { headers: { ...headers, "content-type": file[0] } });
    });
  }
}

/** The page loads nothing from elsewhere, connects to the room's servers only, and cannot be framed. */
function headersFor(servers: readonly string[]): Record<string, string> {
  // Behind a secure address there may be others, as in LiveKit's cloud.
  const origins = servers.map((url) => {
    const { host, protocol } = new URL(url);
    return protocol === "wss:" ? "wss: https:" : `ws://${host} http://${host}`;
  });
  return {
    "content-security-policy": [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "media-src 'self' blob:",
      "worker-src 'self' blob:",
      `connect-src 'self' ${origins.join(" ")}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
  };
}
