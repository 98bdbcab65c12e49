/** Starts examples as a person does: by the command in their first line. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { until } from "./_fixture.ts";

export const ROOT = new URL("../../", import.meta.url);

/** How an example is started. */
export interface ExampleOptions {
  /** Beside what this program was started with, less every key and address of a service. */
  env?: Record<string, string>;
  /** What is typed after its name. */
  args?: string[];
  /** A flag of its first line that is left out, whatever it is set to: `"--allow-net"`. */
  without?: string;
}

const loaded = new Map<string, Promise<void>>();

/**
 * Loads all that an example imports, once: the first start in a fresh clone would say what it
 * installs among what the example says. `deno cache` does not do: a run resolves more than it.
 */
function load(path: string): Promise<void> {
  const code = `import "data:text/javascript,Deno.exit(0)"; import "./${path}";`;
  const loading = loaded.get(path) ??
    new Deno.Command(Deno.execPath(), { args: ["eval", "--quiet", code], cwd: ROOT }).output()
      .then(({ success, stderr }) => assert(success, new TextDecoder().decode(stderr)));
  loaded.set(path, loading);
  return loading;
}

/** A running example. */
export class Example implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  #stdout = "";
  #stderr = "";
  readonly #over: Promise<void>;
  #code: number | undefined;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    const read = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
    };
    this.#over = Promise.all([
      child.status,
      read(child.stdout, (text) => this.#stdout += text),
      read(child.stderr, (text) => this.#stderr += text),
    ]).then(([{ code }]) => void (this.#code = code));
  }

  /** Starts it by its own first line. */
  static async start(name: string, options: ExampleOptions = {}): Promise<Example> {
    const { args = [], without } = options;
    const flags = await flagsOf(name);
    const granted = flags.filter((flag) => flag.split("=")[0] !== without);
    assert(!without || granted.length < flags.length, `${name} does not ask for ${without}`);
    await load(`examples/${name}`);
    const env = Object.entries(Deno.env.toObject())
      .filter(([variable]) => !/^(OPENAI|STREAM)_/.test(variable));
    return new Example(
      new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-prompt", ...granted, `examples/${name}`, ...args],
        cwd: ROOT,
        clearEnv: true,
        env: { ...Object.fromEntries(env), NO_COLOR: "1", ...options.env },
        // A process group of its own, as a shell creates one for a command.
        detached: true,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** All that it has written, where a person reads it. */
  get output(): string {
    return this.#stdout + this.#stderr;
  }

  /** What it has complained of. */
  get stderr(): string {
    return this.#stderr;
  }

  /** The link that it prints, to the call of this id where there are several. */
  async link(callId = ""): Promise<URL> {
    const links = () =>
      [...this.#stdout.matchAll(/https?:\/\/\S+#\S+/g)]
        .map(([text]) => text).filter((text) => text.includes(`/${callId}`));
    await until("a link is printed", () => links().length > 0 || this.#code !== undefined);
    const [link] = links();
    assert(link, `no link was printed, but: ${this.output}`);
    return new URL(link);
  }

  /** Presses Ctrl-C, which the whole group gets. Returns the exit code and how long it took. */
  async interrupt(): Promise<{ code: number; tookMs: number }> {
    const pressed = performance.now();
    Deno.kill(-this.pid, "SIGINT");
    const code = await this.ended();
    return { code, tookMs: performance.now() - pressed };
  }

  /** Waits until it ends. Returns the exit code. */
  async ended(): Promise<number> {
    await until("it ends", () => this.#code !== undefined);
    return this.#code!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#over;
  }
}

/** The permissions that an example's first line states. */
export async function flagsOf(name: string): Promise<string[]> {
  const source = await Deno.readTextFile(new URL(`examples/${name}`, ROOT));
  const line = source.slice(0, source.indexOf("\n"));
  assert(
    /^\/\/ (\w+=\S+ )?deno run /.test(line),
    `the first line of ${name} is no command: ${line}`,
  );
  return line.split(" ").filter((word) => word.startsWith("--allow-"));
}

/** The processes that this one started and that still run. */
export async function childrenOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const status = await Deno.readTextFile(`/proc/${name}/status`).catch(() => "");
    if (new RegExp(`^PPid:\\s*${pid}$`, "m").test(status)) found.push(Number(name));
  }
  return found;
}

/** Waits until a process is gone. */
export async function gone(pid: number): Promise<void> {
  await until(
    `process ${pid} is gone`,
    async () => !await Deno.stat(`/proc/${pid}`).then(() => true, () => false),
  );
}

/** Asserts that Ctrl-C ends it immediately, without output, and that nothing stays behind. */
export async function assertEndsWell(example: Example): Promise<void> {
  const children = await childrenOf(example.pid);
  assertEquals(children.length, 1, "the media process is its only child");
  const { code, tookMs } = await example.interrupt();
  assertEquals([code, example.stderr], [0, ""]);
  assertLess(tookMs, 5000);
  await gone(children[0]!);
}

/** It is interrupted as soon as its media process begins: it says nothing, and is gone with it. */
export async function assertEndsQuietlyWhileJoining(example: Example): Promise<void> {
  const [child] = await until("the media process begins", async () => {
    const children = await childrenOf(example.pid);
    return children.length > 0 && children;
  });
  const { code, tookMs } = await example.interrupt();
  assertEquals([code, example.output], [0, ""]);
  assertLess(tookMs, 5000);
  await gone(child!);
}
