/** What programs of this repository say of a command line that they cannot read. */
import { assertEquals, assertMatch } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

/** The examples and scripts that read their command line. */
async function programs(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ["examples", "scripts"]) {
    for await (const { name, isFile } of Deno.readDir(new URL(folder, ROOT))) {
      if (!isFile || !name.endsWith(".ts")) continue;
      const text = await Deno.readTextFile(new URL(`${folder}/${name}`, ROOT));
      if (/\b(commandLine|flags|parseArgs|Deno\.args)\b/.test(text)) {
        found.push(`${folder}/${name}`);
      }
    }
  }
  return found.sort();
}

async function run(program: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--no-check", program, ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

for (const program of await programs()) {
  Deno.test(`${program} says in a line what it cannot read, and its usage when asked`, async () => {
    const wrong = await run(program, "--no-such-option");
    assertEquals([wrong.code, wrong.out], [2, ""], wrong.error);
    assertMatch(wrong.error, /no-such-option/);
    assertEquals(/^\s+at /m.test(wrong.error), false, wrong.error);
    const help = await run(program, "--help");
    assertEquals([help.code, help.error], [0, ""]);
    assertMatch(help.out, /--|deno task|scripts\//);
  });
}

const wrongValues: readonly (readonly [program: string, args: string[], says: string])[] = [
  ["examples/parrot.ts", ["--port", "x"], '--port: expected a whole number, got "x"'],
  ["examples/parrot.ts", ["--port", "99999"], "port: expected an integer from 0 to 65535"],
  ["examples/parrot.ts", ["--host", "nowhere"], "host: expected an IP address"],
  ["examples/worker.ts", ["--calls", "0"], "limits.calls: expected a whole number from 1 on"],
  ["examples/worker.ts", ["--control", "x"], '--control: expected a port, got "x"'],
  ["scripts/safety.ts", ["--seconds", "x"], '--seconds: expected a number from 1 to 3600, got "x"'],
  ["scripts/soak.ts", ["--minutes", "x"], '--minutes: expected a number above 0, got "x"'],
  ["scripts/publish.ts", [], "no tag: pass --tag v1.2.3, or try it with --dry-run"],
];

for (const [program, args, says] of wrongValues) {
  Deno.test(`${[program, ...args].join(" ")}: ${says}`, async () => {
    const { code, out, error } = await run(program, ...args);
    assertEquals([code, out], [2, ""], error);
    assertEquals(error.includes(says), true, error);
    assertEquals(/^\s+at /m.test(error), false, error);
  });
}
