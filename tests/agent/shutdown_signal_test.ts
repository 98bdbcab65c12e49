import { assert, assertEquals, assertRejects } from "@std/assert";
import { shutdownSignal, untilShutdown } from "../../src/agent/shutdown_signal.ts";

const isWindows = Deno.build.os === "windows";

interface Program extends Disposable {
  readonly child: Deno.ChildProcess;
  readonly lines: AsyncIterator<string>;
}

/** A program that says "ready", then what its signal tells it. */
async function run(
  body: string,
): Promise<Program> {
  const entry = new URL("../../src/agent/shutdown_signal.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { shutdownSignal, untilShutdown } from "${entry}"; ${body} console.log("ready");`,
    ],
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  assertEquals((await lines.next()).value, "ready\n");
  return {
    child,
    lines,
    [Symbol.dispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended, as it should have.
      }
    },
  };
}

const waits = `
  const signal = shutdownSignal();
  const stay = setInterval(() => {}, 1000);
  signal.addEventListener("abort", () => console.log(signal.reason.name));
`;

for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `${name} aborts the signal, and the program ends as it likes`,
    ignore: isWindows,
    async fn() {
      using program = await run(
        `${waits} signal.addEventListener("abort", () => clearInterval(stay));`,
      );
      const { child, lines } = program;
      child.kill(name);
      assertEquals((await lines.next()).value, "AbortError\n");
      assertEquals((await lines.next()).done, true);
      assertEquals((await child.status).code, 0);
    },
  });
}

Deno.test({
  name: "a second Ctrl-C ends the program immediately",
  ignore: isWindows,
  async fn() {
    using program = await run(waits);
    const { child, lines } = program;
    child.kill("SIGINT");
    assertEquals((await lines.next()).value, "AbortError\n");
    child.kill("SIGINT");
    assertEquals((await lines.next()).done, true);
    const { success, signal, code } = await child.status;
    assert(!success && (signal === "SIGINT" || code === 130));
  },
});

Deno.test({
  name: "a disposed signal listens no more",
  ignore: isWindows,
  async fn() {
    using program = await run(`${waits} signal[Symbol.dispose]();`);
    const { child, lines } = program;
    child.kill("SIGTERM");
    assertEquals((await lines.next()).done, true);
    assert(!(await child.status).success);
  },
});

Deno.test("listening leaves nothing behind, and disposing twice does nothing", () => {
  const signal = shutdownSignal();
  signal[Symbol.dispose]();
  signal[Symbol.dispose]();
  assert(!signal.aborted);
});

Deno.test({
  name: "a program that is interrupted while it waits for something ends quietly",
  ignore: isWindows,
  async fn() {
    using program = await run(`
      const program = untilShutdown(async (signal) => {
        const stay = setInterval(() => {}, 1000);
        try {
          await new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason)));
        } finally {
          clearInterval(stay);
        }
      });
      program.then(() => console.log("after"));
    `);
    const { child, lines } = program;
    child.kill("SIGINT");
    assertEquals((await lines.next()).value, "after\n");
    assertEquals((await lines.next()).done, true);
    assertEquals((await child.status).code, 0);
  },
});

Deno.test("what a program gives or fails with is passed on, and nothing listens any more", async () => {
  let signal: AbortSignal | undefined;
  const given = await untilShutdown((one) => {
    signal = one;
    return Promise.resolve(7);
  });
  assertEquals([given, signal?.aborted], [7, false]);
  const failing = () => untilShutdown(() => Promise.reject(new Error("no")));
  await assertRejects(failing, Error, "no");
});
