/** Runs programs for the scripts. @module */
import { constants, setPriority } from "node:os";

const ROOT = new URL("../..", import.meta.url);

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
  return await output(command, args, {});
}

/** Does the same with a program that yields the processors to all others, and so do its children. */
export async function readYielding(
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<Output> {
  return await output(command, args, env, (pid) => {
    try {
      setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // It has ended already, or the system has no priorities.
    }
  });
}

async function output(
  command: string,
  args: string[],
  env: Record<string, string>,
  started: (pid: number) => void = () => {},
): Promise<Output> {
  const decoder = new TextDecoder();
  try {
    const child = new Deno.Command(command, {
      args,
      env,
      cwd: ROOT,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    started(child.pid);
    const { success, stdout, stderr } = await child.output();
    return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } catch (error) {
    return { success: false, stdout: "", stderr: String(error) };
  }
}
