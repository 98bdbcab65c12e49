/** Workers in programs of their own, which can be killed. */
import { linesOf } from "../../fixtures/lines_of.ts";
import { until } from "../../fixtures/until.ts";

/** One of them, with what it has printed. */
export class WorkerProgram implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  constructor(readonly name: string, program: URL, options: Record<string, unknown>) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", "--no-lock"],
        program.pathname,
        JSON.stringify({ name, ...options }),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#reading = this.#read();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Has it close; returns its exit code. */
  async end(): Promise<number> {
    await this.#child.stdin.close().catch(() => {});
    const { code } = await this.#child.status;
    return code;
  }

  async ready(): Promise<this> {
    await until(`${this.name} is ready`, () => this.lines.includes("ready"), 60_000);
    return this;
  }

  /** The jobs that it has begun: the call, and how often it was begun. */
  get jobs(): string[] {
    return this.lines.filter((line) => line.startsWith("job ")).map((line) => line.slice(4));
  }

  /** Kills it, as a machine that fails. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#child.stdin.close().catch(() => {});
    await this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const line of linesOf(this.#child.stdout)) this.lines.push(line);
  }
}
