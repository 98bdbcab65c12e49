/** Debian's Redis on the loopback. */
import { isFile } from "../../../scripts/lib/programs.ts";
import { until } from "../../fixtures/until.ts";
import { freePort } from "../../fixtures/free_port.ts";

const PROGRAM = "/usr/bin/redis-server";

/** Whether there is a Redis; where there is none, its tests are counted as skipped. */
export const hasRedis: boolean = await isFile(PROGRAM);
if (!hasRedis) console.error(`Redis: its tests are skipped, since ${PROGRAM} is missing`);

/** A server, until it is disposed. */
export class RedisServer implements AsyncDisposable {
  #child: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(readonly port: number, folder: string) {
    this.#folder = folder;
    this.#child = this.#spawn();
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(freePort(), await Deno.makeTempDir());
    await server.#responds();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `redis://${this.address}`;
  }

  /** Stops it; its data stay. */
  async stop(): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await this.#child.status;
  }

  /** Starts it again. */
  async restart(): Promise<void> {
    this.#child = this.#spawn();
    await this.#responds();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }

  #spawn(): Deno.ChildProcess {
    return new Deno.Command(PROGRAM, {
      args: [
        ...["--port", `${this.port}`, "--bind", "127.0.0.1", "--dir", this.#folder],
        // Written when it stops.
        ...["--save", "3600 1"],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  async #responds(): Promise<void> {
    await until("Redis responds", async () => {
      try {
        using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
        await connection.write(new TextEncoder().encode("PING\r\n"));
        const bytes = new Uint8Array(16);
        return new TextDecoder().decode(bytes.subarray(0, await connection.read(bytes) ?? 0))
          .startsWith("+PONG");
      } catch {
        return false;
      }
    });
  }
}
