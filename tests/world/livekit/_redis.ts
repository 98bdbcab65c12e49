/** Debian's Redis on the loopback, by which LiveKit's nodes know each other. */
import { isFile } from "../../../scripts/programs.ts";
import { until } from "../../fixtures/until.ts";
import { freePort } from "./_server.ts";

const PROGRAM = "/usr/bin/redis-server";

/** Whether there is one; where there is none, its tests are counted as skipped. */
export const hasRedis: boolean = await isFile(PROGRAM);
if (!hasRedis) console.error(`Redis: its tests are skipped, since ${PROGRAM} is missing`);

/** A Redis that keeps nothing, until it is disposed. */
export class Redis implements AsyncDisposable {
  readonly address = `127.0.0.1:${freePort()}`;
  #child: Deno.ChildProcess | undefined;

  static async start(): Promise<Redis> {
    const redis = new Redis();
    await redis.start();
    return redis;
  }

  async start(): Promise<void> {
    const [hostname, port] = this.address.split(":") as [string, string];
    this.#child = new Deno.Command(PROGRAM, {
      args: ["--bind", hostname, "--port", port, "--save", ""],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until("Redis responds", async () => {
      try {
        (await Deno.connect({ hostname, port: Number(port) })).close();
        return true;
      } catch {
        return false;
      }
    });
  }

  async stop(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.status;
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
