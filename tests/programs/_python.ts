/** Programs in Python from PyPI, each in an environment of its own below `~/.cache/ringline-tests`. */
import { exists } from "../../scripts/lib/files.ts";

const CACHE = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;

/** What is downloaded once lies here. */
export const FOLDER = `${CACHE}/ringline-tests`;

/**
 * Returns the Python of an environment that has these packages; the first call installs them, and says what that
 * needs: disk, and time where it is long.
 */
export async function python(
  name: string,
  packages: readonly string[],
  needs: string,
): Promise<string> {
  const environment = `${FOLDER}/${name}`;
  const mark = `${environment}/${packages.join(" ")}`;
  if (!await exists(mark)) {
    console.log(`installing ${packages.join(" and ")} into ${environment}: ${needs}`);
    await run("python3", ["-m", "venv", "--clear", environment]);
    await run(`${environment}/bin/pip`, ["install", "--quiet", ...packages]);
    await Deno.writeTextFile(mark, "");
  }
  return `${environment}/bin/python`;
}

/** Runs a command to its end; throws an `Error` with its output where it fails. */
export async function run(command: string, args: string[], cwd?: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, cwd }).output();
  if (!success) {
    throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
}
