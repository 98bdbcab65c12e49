/** Runs programs for the scripts. @module */

const ROOT = new URL("..", import.meta.url);

/** What a program printed, and whether it succeeded. */
export interface Output {
  success: boolean;
  stdout: string;
  stderr: string;
}

/** Whether there is a file at this path. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** Runs a program in the repository with its output shown. Returns whether it succeeded. */
export async function show(
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<boolean> {
  const child = new Deno.Command(command, {
    args,
    env,
    cwd: ROOT,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return (await child.status).success;
}

/** Runs a program in the repository. Returns what it printed; one that is not there has failed. */
export async function read(command: string, args: string[]): Promise<Output> {
  const decoder = new TextDecoder();
  try {
    const output = await new Deno.Command(command, { args, cwd: ROOT, stdin: "null" }).output();
    return {
      success: output.success,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
    };
  } catch (error) {
    return { success: false, stdout: "", stderr: String(error) };
  }
}
