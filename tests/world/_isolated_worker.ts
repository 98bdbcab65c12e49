/** Workers whose agents have processes of their own, and what the system knows of those. */
import { linesOf } from "../fixtures/lines_of.ts";
import { until } from "../fixtures/until.ts";

/** A worker in a program of its own, whose agents have processes of their own. */
export class IsolatedWorker implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  constructor(program: URL, options: Record<string, unknown>) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check"],
        program.pathname,
        JSON.stringify(options),
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#reading = this.#read();
  }

  line(text: string, limitMs = 60_000): Promise<unknown> {
    return until(text, () => this.lines.includes(text), limitMs);
  }

  /** The processes of its agents. */
  async agents(): Promise<number[]> {
    return await childrenOf(this.#child.pid);
  }

  /** Those, and their media processes. */
  async descendants(): Promise<number[]> {
    const agents = await this.agents();
    return [...agents, ...(await Promise.all(agents.map(childrenOf))).flat()];
  }

  async end(signal: Deno.Signal): Promise<number> {
    this.#child.kill(signal);
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const line of linesOf(this.#child.stdout)) this.lines.push(line);
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    const pid = Number(name);
    if (Number.isInteger(pid) && parentOf(await statOf(pid)) === parent) pids.push(pid);
  }
  return pids;
}

/** What the kernel says of a process, after its name; nothing where it is gone. */
async function statOf(pid: number): Promise<string[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  return text === "" ? [] : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function parentOf([_state, parent]: string[]): number {
  return Number(parent);
}

/** Whether a process is there; one that has ended and was not waited for is not. */
export async function isAlive(pid: number): Promise<boolean> {
  const [state] = await statOf(pid);
  return state !== undefined && state !== "Z";
}
