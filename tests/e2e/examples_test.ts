/** The examples as a person runs them: with the permissions that their first line states. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { browserTest, Guest, SPEECH, until } from "./_lab.ts";
import { levelDb } from "./_signal.ts";

const ROOT = new URL("../../", import.meta.url);

/** A running example. */
class Example implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  #output = "";
  readonly #reading: Promise<unknown>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    const read = async (stream: ReadableStream<Uint8Array>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) this.#output += text;
    };
    this.#reading = Promise.all([read(child.stdout), read(child.stderr)]);
  }

  /** Starts it by its own first line. */
  static async start(name: string): Promise<Example> {
    const source = await Deno.readTextFile(new URL(`examples/${name}`, ROOT));
    const line = source.slice(0, source.indexOf("\n"));
    const flags = line.split(" ").filter((word) => word.startsWith("--allow-"));
    assert(line.startsWith("// deno run"), `the first line of ${name} is no command: ${line}`);
    return new Example(
      new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-prompt", ...flags, `examples/${name}`],
        cwd: ROOT,
        // A group of its own, as a shell makes one for what is typed.
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

  get output(): string {
    return this.#output;
  }

  /** The link that it prints, to the call of this id where there are several. */
  async link(callId = ""): Promise<URL> {
    const found = await until(`a link is printed; so far: ${this.#output}`, () => {
      return [...this.#output.matchAll(/https?:\/\/\S+#\S+/g)]
        .map(([text]) => text).find((text) => text.includes(`/${callId}`));
    });
    return new URL(found);
  }

  /** Presses Ctrl-C, which the whole group gets; gives the exit code and how long it took. */
  async interrupt(): Promise<{ code: number; tookMs: number }> {
    const pressed = performance.now();
    Deno.kill(-this.pid, "SIGINT");
    const { code } = await this.#child.status;
    await this.#reading;
    return { code, tookMs: performance.now() - pressed };
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
}

/** The processes that this one started and that still run. */
async function childrenOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const status = await Deno.readTextFile(`/proc/${name}/status`).catch(() => "");
    if (new RegExp(`^PPid:\\s*${pid}$`, "m").test(status)) found.push(Number(name));
  }
  return found;
}

async function runs(pid: number): Promise<boolean> {
  return await Deno.stat(`/proc/${pid}`).then(() => true, () => false);
}

browserTest("the parrot says back what it heard, and stops when interrupted", async (browser) => {
  await using parrot = await Example.start("parrot.ts");
  const guest = await Guest.join(browser, await parrot.link(), { name: "Ada" });
  const quiet = async () => levelDb((await guest.hear(300)).samples) < -60;
  const loud = async () => levelDb((await guest.hear(100)).samples) > -40;
  await until("it is quiet", quiet);
  await guest.say(SPEECH);
  await until("the parrot speaks", loud);
  await until("the parrot has spoken", quiet);
  // Once more, and over it.
  await guest.say(SPEECH);
  await until("the parrot speaks again", loud);
  await guest.startTone(300);
  await until("the parrot falls silent", quiet);
  await guest.stopTone();
  const said = await until("it says so", async () => {
    const texts = (await guest.events("event")).map(({ data }) => String(data.text));
    return texts.some((text) => /interrupts/.test(text)) && texts;
  });
  assert(said.some((text) => /^Ada spoke for \d/.test(text)), said.join("\n"));

  const children = await childrenOf(parrot.pid);
  assertEquals(children.length, 1, "the media process is its only child");
  const { code, tookMs } = await parrot.interrupt();
  assertEquals(code, 0, parrot.output);
  assertLess(tookMs, 1000);
  const ended = await until("the page is told", async () => (await guest.events("ended")).at(0));
  assert(["agent-left", "call-ended", "server-closing"].includes(ended.code), ended.code);
  await until("the media process is gone", async () => !await runs(children[0]!));
});

browserTest("the echo answers while one still speaks", async (browser) => {
  await using echo = await Example.start("echo.ts");
  const guest = await Guest.join(browser, await echo.link(), { name: "Ada" });
  await guest.startTone(700);
  await until("the echo comes", async () => levelDb((await guest.hear(200)).samples) > -30);
  await guest.stopTone();
  await until("it ends", async () => levelDb((await guest.hear(200)).samples) < -60);
  const { code, tookMs } = await echo.interrupt();
  assertEquals(code, 0, echo.output);
  assertLess(tookMs, 1000);
});

browserTest("two agents on one edge hear only their own calls", async (browser) => {
  await using agents = await Example.start("two_agents.ts");
  const ada = await Guest.join(browser, await agents.link("echo"), { name: "Ada" });
  const bob = await Guest.join(browser, await agents.link("counter"), { name: "Bob" });
  await ada.startTone(700);
  await until("Ada is answered", async () => levelDb((await ada.hear(200)).samples) > -30);
  await bob.startTone(900);
  const told = await until("Bob is counted", async () => (await bob.events("event")).at(0));
  // Neither agent hears the other's call.
  assertEquals(told.data.type, "spoken_ms");
  assertEquals(Object.keys(told.data).sort(), ["Bob", "type"]);
  assertLess(levelDb((await bob.hear(500)).samples), -60);
  const { code } = await agents.interrupt();
  assertEquals(code, 0, agents.output);
});

for (const name of ["echo.ts", "two_agents.ts", "parrot.ts"]) {
  Deno.test({
    name: `${name} ends quietly when it is interrupted while it joins`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using example = await Example.start(name);
      const [child] = await until("the media process begins", async () => {
        const children = await childrenOf(example.pid);
        return children.length > 0 && children;
      });
      const { code, tookMs } = await example.interrupt();
      assertEquals([code, example.output], [0, ""]);
      assertLess(tookMs, 1000);
      await until("the media process is gone", async () => !await runs(child!));
    },
  });
}
