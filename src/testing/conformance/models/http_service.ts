/** A service over HTTP that does what a test says, down to where its bytes are cut. @module */

/** What the service does with a request. */
export interface HttpAct {
  /** The status. Default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The body in the pieces in which it is sent. Default: none. */
  readonly body?: readonly Uint8Array<ArrayBuffer>[];
  /** Milliseconds before the response begins. Default 0. */
  readonly beforeMs?: number;
  /** Milliseconds between the pieces. Default 0. */
  readonly gapMs?: number;
  /**
   * What happens after the last piece: the response is complete; the connection breaks off; it stays
   * open and nothing comes any more, as on a half-open socket; or not even the response begins.
   * Default `"complete"`.
   */
  readonly end?: "complete" | "cut" | "hang" | "silent";
}

const HEAD_END = "\r\n\r\n";

/** The service: one connection for each request. */
export class HttpService implements AsyncDisposable {
  /** How many requests it was sent, except those that only read (GET). */
  requests = 0;
  readonly #listener: Deno.Listener;
  readonly #acts: HttpAct[];
  readonly #open = new Set<Deno.Conn>();
  readonly #handling = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #closing = new AbortController();

  /** @param acts one for each request; the last one is repeated */
  constructor(acts: readonly HttpAct[]) {
    this.#acts = [...acts];
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accepting = this.#accept();
  }

  /** The address without a slash at its end. */
  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}/v1`;
  }

  /** How many requests are open. */
  get openRequests(): number {
    return this.#open.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#listener.close();
    for (const conn of this.#open) close(conn);
    await Promise.all([this.#accepting, ...this.#handling]);
  }

  async #accept(): Promise<void> {
    try {
      for await (const conn of this.#listener) {
        this.#open.add(conn);
        const handling = this.#handle(conn)
          // The client is gone.
          .catch(() => {})
          .finally(() => {
            this.#open.delete(conn);
            this.#handling.delete(handling);
            close(conn);
          });
        this.#handling.add(handling);
      }
    } catch {
      // The listener was closed.
    }
  }

  async #handle(conn: Deno.Conn): Promise<void> {
    const isRead = await readRequest(conn) === "GET";
    // A client may ask for its models at the start.
    const act = isRead ? { status: 404 } : this.#next();
    if (!isRead) this.requests++;
    const gone = new AbortController();
    const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
    const watching = conn.read(new Uint8Array(1)).then(() => {}, () => {}).then(() => gone.abort());
    try {
      await perform(conn, act, signal);
    } finally {
      close(conn);
      await watching;
    }
  }

  #next(): HttpAct {
    return this.#acts.length > 1 ? this.#acts.shift()! : this.#acts[0] ?? {};
  }
}

async function perform(conn: Deno.Conn, act: HttpAct, signal: AbortSignal): Promise<void> {
  const { status = 200, headers = {}, body = [], beforeMs = 0, gapMs = 0, end } = act;
  if (end === "silent") return await aborted(signal);
  await pause(beforeMs, signal);
  const lines = Object.entries({
    ...headers,
    "connection": "close",
    "transfer-encoding": "chunked",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  await write(conn, `HTTP/1.1 ${status} Scripted\r\n${lines.join("")}\r\n`);
  for (const [index, piece] of body.entries()) {
    if (index > 0) await pause(gapMs, signal);
    if (signal.aborted) return;
    if (piece.length === 0) continue;
    await write(conn, `${piece.length.toString(16)}\r\n`);
    await writeAll(conn, piece);
    await write(conn, "\r\n");
  }
  if (end === "hang") return await aborted(signal);
  if (end !== "cut") await write(conn, "0\r\n\r\n");
}

/** Reads a request to its end, and returns its method. */
async function readRequest(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(65_536);
  let head = "";
  let bodyBytes = 0;
  while (!head.includes(HEAD_END)) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error("the client is gone");
    const text = String.fromCharCode(...buffer.subarray(0, count));
    const end = (head + text).indexOf(HEAD_END);
    if (end >= 0) bodyBytes = (head + text).length - end - HEAD_END.length;
    head += text;
  }
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  while (bodyBytes < length) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error("the client is gone");
    bodyBytes += count;
  }
  return head.slice(0, head.indexOf(" "));
}

function write(conn: Deno.Conn, text: string): Promise<void> {
  return writeAll(conn, new TextEncoder().encode(text));
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0 || signal.aborted) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([new Promise((resolve) => timer = setTimeout(resolve, ms)), aborted(signal)]);
  clearTimeout(timer);
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It is closed.
  }
}
