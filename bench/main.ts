/**
 * `deno task bench NAME [--json] [options]`: runs one benchmark. Without a name it lists them.
 *
 * Each benchmark is a script of its own and runs in a process of its own, so that none of them
 * finds a heap, a garbage collector or a native library that another one has left warm.
 *
 * @module
 */
import { parseArgs } from "node:util";

/** The benchmarks by name, and what each measures. */
export const BENCHMARKS: Readonly<Record<string, string>> = {
  call: "a conversation over real media with headless Chromium: round trip, flush, stalls, joining",
  audio: "the sample kernels: resampling and mixing, native and TypeScript",
  conversation: "barge-in and replies with scripted models, in headless Chromium",
  lines: "noise on real lines: phrases that each VAD finds, and noise taken for speech",
  turns: "pauses inside a turn that are answered, and when the end of a turn is found",
  hop: "the way between the agent and the media process, 1 to 100 participants",
  simulator: "ten minutes of simulated calls with five people: processor time",
  livekit: "LiveKitEdge beside LiveKit's own client for Node, on its own server",
  dispatch: "from LiveKit's dispatch to an agent's first sound, with 1, 4 and 16 workers",
  getstream: "GetStreamEdge against a double: joining, round trip, what reconnections cost",
};

/** The text of `--help`. */
export function usage(): string {
  const names = Object.entries(BENCHMARKS).map(([name, what]) => `  ${name.padEnd(13)}${what}`);
  return [
    "deno task bench NAME [--json] [options]",
    "",
    ...names,
    "",
    "  --json   one JSON document on standard output instead of a table",
    "  --help   after a name: the options of that benchmark",
  ].join("\n");
}

/** What the command line asks for: a benchmark with its arguments, the list, or an error. */
export type Request =
  | { kind: "run"; name: string; args: string[] }
  | { kind: "help" }
  | { kind: "wrong"; message: string };

/** Reads the command line. Options after the name belong to the benchmark and are not read here. */
export function parseRequest(args: string[]): Request {
  const [name, ...rest] = args;
  if (name === undefined) return { kind: "help" };
  if (name.startsWith("-")) {
    try {
      parseArgs({ args, options: { help: { type: "boolean", short: "h" } } });
      return { kind: "help" };
    } catch (cause) {
      return { kind: "wrong", message: (cause as Error).message };
    }
  }
  if (!Object.hasOwn(BENCHMARKS, name)) {
    const known = Object.keys(BENCHMARKS).join(", ");
    return { kind: "wrong", message: `no benchmark is called "${name}"; there are ${known}` };
  }
  return { kind: "run", name, args: rest };
}

async function run(name: string, args: string[]): Promise<number> {
  const script = new URL(`./${name}.ts`, import.meta.url);
  const child = new Deno.Command(Deno.execPath(), { args: ["run", "-A", script.href, ...args] })
    .spawn();
  // Ctrl-C reaches the whole process group: the benchmark tidies up, and we wait until it has.
  const ignore = () => {};
  const forward = () => child.kill("SIGTERM");
  Deno.addSignalListener("SIGINT", ignore);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", forward);
  try {
    return (await child.status).code;
  } finally {
    Deno.removeSignalListener("SIGINT", ignore);
    if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGTERM", forward);
  }
}

if (import.meta.main) {
  const request = parseRequest(Deno.args);
  if (request.kind === "run") {
    Deno.exitCode = await run(request.name, request.args);
  } else if (request.kind === "help") {
    console.log(usage());
  } else {
    console.error(`bench: ${request.message}\n\n${usage()}`);
    Deno.exitCode = 2;
  }
}
