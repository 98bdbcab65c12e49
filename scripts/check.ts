/**
 * `deno task check`: everything that can be told without running the code. Ends with the first step
 * that fails, and names it.
 *
 * @module
 */
import { COMMITTED, differences, MERGED, npmPart, readLock } from "./lock_file.ts";
import { type Package, readPackages } from "./packages.ts";

const ROOT = new URL("..", import.meta.url);

/** A step: a script or a command of Deno. */
interface Step {
  name: string;
  /** Arguments for Deno; or what is to be done, which throws. */
  run: string[] | (() => Promise<void>);
  /** Default: the repository's root. */
  folder?: URL;
}

/** Whether `deno.lock` holds what the project gets from npm, and nothing else. */
async function checkLock(): Promise<void> {
  const [committed, merged] = [await readLock(COMMITTED), await readLock(MERGED)];
  if (!committed || !merged) throw new Error("deno.lock is missing: run `deno task lock`");
  const wrong = differences(npmPart(merged), committed);
  if (wrong.length === 0) return;
  throw new Error(
    `deno.lock is not what is used; run \`deno task lock\`. They differ in\n  ${
      wrong.join("\n  ")
    }`,
  );
}

/** The scripts, without the folders of modules that they do not import. */
async function scripts(): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir(new URL("scripts", ROOT))) {
    if (name.endsWith(".ts")) found.push(`scripts/${name}`);
  }
  return found.sort();
}

/** What of a package is checked: all that lies in its folder, or of the root what is published. */
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

const packages = await readPackages();
const steps: Step[] = [
  { name: "format", run: ["fmt", "--check"] },
  { name: "lint", run: ["lint"] },
  ...packages.flatMap((one): Step[] => {
    const { name, folder, entries } = one;
    return [
      {
        name: `types and examples of ${name}`,
        run: ["check", "--frozen", "--doc", ...modulesOf(one)],
        folder,
      },
      { name: `docs of ${name}`, run: ["doc", "--lint", ...entries], folder },
      { name: `publication of ${name}`, run: ["publish", "--dry-run", "--allow-dirty"], folder },
    ];
  }),
  {
    name: "types of tests, examples, scripts and benchmarks",
    run: ["check", "--frozen", "tests", "examples", "bench", ...await scripts()],
  },
  {
    name: "types of the guides",
    run: ["check", "--frozen", "--doc-only", ...await guides()],
  },
  { name: "lock file", run: checkLock },
  // More steps, such as a script of ours: { name: "...", run: ["run", "-A", "scripts/....ts"] }
];

for (const [index, { name, run, folder = ROOT }] of steps.entries()) {
  const start = performance.now();
  const problem = await (Array.isArray(run) ? deno(run, folder) : problemOf(run));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const label = `check ${index + 1}/${steps.length}: ${name}`;
  if (problem === undefined) {
    console.error(`${label} (${seconds} s)`);
    continue;
  }
  console.error(`${problem.trimEnd()}\n\n${label}: failed`);
  Deno.exit(1);
}

/** Runs Deno. Returns what it printed where it failed. */
async function deno(args: string[], cwd: URL): Promise<string | undefined> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args, "--quiet"],
    cwd,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return success ? undefined : decoder.decode(stderr) + decoder.decode(stdout);
}

async function problemOf(run: () => Promise<void>): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
