import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
// @ts-types="npm:@types/ws@8.18.2"
import { type WebSocket, WebSocketServer } from "npm:ws@8.23.0";

/**
 * A service on a real socket that answers what it is told to, and remembers what it was asked. What
 * a realtime model is asked to read at `/realtime` is asked and answered like a request.
 */
export class ServiceDouble implements AsyncDisposable {
  readonly requests: { path: string; query: string; headers: Headers; body: unknown }[] = [];
  /** Settles with the first request. */
  readonly asked: Promise<void>;
  /** Requests whose answer was not waited for. */
  abandoned = 0;
  readonly #answers: Answer[];
  readonly #asked = Promise.withResolvers<void>();
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });

  private constructor(answers: Answer[]) {
    this.#answers = answers;
    this.asked = this.#asked.promise;
    this.#server = createServer((incoming, outgoing) => {
      this.#handle(incoming, outgoing).catch((error) => outgoing.destroy(error));
    });
    this.#server.on("upgrade", (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
      this.#sockets.handleUpgrade(incoming, socket, head, (socket) => {
        socket.on("message", (data) => this.#read(incoming, socket, JSON.parse(String(data))));
      });
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

  /** Answers all that `act` asks with this answer, instead of the next one. */
  async answering(answer: Answer, act: () => unknown): Promise<void> {
    const answers = this.#answers.splice(0, Infinity, answer);
    await act();
    this.#answers.splice(0, Infinity, ...answers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    for (const socket of this.#sockets.clients) socket.terminate();
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
    const { pathname: path, search: query } = new URL(request.url);
    this.requests.push({ path, query, headers, body: read });
    this.#asked.resolve();
    const response = await this.#next()(read, path);
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

  /** The service's side of reading aloud. */
  async #read(incoming: IncomingMessage, socket: WebSocket, message: Message): Promise<void> {
    const send = (event: object) => socket.send(JSON.stringify(event));
    if (message.type === "session.update") return send({ type: "session.updated" });
    if (message.type !== "response.create") return;
    const { pathname: path, search: query } = new URL(incoming.url!, this.baseUrl);
    const headers = new Headers(
      Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    );
    this.requests.push({ path, query, headers, body: message });
    const response = await this.#next()(message, path);
    const { metadata } = message.response;
    const id = crypto.randomUUID();
    send({ type: "response.created", response: { id, metadata, status: "in_progress" } });
    for await (const piece of response.body ?? []) {
      send({ type: "response.output_audio.delta", response_id: id, delta: piece.toBase64() });
    }
    send({ type: "response.done", response: { id, metadata, status: "completed" } });
  }

  #next(): Answer {
    return this.#answers.length > 1 ? this.#answers.shift()! : this.#answers[0]!;
  }
}

/** A message of the realtime protocol. */
// deno-lint-ignore no-explicit-any
type Message = any;

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
