/** The way to a server, which can be cut. */

/** Passes connections on to a port; cut, it ends them and takes no more. */
export class Wire implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  /** The port that new connections are passed on to. */
  target: number;
  /** What the clients have asked for: the heads of their first requests, with when they came. */
  readonly requests: { atMs: number; head: string }[] = [];
  readonly #open = new Set<Deno.TcpConn>();
  readonly #done: Promise<void>;
  #isCut = false;

  constructor(target: number) {
    this.target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#done = this.#accept();
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Whether anything passes through it now. */
  get isInUse(): boolean {
    return this.#open.size > 0;
  }

  cut(isCut: boolean): void {
    this.#isCut = isCut;
    if (isCut) this.#closeAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#closeAll();
    await this.#done;
  }

  async #accept(): Promise<void> {
    const passing: Promise<void>[] = [];
    for await (const client of this.#listener) {
      if (this.#isCut) client.close();
      else passing.push(this.#pass(client));
    }
    await Promise.allSettled(passing);
  }

  async #pass(client: Deno.TcpConn): Promise<void> {
    const both = [client];
    this.#open.add(client);
    try {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: this.target });
      both.push(server);
      this.#open.add(server);
      // Each way ends by itself: closing both at the end of one would lose the last words of the other.
      const keep = (head: string) => this.requests.push({ atMs: Date.now(), head });
      await Promise.all([copy(client, server, keep), copy(server, client)]);
    } catch {
      // The server is gone, or the wire was cut.
    }
    for (const one of both) {
      this.#open.delete(one);
      close(one);
    }
  }

  #closeAll(): void {
    for (const one of this.#open) close(one);
    this.#open.clear();
  }
}

async function copy(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  onHead?: (head: string) => void,
): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (let isFirst = true;; isFirst = false) {
    const count = await from.read(buffer);
    if (count === null) break;
    if (isFirst) onHead?.(new TextDecoder("latin1").decode(buffer.subarray(0, count)));
    for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
  }
  await to.closeWrite();
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
