/** Passes connections on to a port, until it loses them: then they stay open, and nothing comes through. */
export class LossyProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #port: number;
  readonly #conns = new Set<Deno.Conn>();
  readonly #pipes: Promise<void>[] = [];
  readonly #accepting: Promise<void>;
  #lost = new Set<Deno.Conn>();
  #swallowed = Promise.withResolvers<void>();

  constructor({ baseUrl }: { baseUrl: string }) {
    this.#port = Number(new URL(baseUrl).port);
    this.#accepting = this.#accept();
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}/v1`;
  }

  /** Loses all connections that there are; new ones work. Settles when something is lost on them. */
  lose(): { swallowed: Promise<void> } {
    this.#lost = new Set(this.#conns);
    this.#swallowed = Promise.withResolvers();
    return { swallowed: this.#swallowed.promise };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#conns) close(conn);
    await Promise.all([this.#accepting, ...this.#pipes]);
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      const other = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
      this.#conns.add(conn).add(other);
      this.#pipes.push(this.#pipe(conn, other), this.#pipe(other, conn));
    }
  }

  async #pipe(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let count; (count = await from.read(buffer)) !== null;) {
        if (this.#lost.has(from)) this.#swallowed.resolve();
        else await to.write(buffer.slice(0, count));
      }
    } catch {
      // One of them is closed.
    }
    if (!this.#lost.has(from)) close(to);
  }
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It is already.
  }
}
