/** A client of the double's SFU process. @module */
import { TextLineStream } from "./lines.ts";

export class SfuProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #results = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #ready = Promise.withResolvers<number>();
  readonly #reading: Promise<void>;
  #nextId = 1;
  port = 0;
  /** Receives audible milliseconds in calls with `reportHeard`. */
  onHeard: ((heard: { cid: string; userId: string; ms: number }) => void) | undefined;

  private constructor(key: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", new URL("./sfu/main.ts", import.meta.url).href, key],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  static async start(key: string): Promise<SfuProcess> {
    const process = new SfuProcess(key);
    process.port = await process.#ready.promise;
    return process;
  }

  get pid(): number {
    return this.#child.pid;
  }

  async command<T = void>(name: string, params: Record<string, unknown> = {}): Promise<T> {
    const id = this.#nextId++;
    const pending = Promise.withResolvers<unknown>();
    this.#results.set(id, pending);
    await this.#input.write(
      new TextEncoder().encode(JSON.stringify({ id, name, params }) + "\n"),
    );
    return await pending.promise as T;
  }

  /** Ends it immediately, as a crash would. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 2000);
    await this.#child.status;
    clearTimeout(timer);
    await this.#reading;
  }

  async #read(): Promise<void> {
    const lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(
      new TextLineStream(),
    );
    for await (const line of lines) {
      const { ready, id, result, error, heard } = JSON.parse(line);
      if (heard) this.onHeard?.(heard);
      if (ready) this.#ready.resolve(ready);
      const pending = this.#results.get(id);
      this.#results.delete(id);
      if (error) pending?.reject(new Error(`sfu: ${error}`));
      else pending?.resolve(result);
    }
    for (const pending of this.#results.values()) pending.reject(new Error("the SFU is gone"));
    this.#ready.reject(new Error("the SFU did not start"));
    this.#ready.promise.catch(() => {});
  }
}
