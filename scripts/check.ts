/**
 * `deno task check`: runs every check that does not need to run the code, as many steps at a time as
 * processors. Begins no more once a step has failed, and names it.
 *
 * @module
 */
import { flags } from "./lib/command_line.ts";
import { COMMITTED, differences, MERGED, npmPart, readLock } from "./lib/lock_file.ts";
import { type Package, readPackages } from "./lib/packages.ts";

flags(`deno task check

Runs every check that does not need to run the code.`);

const ROOT = new URL("..", import.meta.url);

/** A step: a script or a command of Deno. */
interface Step {
  name: string;
  /** Arguments for Deno, the subcommand first; or a function, which throws where the check fails. */
  run: string[] | (() => Promise<void>);
  /** Default: the repository's root. */
  folder?: URL;
}

/** Throws an `Error` unless `deno.lock` holds what the project gets from npm, and nothing else. */
async function checkLock(): Promise<void> {
  const [committed, merged] = [await readLock(COMMITTED), await readLock(MERGED)];
  if (!committed || !merged) throw new Error("deno.lock is missing: run `deno task lock`");
  const wrong = differences(npmPart(merged), committed);
  if (wrong.length === 0) return;
  throw new Error(
    `deno.lock differs from what is used: run \`deno task lock\`. The differences:\n  ${
      wrong.join("\n  ")
    }`,
  );
}

/** Returns all modules under `scripts` but the stand-ins, which import by other names. */
async function scripts(folder = "scripts"): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    const path = `${folder}/${name}`;
    if (isDirectory && name !== "stand_ins") found.push(...await scripts(path));
    else if (name.endsWith(".ts")) found.push(path);
  }
  return found.sort();
}

/** Returns what is checked of a package: its whole folder, or of the root what is published. */
function modulesOf({ folder }: Package): string[] {
  return folder.href === ROOT.href ? ["mod.ts", "src", "README.md"] : ["."];
}

/** The guides: `deno check` finds no Markdown in a folder. */
async function guides(): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir(new URL("docs", ROOT))) {
    if (name.endsWith(".md")) found.push(`docs/${name}`);
  }
  return found.sort();
}

/** Returns the entry points of a package, as paths from the root. */
function entriesOf({ folder, entries }: Package): string[] {
  return entries.map((entry) => new URL(entry, folder).href.slice(ROOT.href.length));
}

const packages = await readPackages();
const steps: Step[] = [
  { name: "format", run: ["fmt", "--check"] },
  { name: "lint", run: ["lint"] },
  ...packages.flatMap((one): Step[] => {
    const { name, folder } = one;
    return [
      {
        name: `types and examples of ${name}`,
        run: ["check", "--frozen", "--doc", ...modulesOf(one)],
        folder,
      },
      {
        name: `publication of ${name}`,
        // The step before knows the types; what is left are the rules of the registry.
        run: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
        folder,
      },
    ];
  }),
  // All in one command: a member's types are private to a command that does not see the root's.
  { name: "docs", run: ["doc", "--lint", ...packages.flatMap(entriesOf)] },
  {
    name: "types of tests, examples, scripts and benchmarks",
    run: ["check", "--frozen", "tests", "examples", "bench", ...await scripts()],
  },
  {
    name: "types of the guides",
    run: ["check", "--frozen", "--doc-only", ...await guides()],
  },
  {
    name: "types of the examples that are not run",
    run: ["run", "--frozen", "-A", "scripts/doc_blocks.ts"],
  },
  { name: "lock file", run: checkLock },
  {
    name: "weights of the VAD",
    run: ["run", "--frozen", "-A", "scripts/silero_weights.ts", "--check"],
  },
  { name: "wording", run: ["task", "wording"] },
  { name: "spelling", run: ["task", "spelling"] },
  { name: "workflows", run: ["task", "check:workflows"] },
];

let next = 0;
let hasFailed = false;
await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, async () => {
  while (next < steps.length && !hasFailed) await check(next++);
}));
if (hasFailed) Deno.exit(1);

/** Runs a step, and prints how long it took or why it failed. */
async function check(index: number): Promise<void> {
  const { name, run, folder = ROOT } = steps[index]!;
  const start = performance.now();
  const problem = await (Array.isArray(run) ? deno(run, folder) : problemOf(run));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const label = `check ${index + 1}/${steps.length}: ${name}`;
  if (problem === undefined) return console.error(`${label} (${seconds} s)`);
  console.error(`${problem.trimEnd()}\n\n${label}: failed`);
  hasFailed = true;
}

/** Runs Deno. Returns what it printed where it failed. */
async function deno([command, ...args]: string[], cwd: URL): Promise<string | undefined> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [command!, "--quiet", ...args],
    cwd,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const printed = decoder.decode(stderr) + decoder.decode(stdout);
  // A script of ours may say that it could not check something.
  if (success && command === "task" && printed) console.error(printed.trimEnd());
  return success ? undefined : printed;
}

async function problemOf(run: () => Promise<void>): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
