/**
 * `deno run -A scripts/getstream_proto.ts`: generates
 * `src/edges/getstream/child/proto/signal_pb.ts` from `signal.proto`. With `--check` it only checks that
 * the two match.
 *
 * @module
 */
import { flags } from "./lib/command_line.ts";

const { check } = flags(
  `scripts/getstream_proto.ts [--check]

Generates signal_pb.ts from signal.proto.

  --check  writes nothing: only checks that the two match`,
  "check",
);
const FOLDER = new URL("../src/edges/getstream/child/proto/", import.meta.url);
const BUF = "@bufbuild/buf@1.75.0";
/** The same version as the library's in deno.json. */
const PLUGIN = "@bufbuild/protoc-gen-es@2.17.0";

async function run(command: string, args: string[], cwd: string): Promise<void> {
  const { success } = await new Deno.Command(command, { args, cwd }).spawn().status;
  if (!success) throw new Error(`${command} ${args.join(" ")} failed`);
}

const scratch = await Deno.makeTempDir();
try {
  await Deno.copyFile(new URL("signal.proto", FOLDER), `${scratch}/signal.proto`);
  await Deno.writeTextFile(
    `${scratch}/buf.gen.yaml`,
    JSON.stringify({
      version: "v2",
      plugins: [{ local: "protoc-gen-es", out: ".", opt: ["target=ts"] }],
    }),
  );
  // npx puts the plugin on the path.
  await run("npx", ["-y", "-p", BUF, "-p", PLUGIN, "buf", "generate"], scratch);
  const generated = await Deno.readTextFile(`${scratch}/signal_pb.ts`);
  const body = generated.replace("/* eslint-disable */", "// deno-lint-ignore-file");
  await Deno.writeTextFile(
    `${scratch}/signal_pb.ts`,
    `// Generated from signal.proto by scripts/getstream_proto.ts. Do not edit.\n${body}`,
  );
  await run(
    Deno.execPath(),
    ["fmt", "--no-config", "--line-width", "100", "signal_pb.ts"],
    scratch,
  );
  const text = await Deno.readTextFile(`${scratch}/signal_pb.ts`);
  const target = new URL("signal_pb.ts", FOLDER);
  if (check) {
    if (await Deno.readTextFile(target) !== text) {
      console.error("signal_pb.ts does not match signal.proto: run scripts/getstream_proto.ts");
      Deno.exitCode = 1;
    }
  } else {
    await Deno.writeTextFile(target, text);
  }
} finally {
  await Deno.remove(scratch, { recursive: true });
}
