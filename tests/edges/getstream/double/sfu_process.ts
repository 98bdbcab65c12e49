/** The double's SFU as a test sees it: a process that takes commands. @module */
import { TextLineStream } from "./lines.ts";

export class SfuProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #ready = Promise.withResolvers<number>();
  readonly #reading: Promise<void>;
  #nextId = 1;
  port = 0;
  /** Told of what is heard in calls for which that was ordered. */
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
    const answer = Promise.withResolvers<unknown>();
    this.#answers.set(id, answer);
    await this.#input.write(
      new TextEncoder().encode(JSON.stringify({ id, name, params }) + "\n"),
    );
    return await answer.promise as T;
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
      const answer = this.#answers.get(id);
      this.#answers.delete(id);
      if (error) answer?.reject(new Error(`sfu: ${error}`));
      else answer?.resolve(result);
    }
    for (const answer of this.#answers.values()) answer.reject(new Error("the SFU is gone"));
    this.#ready.reject(new Error("the SFU did not start"));
    this.#ready.promise.catch(() => {});
  }
}
