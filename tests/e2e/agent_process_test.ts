/** Processes of agents, started as a worker starts them. */
import { assertEquals } from "@std/assert";
import { agentSpawner } from "../../src/serve/isolation/spawn_agent.ts";
import { until } from "../fixtures/until.ts";

const PROGRAM = new URL("./_ending_program.ts", import.meta.url).href;

/** The sockets that this process has open. */
async function sockets(): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc/self/fd")) {
    const target = await Deno.readLink(`/proc/self/fd/${name}`).catch(() => "");
    if (target.startsWith("socket:")) found.push(target);
  }
  return found.sort();
}

Deno.test({
  name: "an agent's process that ends leaves no channel open, whatever it has started",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const spawn = agentSpawner({ module: PROGRAM, denoArgs: ["--no-check"] });
    const before = await sockets();
    const ready = Promise.withResolvers<void>();
    const child = spawn(({ type }) => {
      if (type === "ready") ready.resolve();
    });
    await ready.promise;
    child.send({ type: "end" });
    assertEquals(await child.ended, "exit code 7");
    child.send({ type: "exit" });
    await until("the channel is closed", async () => (await sockets()).length === before.length);
  },
});

Deno.test("a compiled program is refused processes of agents, and told the way out", async () => {
  const program = new URL("./_compiled_worker_program.ts", import.meta.url).href;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-prompt", program],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assertEquals(
    decoder.decode(stdout),
    'no-deno: agentIsolation: "process" runs the program again by Deno, which a program of deno ' +
      "compile is not: start it by deno run, or leave agentIsolation out\n",
    decoder.decode(stderr),
  );
});
