/** TLS in front of a double, for official clients that speak to no other address. */
import { selfSignedCertificate } from "../../../src/edges/local/certificate.ts";

/** Passes what comes over TLS on to a plain address, and back. */
export class TlsFront implements AsyncDisposable {
  readonly #listener: Deno.TlsListener;
  readonly #target: URL;
  readonly #open = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;

  private constructor(listener: Deno.TlsListener, target: URL) {
    this.#listener = listener;
    this.#target = target;
    this.#serving = this.#serve();
  }

  /** @param baseUrl the double's address */
  static async start(baseUrl: string): Promise<TlsFront> {
    const { cert, key } = await selfSignedCertificate(["127.0.0.1"]);
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
    return new TlsFront(listener, new URL(baseUrl));
  }

  get baseUrl(): string {
    return `https://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const one of this.#open) close(one);
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const serving: Promise<void>[] = [];
    try {
      for await (const client of this.#listener) serving.push(this.#pass(client));
    } catch {
      // It was closed.
    }
    await Promise.all(serving);
  }

  async #pass(client: Deno.TlsConn): Promise<void> {
    const { hostname, port } = this.#target;
    const service = await Deno.connect({ hostname, port: Number(port) });
    this.#open.add(client).add(service);
    const one = client.readable.pipeTo(service.writable).catch(() => {});
    const other = service.readable.pipeTo(client.writable).catch(() => {});
    await Promise.race([one, other]);
    close(client);
    close(service);
    await Promise.all([one, other]);
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed.
  }
}
