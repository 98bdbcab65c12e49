/** The way to a server, which can be cut. */

/** Passes connections on to a port; cut, it ends them and takes no more. */
export class Wire implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #done: Promise<void>;
  #isCut = false;

  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#done = this.#accept();
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#listener.addr.port}`;
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
    this.#open.add(client);
    try {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
      this.#open.add(server);
      await Promise.allSettled([
        client.readable.pipeTo(server.writable),
        server.readable.pipeTo(client.writable),
      ]);
      this.#open.delete(server);
    } catch {
      // The server is gone.
      client.close();
    }
    this.#open.delete(client);
  }

  #closeAll(): void {
    for (const one of this.#open) {
      try {
        one.close();
      } catch {
        // It has ended by itself.
      }
    }
    this.#open.clear();
  }
}
