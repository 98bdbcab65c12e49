/** A server in a process that may open few files. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { retry } from "../../src/events/retry.ts";

Deno.test("a server that runs out of file descriptors listens again", async () => {
  const program = fileURLToPath(new URL("./fixtures/limited_server.ts", import.meta.url));
  await using server = new Deno.Command("sh", {
    args: ["-c", `ulimit -n 128; exec "$0" run -A --no-check "$1"`, Deno.execPath(), program],
    // Looking for a new version needs file descriptors, too.
    env: { DENO_NO_UPDATE_CHECK: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = server.stdout.pipeThrough(new TextDecoderStream());
  let output = "";
  const waiting: (() => void)[] = [];
  const reading = (async () => {
    for await (const text of lines) {
      output += text;
      for (const wake of waiting.splice(0)) wake();
    }
  })();
  const printed = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(output);
      if (found) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  const origin = (await printed(/listening on (\S+)/))[1]!;
  const { hostname, port } = new URL(origin);
  const address = { hostname, port: Number(port) };
  {
    using stack = new DisposableStack();
    for (let count = 0; count < 200; count++) stack.use(await Deno.connect(address));
    await printed(/listenerLost/);
  }
  const response = await retry(() => fetch(origin), {
    waitMs: (_error, tries) => tries < 200 ? 100 : undefined,
  });
  assertEquals(response.status, 200);
  await response.body?.cancel();
  await server.stdin.close();
  await reading;
  assertEquals((await server.status).code, 0);
});
