/** People in rooms, by LiveKit's own client in a page of a browser. */
import type { Browser, Page } from "../../../scripts/lib/browser.ts";
import type { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { until } from "../../fixtures/until.ts";

/** Returns a script for a page, with what it imports. */
async function bundle(script: URL): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", script.pathname],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Serves a page with one script: of a file a browser would give no microphone. */
export class ScriptServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(server: Deno.HttpServer<Deno.NetAddr>) {
    this.#server = server;
  }

  static async start(script: URL): Promise<ScriptServer> {
    const text = await bundle(script);
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    return new ScriptServer(Deno.serve(options, (request) => {
      const isScript = new URL(request.url).pathname === "/script.js";
      const type = isScript ? "text/javascript" : "text/html";
      const html = "<!doctype html><script type=module src=/script.js></script>";
      return new Response(isScript ? text : html, { headers: { "content-type": type } });
    }));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** A page with LiveKit's client, and the people who use it. */
export class GuestPage implements AsyncDisposable {
  readonly #server: ScriptServer;

  private constructor(readonly page: Page, server: ScriptServer) {
    this.#server = server;
  }

  static async open(browser: Browser): Promise<GuestPage> {
    const server = await ScriptServer.start(new URL("./_guests.js", import.meta.url));
    const page = await browser.newPage();
    await page.goto(server.url);
    return new GuestPage(page, server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
    await this.#server[Symbol.asyncDispose]();
  }
}

let count = 0;

/** What a person joins with. */
export interface Entry {
  url: string;
  token: string;
  /** Whether they have no microphone. */
  silent?: boolean;
  /** Options of LiveKit's `Room`. */
  options?: Record<string, unknown>;
}

/** A person in a room. */
export class Guest {
  private constructor(readonly page: Page, readonly name: string, readonly sid: string) {}

  static async join({ page }: GuestPage, entry: Entry): Promise<Guest> {
    const name = `guest-${++count}`;
    const sid = await page.evaluate(
      // deno-lint-ignore no-explicit-any
      (name, entry) => (globalThis as any).guests.join(name, entry),
      name,
      entry as unknown as Record<string, string>,
    );
    return new Guest(page, name, sid as string);
  }

  /** Calls a method of the person, or reads one of their fields. */
  async run<T = void>(method: string, ...args: unknown[]): Promise<T> {
    return await this.page.evaluate(
      // deno-lint-ignore no-explicit-any
      (name, method, args) => (globalThis as any).guests.run(name, method, args),
      this.name,
      method,
      args as string[],
    ) as T;
  }

  async speak({ samples, sampleRate, channels }: PcmChunk): Promise<void> {
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    await this.run("speak", bytes.toBase64(), sampleRate, channels);
  }

  log = () => this.run<string[]>("log");
  packets = (name: string) => this.run<number>("packets", name);
  audibleMs = () => this.run<number>("audibleMs");

  /** Waits until they hear the agents, from now on. */
  async hears(): Promise<void> {
    const before = await this.audibleMs();
    await until("the agent is heard", async () => await this.audibleMs() > before + 300, 60_000);
  }
}
