/** People in rooms, by LiveKit's own client in a page of a browser. */
import type { Browser, Page } from "../../../scripts/lib/browser.ts";
import type { PcmChunk } from "../../../src/audio/pcm_chunk.ts";

/** Returns LiveKit's client and the people who use it as a script for a page. */
async function bundle(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform", "browser"],
      new URL("./_guests.js", import.meta.url).pathname,
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Serves the page: of a file a browser would give no microphone. */
export class GuestPage implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(readonly page: Page, server: Deno.HttpServer<Deno.NetAddr>) {
    this.#server = server;
  }

  static async open(browser: Browser): Promise<GuestPage> {
    const script = await bundle();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      const isScript = new URL(request.url).pathname === "/guests.js";
      const type = isScript ? "text/javascript" : "text/html";
      const html = "<!doctype html><script type=module src=/guests.js></script>";
      return new Response(isScript ? script : html, { headers: { "content-type": type } });
    });
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    return new GuestPage(page, server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
    await this.#server.shutdown();
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
}
