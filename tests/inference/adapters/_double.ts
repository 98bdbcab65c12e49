import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A service on a real socket that answers what it is told to, and remembers what it was asked. */
export class ServiceDouble implements AsyncDisposable {
  readonly requests: { path: string; headers: Headers; body: unknown }[] = [];
  /** Requests whose answer nobody waited for. */
  abandoned = 0;
  readonly #answers: Answer[];
  readonly #server: Server;

  private constructor(answers: Answer[]) {
    this.#answers = answers;
    this.#server = createServer((incoming, outgoing) => {
      this.#handle(incoming, outgoing).catch((error) => outgoing.destroy(error));
    });
  }

  /** @param answers one for each request; the last one is repeated */
  static async start(...answers: Answer[]): Promise<ServiceDouble> {
    const double = new ServiceDouble(answers);
    await new Promise<void>((resolve) => double.#server.listen(0, "127.0.0.1", resolve));
    return double;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { url = "/", method = "GET" } = incoming;
    const headers = new Headers(
      Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    );
    const pieces: Buffer[] = [];
    for await (const piece of incoming) pieces.push(piece);
    const body = method === "POST" ? new Uint8Array(Buffer.concat(pieces)) : undefined;
    const request = new Request(new URL(url, this.baseUrl), { method, headers, body });
    const isForm = headers.get("content-type")?.startsWith("multipart/");
    const read = !body ? undefined : isForm ? await request.formData() : await request.json();
    const { pathname: path } = new URL(request.url);
    this.requests.push({ path, headers, body: read });
    const answer = this.#answers.length > 1 ? this.#answers.shift()! : this.#answers[0]!;
    const response = await answer(read, path);
    outgoing.writeHead(response.status, [...response.headers].flat());
    outgoing.on("close", () => {
      if (!outgoing.writableFinished) this.abandoned++;
    });
    outgoing.flushHeaders();
    try {
      for await (const piece of response.body ?? []) outgoing.write(piece);
      outgoing.end();
    } catch {
      // What was written arrives, and then the connection ends in mid-answer.
      outgoing.socket?.end();
    }
  }
}

/** What a request is answered with. */
export type Answer = (body: unknown, path: string) => Response | Promise<Response>;

/** Refuses. */
export function refusal(status: number, message: string, headers: HeadersInit = {}): Answer {
  return () => Response.json({ error: { message } }, { status, headers });
}

/** Streams events, one a piece; what is no text is sent as JSON. */
export function events(
  list: readonly unknown[],
  options: { cut?: boolean; beforeMs?: number } = {},
): Answer {
  return () =>
    stream(
      list.map((one) => `data: ${typeof one === "string" ? one : JSON.stringify(one)}\n\n`),
      { ...options, type: "text/event-stream" },
    );
}

/** Streams pieces, and breaks the connection off in mid-answer when `cut`. */
export function stream(
  pieces: readonly (string | Uint8Array<ArrayBuffer>)[],
  options: { cut?: boolean; beforeMs?: number; type?: string } = {},
): Response {
  const { cut, beforeMs = 0, type = "application/octet-stream" } = options;
  const left = [...pieces];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (beforeMs > 0 && left.length === pieces.length) {
        await new Promise<void>((resolve) => timer = setTimeout(resolve, beforeMs));
      }
      const piece = left.shift();
      if (piece === undefined) {
        if (cut) controller.error(new Error("the double broke off"));
        else controller.close();
      } else {
        controller.enqueue(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
      }
    },
    cancel: () => clearTimeout(timer),
  });
  return new Response(body, { headers: { "content-type": type } });
}

/** Everything that an iterable gives, and the error that it ends with. */
export async function collect<T>(
  source: AsyncIterable<T>,
): Promise<{ items: T[]; error: Error | undefined }> {
  const items: T[] = [];
  try {
    for await (const item of source) items.push(item);
  } catch (error) {
    return { items, error: error as Error };
  }
  return { items, error: undefined };
}
