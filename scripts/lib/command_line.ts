/** The command line of a script. @module */
import { parseArgs } from "node:util";

/**
 * Returns what `read` returns. For `--help` it prints the usage and ends the program; for what is wrong
 * it prints one line, and the exit code is 2.
 *
 * @param usage begins with the script's name: `"deno task lock [--update]\n\n..."`
 * @param read reads the options, and throws for a wrong value
 */
export function commandLine<T>(usage: string, read: (args: string[]) => T): T {
  const args = Deno.args.slice(0, Deno.args.includes("--") ? Deno.args.indexOf("--") : undefined);
  if (args.includes("--help") || args.includes("-h")) {
    console.log(usage);
    Deno.exit();
  }
  try {
    return read(Deno.args);
  } catch (error) {
    // More than the first sentence is about arguments that begin with a dash.
    const [message] = (error as Error).message.split(". To specify");
    console.error(`${message} (--help shows the usage)`);
    Deno.exit(2);
  }
}

/** Returns the flags of a script that has only such, e.g. `{ update: false }`. */
export function flags<const Name extends string>(
  usage: string,
  ...names: readonly Name[]
): Record<Name, boolean> {
  const options = Object.fromEntries(
    names.map((name) => [name, { type: "boolean" as const, default: false }]),
  );
  return commandLine(usage, (args) => parseArgs({ args, options }).values) as Record<Name, boolean>;
}
