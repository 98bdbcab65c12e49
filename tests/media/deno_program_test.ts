import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { EdgeError } from "../../src/edge/errors.ts";
import { GetStreamEdge } from "../../src/edges/getstream/getstream_edge.ts";
import { LocalEdge } from "../../src/edges/local/local_edge.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { startFailure } from "../../src/media/parent/start_failure.ts";
import { FAKE_CHILD, fakeProcess, isAlive } from "./_fixture.ts";
import { until } from "../fixtures/until.ts";
import { fileURLToPath } from "node:url";

const deno = Deno.execPath();
const config = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** What stands for `deno compile`, whose runtime is not to be had everywhere. */
const COMPILED = `
  Object.defineProperty(Deno, "build", { value: { ...Deno.build, standalone: true } });
  Deno.execPath = () => "/opt/compiled-agent";
`;

/** A folder of scripts, until it is disposed. */
class Scripts implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();

  /** Writes one that can be started. */
  add(name: string, text: string): string {
    const path = `${this.folder}/${name}`;
    Deno.writeTextFileSync(path, text, { mode: 0o755 });
    return path;
  }

  /** A program that starts a media process, says how that went, and ends. */
  program(options: { stub?: string; denoPath?: string; child?: string } = {}): string {
    const { stub = "", denoPath, child = FAKE_CHILD.href } = options;
    const module = new URL("../../src/media/parent/media_process.ts", import.meta.url);
    return this.add(
      "program.ts",
      `import { MediaProcess } from ${JSON.stringify(module)};
      ${stub}
      const media = new MediaProcess({
        child: new URL(${JSON.stringify(child)}),
        config: null,
        denoPath: ${JSON.stringify(denoPath)},
      });
      try {
        const lease = await media.acquire();
        console.log("started");
        await lease.release();
      } catch (error) {
        console.log(error.code, error.message);
      }`,
    );
  }

  /** Runs it and gives what it said. */
  async run(program: string, flags: string[], env: Record<string, string> = {}): Promise<string> {
    const { stdout, stderr } = await new Deno.Command(deno, {
      args: ["run", "--no-prompt", "--no-check", `--config=${config}`, ...flags, program],
      env,
      stdin: "null",
    }).output();
    const said = new TextDecoder().decode(stdout).trim();
    assert(said !== "", new TextDecoder().decode(stderr));
    return said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

const NAMING = ["--allow-run", "--allow-env=RINGLINE_DENO"];

Deno.test("a compiled program is refused a media process unless a Deno is named", async () => {
  await using scripts = new Scripts();
  const program = scripts.program({ stub: COMPILED });
  for (const flags of [["--allow-run"], NAMING, ["-A"]]) {
    const said = await scripts.run(program, flags);
    assertStringIncludes(said, "no-deno a compiled program has no Deno for its media process");
    assertStringIncludes(said, "denoPath");
    assertStringIncludes(said, "RINGLINE_DENO");
  }
});

Deno.test("a compiled program's media process runs by the Deno that is named", async () => {
  await using scripts = new Scripts();
  const byVariable = scripts.program({ stub: COMPILED });
  assertEquals(await scripts.run(byVariable, NAMING, { RINGLINE_DENO: deno }), "started");
  const byOption = scripts.program({ stub: COMPILED, denoPath: deno });
  assertEquals(await scripts.run(byOption, NAMING, { RINGLINE_DENO: "/nowhere" }), "started");
});

Deno.test("a compiled program that names itself is told so, and not started again", async () => {
  await using scripts = new Scripts();
  const program = scripts.program({ stub: COMPILED });
  const said = await scripts.run(program, NAMING, { RINGLINE_DENO: "/opt/compiled-agent" });
  assertEquals(
    said,
    "no-deno /opt/compiled-agent is this compiled program, not a Deno: " +
      "name a Deno by denoPath or RINGLINE_DENO",
  );
});

Deno.test("modules inside a compiled program: the error says why another Deno lacks them", async () => {
  await using scripts = new Scripts();
  const child = "file:///tmp/deno-compile-agent/child.ts";
  const program = scripts.program({ stub: COMPILED, child });
  const said = await scripts.run(program, NAMING, { RINGLINE_DENO: deno });
  assertStringIncludes(said, `media-process-not-started`);
  assertStringIncludes(said, `Module not found "${child}"`);
  assertStringIncludes(said, "let that import @ringline/edge from JSR");
});

Deno.test("a Deno is named only where the variable that prevents recursion may be read", async () => {
  await using scripts = new Scripts();
  const said = await scripts.run(scripts.program({ denoPath: deno }), ["--allow-run"]);
  assertStringIncludes(said, "permission-denied naming another Deno needs");
  assertStringIncludes(said, "--allow-env=RINGLINE_DENO");
});

/** Runs a program by way of a script that stands for a Deno, and counts how often that was started. */
async function countStarts(
  scripts: Scripts,
  again: { flags: string[]; stub: string; args: string },
): Promise<number> {
  const log = `${scripts.folder}/starts`;
  const program = scripts.program({
    stub: again.stub.replace("SCRIPT", `${scripts.folder}/again`),
  });
  const command = [deno, "run", "--no-prompt", "--no-check", `--config=${config}`, ...again.flags];
  const script = scripts.add(
    "again",
    `#!/bin/sh
    echo started >> "${log}"
    # A bound for a run that fails.
    if [ "$(wc -l < "${log}")" -gt 5 ]; then exit 1; fi
    ${command.join(" ")} "${program}" ${again.args}
    `,
  );
  await scripts.run(program, again.flags, { RINGLINE_DENO: script });
  return (await Deno.readTextFile(log)).trim().split("\n").length;
}

Deno.test("a program that is started in place of a Deno starts none itself", async () => {
  await using scripts = new Scripts();
  // By the variable, also where its arguments are lost.
  assertEquals(await countStarts(scripts, { flags: NAMING, stub: COMPILED, args: "" }), 1);
});

Deno.test("a program that is its own Deno is started once, without a permission to notice", async () => {
  await using scripts = new Scripts();
  const stub = `Deno.execPath = () => "SCRIPT";`;
  const again = { flags: ["--allow-run"], stub, args: `"$@"` };
  assertEquals(await countStarts(scripts, again), 1);
});

Deno.test("the environment of a media process names no Deno", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const process = fakeProcess();
  const lease = await process.acquire();
  const environment = await Deno.readTextFile(`/proc/${process.pid}/environ`);
  assert(environment.split("\0").includes("RINGLINE_DENO=none"));
  await lease.release();
});

Deno.test("what is no Deno is refused immediately, with its name", async () => {
  await using scripts = new Scripts();
  const old = `#!/bin/sh\necho '{"denoVersion":"2.8.9","denoDir":"/x"}'`;
  const cases: [string, string, string][] = [
    ["sleep", "no-deno", "sleep is no Deno"],
    ["cat", "no-deno", "cat is no Deno"],
    ["false", "no-deno", "false is no Deno"],
    ["yes", "no-deno", "yes is no Deno"],
    ["/nowhere/deno", "spawn-failed", "/nowhere/deno"],
    [scripts.add("old", old), "no-deno", "is Deno 2.8.9, expected 2.9 or later"],
  ];
  for (const [denoPath, code, message] of cases) {
    const error = await assertRejects(
      () => fakeProcess({ denoPath }).acquire(),
      EdgeError,
      message,
    );
    assertEquals(error.code, code);
  }
});

Deno.test("an edge takes denoPath, and says immediately when it makes no sense", async () => {
  await using local = new LocalEdge({ denoPath: "false", logger: silentLogger });
  const call = await local.createCall("kitchen");
  await assertRejects(() => local.callLink(call), EdgeError, "false is no Deno");
  const keys = { apiKey: "key", apiSecret: "secret" };
  const wrong = { denoPath: "" };
  const message = "denoPath: expected the path or the file URL of a Deno";
  assertThrows(() => new LocalEdge(wrong), TypeError, message);
  assertThrows(() => new GetStreamEdge({ ...keys, ...wrong }), TypeError, message);
  for (const denoPath of [5n, null, new URL("https://deno.land/deno")] as unknown as string[]) {
    assertThrows(() => new LocalEdge({ denoPath }), TypeError, message);
  }
});

Deno.test("denoPath takes a file URL", async () => {
  const process = fakeProcess({ denoPath: new URL(`file://${deno}`) });
  await (await process.acquire()).release();
});

Deno.test("a named program that answers nothing is gone when the start is given up", async () => {
  await using scripts = new Scripts();
  const file = `${scripts.folder}/pid`;
  const denoPath = scripts.add("hangs", `#!/bin/sh\necho $$ > "${file}"\nexec sleep 600\n`);
  const process = fakeProcess({ denoPath });
  const late = await assertRejects(() => process.acquire({ timeoutMs: 300 })) as Error;
  assertEquals(late.name, "TimeoutError");
  const abort = new AbortController();
  await Deno.remove(file).catch(() => {}); // a slow machine had not come so far
  const starting = process.acquire({ signal: abort.signal });
  const pid = await until("the program starting", async () => {
    return Number(await Deno.readTextFile(file).catch(() => ""));
  });
  abort.abort(new Error("changed my mind"));
  await assertRejects(() => starting, Error, "changed my mind");
  assertEquals(await isAlive(pid), false);
});

Deno.test("a Deno that was upgraded while it runs is found in its place", async () => {
  await using scripts = new Scripts();
  const stub = `Deno.execPath = () => ${JSON.stringify(`${deno} (deleted)`)};`;
  assertEquals(await scripts.run(scripts.program({ stub }), ["--allow-run"]), "started");
});

Deno.test("LD_... in the environment is no obstacle to --allow-run=<path>", async () => {
  await using scripts = new Scripts();
  const env = { LD_LIBRARY_PATH: scripts.folder, LD_BIND_NOW: "1", LD_SDK_KEY: "1" };
  for (const flags of [[], ["--allow-env"]]) {
    const said = await scripts.run(scripts.program(), [`--allow-run=${deno}`, ...flags], env);
    assertEquals(said, "started");
  }
  // A name that cannot be taken from Deno's error.
  const said = await scripts.run(scripts.program(), [`--allow-run=${deno}`], { "LD_A, B": "1" });
  assertMatch(said, /^permission-denied .*; grant --allow-run without a list$/);
});

Deno.test("a Deno on a path that the media process does not see: the error names PATH", async () => {
  await using scripts = new Scripts();
  await Deno.symlink(deno, `${scripts.folder}/deno-elsewhere`);
  const shim = scripts.add("shim", `#!/bin/sh\nexec deno-elsewhere "$@"\n`);
  const program = scripts.program({ denoPath: shim });
  const env = { PATH: `${scripts.folder}:${Deno.env.get("PATH")}` };
  const said = await scripts.run(program, NAMING, env);
  assertStringIncludes(said, "media-process-not-started");
  const grant = /--allow-env=PATH,HOME,\S+/.exec(said)?.[0];
  assert(grant !== undefined, said);
  assertEquals(await scripts.run(program, [...NAMING, grant], env), "started");
});

Deno.test("a proxy in small letters reaches the media process with what its error says to grant", async () => {
  const asked: string[] = [];
  await using proxy = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, ({ url }) => {
    asked.push(url);
    return new Response(null, { status: 403 }); // Deno caches a 404
  });
  await using scripts = new Scripts();
  const program = scripts.program({ child: "http://modules.invalid/child.ts" });
  const env = { http_proxy: `http://127.0.0.1:${proxy.addr.port}` };
  const said = await scripts.run(program, ["--allow-run"], env);
  const grant = /--allow-env=\S+/.exec(said)?.[0];
  assert(grant !== undefined && asked.length === 0, said);
  const then = await scripts.run(program, ["--allow-run", grant], env);
  assertStringIncludes(then, "media-process-not-started");
  assert(asked.length > 0, then);
});

Deno.test("a relative DENO_DIR means the folder that the program was started in", async () => {
  await using scripts = new Scripts();
  const log = `${scripts.folder}/log`;
  const denoPath = scripts.add("logging", `#!/bin/sh\npwd >> "${log}"\nexec "${deno}" "$@"\n`);
  const program = scripts.program({ denoPath, stub: `Deno.chdir("/");` });
  assertEquals(await scripts.run(program, ["-A"]), "started");
  assertEquals(await Deno.readTextFile(log), `${Deno.cwd()}\n`.repeat(2));
});

Deno.test("a terminal's Ctrl-C does not reach the question to our own Deno", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using scripts = new Scripts();
  const log = `${scripts.folder}/log`;
  // The session is the sixth word: a terminal's signals reach the one that it controls.
  const script = scripts.add(
    "asked",
    `#!/bin/sh
    if [ "$1" = info ]; then echo $$ $(cut -d' ' -f6 /proc/$$/stat) > "${log}"; fi
    exec "${deno}" "$@"
    `,
  );
  const stub = `Deno.execPath = () => ${JSON.stringify(script)};`;
  assertEquals(await scripts.run(scripts.program({ stub }), ["--allow-run"]), "started");
  const [pid, session] = (await Deno.readTextFile(log)).trim().split(" ");
  assertEquals(session, pid);
});

Deno.test("a named Deno that a signal ends is not said to be none", async () => {
  await using scripts = new Scripts();
  const denoPath = scripts.add("ended", "#!/bin/sh\nkill -TERM $$\n");
  const error = await assertRejects(() => fakeProcess({ denoPath }).acquire(), EdgeError);
  assertEquals(error.code, "media-process-not-started");
  assertStringIncludes(error.message, "was ended by SIGTERM");
});

Deno.test("our own Deno is not blamed on denoPath, and the error says what to do", async () => {
  await using scripts = new Scripts();
  const own = (path: string) =>
    scripts.program({ stub: `Deno.execPath = () => ${JSON.stringify(path)};` });
  const mute = await scripts.run(own("/bin/false"), ["--allow-run"]);
  assertMatch(
    mute,
    /^no-deno \/bin\/false cannot be probed: .* \(exit code 1\)\. With --allow-env=/,
  );
  assert(!mute.includes("denoPath"), mute);
  for (const flags of [["--allow-run"], ["-A"]]) {
    const gone = await scripts.run(own("/nowhere/deno"), flags);
    assertMatch(gone, /^spawn-failed .*name another Deno by denoPath or RINGLINE_DENO$/);
  }
});

Deno.test("a program that counts as a media process is told by what", async () => {
  await using scripts = new Scripts();
  const byVariable = await scripts.run(scripts.program(), NAMING, { RINGLINE_DENO: "none" });
  assertStringIncludes(byVariable, "media-process-nested");
  assertStringIncludes(byVariable, 'since RINGLINE_DENO is "none"');
  const stub = `Deno.args.push("info", "--json", "--no-config");`;
  const byArguments = await scripts.run(scripts.program({ stub }), ["--allow-run"]);
  assertStringIncludes(byArguments, 'since its arguments end in "info --json --no-config"');
});

Deno.test("a Deno that needs a library path says so under --allow-run=<path>", async () => {
  await using scripts = new Scripts();
  const needy = scripts.add(
    "needy",
    `#!/bin/sh\nif [ -z "$LD_LIBRARY_PATH" ]; then exit 127; fi\nexec "${deno}" "$@"\n`,
  );
  const program = scripts.program({ denoPath: needy });
  const env = { LD_LIBRARY_PATH: scripts.folder };
  const said = await scripts.run(program, [`--allow-run=${needy}`, "--allow-env"], env);
  assertStringIncludes(said, "If it needs LD_LIBRARY_PATH, grant --allow-run without a list");
  assertEquals(await scripts.run(program, ["--allow-run", "--allow-env"], env), "started");
});

Deno.test("a library that the media process lacks: the error names it, and what to grant", {
  permissions: { env: false },
}, () => {
  const lastWords = "deno: error while loading shared libraries: libgcc_s.so.1: cannot open\n";
  const end = "exit code 127";
  const error = startFailure({ end, lastWords, child: FAKE_CHILD, denoDir: undefined });
  assertStringIncludes(
    error.message,
    "(exit code 127): deno: error while loading shared libraries",
  );
  if (Deno.build.os === "linux") assertMatch(error.message, /--allow-env=\S*LD_LIBRARY_PATH/);
  assertEquals((error.cause as Error).message, lastWords);
});

/** The error of a start that failed with these last words. */
function failure(lastWords: string, end = "exit code 1"): string {
  const child = new URL("https://jsr.io/@ringline/edge/0.1.0/src/edges/local/child/main.ts");
  return startFailure({ end, lastWords, child, denoDir: "/cache" }).message;
}

Deno.test("only what was not loaded over a network is said to be loaded ahead", () => {
  // As Deno 2.9.6 says it.
  const remote = [
    'error: Failed loading https://registry.example/valibot for package "valibot"\n' +
    "    0: error sending request for url (https://registry.example/valibot): client error\n",
    "error: JSR package manifest for '@std/assert' failed to load. Import " +
    "'https://jsr.io/@std/assert/meta.json' failed.\n    at file:///agent/main.ts:1:8\n",
    "error: Import 'https://jsr.io/@ringline/edge/0.1.0/mod.ts' failed: 404 Not Found\n",
    'error: Module not found "https://jsr.io/@ringline/edge/0.1.0/mod.ts".\n',
    'error: Specifier not found in cache: "https://example.com/", --cached-only is specified.\n',
  ];
  for (const lastWords of remote) {
    assertStringIncludes(failure(lastWords), "deno cache --no-config");
  }
  const local = [
    "/home/u/.npm/_npx/7/deno: error while loading shared libraries: libgcc_s.so.1: cannot open\n",
    'error: Module not found "file:///home/me/npm-play/https/x.ts".\n',
    "error: Uncaught (in promise) TypeError: dns is not a function\n",
  ];
  for (const lastWords of local) assert(!failure(lastWords).includes("deno cache"), lastWords);
});

Deno.test("a registry that only a project's .npmrc names: the error says how to name it", () => {
  const message = failure("error: Failed loading https://registry.example/valibot\n");
  assertStringIncludes(message, "It reads no project's .npmrc");
  assertStringIncludes(message, "NPM_CONFIG_REGISTRY or ~/.npmrc");
});

Deno.test("a media process that panicked: the error says why", () => {
  const message = failure(
    "\n============\nDeno has panicked. This is a bug in Deno.\n\n" +
      "thread 'main' panicked at cli/main.rs:5:3:\nno space left\n" +
      "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
    "exit code 101",
  );
  assertStringIncludes(message, "thread 'main' panicked at cli/main.rs:5:3: no space left");
  assert(!message.includes("RUST_BACKTRACE"), message);
});
