/** Spawns the media process. @module */
import { cacheFolder } from "../../native/cache.ts";
import { variable } from "../../native/locate.ts";
import {
  DENO_VARIABLE,
  type DenoProgram,
  NO_DENO,
  spawnError,
  START_FOLDER,
} from "./deno_program.ts";
import { passedVariables, READABLE_VARIABLES } from "./environment.ts";
import type { SpawnedChild } from "./child_link.ts";
import { findLockFile } from "./lock_file.ts";
import { LastWords } from "./last_words.ts";
import { startFailure } from "./start_failure.ts";

/** The permissions of the process besides loading wrtc, which already means full trust (`--allow-ffi`). */
export interface ChildPermissions {
  /** Addresses it may listen on or connect to; `true` for all. Default none. */
  net?: true | string[];
  /** Files it may read. Default none. */
  read?: string[];
}

/** Options of {@linkcode spawnChild}. */
export interface SpawnOptions {
  /** The child's main module: a file, or where the package was imported from. */
  child: URL;
  permissions?: ChildPermissions;
  /** Further variables to pass, which the child may read. */
  variables?: string[];
  /** The lock file that decides on versions. It is never written. */
  lock?: string;
}

/** Returns the lock file of a child that was imported over a network; files have their project's. */
export async function lockFor(deno: DenoProgram, child: URL): Promise<string | undefined> {
  if (child.protocol === "file:") return undefined;
  // With a mirror of JSR that the process does not know, Deno does not take the modules for a
  // package's, and such modules are in no lock file.
  if (child.host !== "jsr.io" && variable("JSR_URL") === undefined) return undefined;
  return await findLockFile({ deno: deno.path, env: variablesFor(deno, []) });
}

function variablesFor(deno: DenoProgram, variables: readonly string[]): Record<string, string> {
  const env = passedVariables(variables);
  if (deno.denoDir !== undefined) env.DENO_DIR = deno.denoDir;
  return env;
}

/**
 * Spawns the media process.
 *
 * @param deno the program that runs it; see `findDeno`
 * @throws {EdgeError} with code `permission-denied` or `spawn-failed`; never prompts for permission
 */
export function spawnChild(deno: DenoProgram, options: SpawnOptions): SpawnedChild {
  const { child, permissions = {}, variables = [], lock } = options;
  const args = ["run", "--quiet", "--no-prompt", "--allow-ffi"];
  args.push(...lock === undefined ? ["--no-lock"] : ["--frozen", `--lock=${lock}`]);
  args.push(`--allow-env=${[...READABLE_VARIABLES, ...variables].join(",")}`);
  if (permissions.net === true) args.push("--allow-net");
  else if (permissions.net?.length) args.push(`--allow-net=${permissions.net.join(",")}`);
  const readable = [...permissions.read ?? [], cacheFolder()].filter((path) => path !== undefined);
  if (readable.length > 0) args.push(`--allow-read=${readable.join(",")}`);
  // Deno may import from the usual hosts anyway; the child's own may be a mirror of them.
  if (/^https?:$/.test(child.protocol) && child.host !== "jsr.io") {
    args.push(`--allow-import=${child.host},jsr.io:443`);
  }
  const env = variablesFor(deno, variables);
  // Its standard error passes through this program, which knows whether a terminal shows it.
  if (Deno.noColor || !Deno.stderr.isTerminal()) env.NO_COLOR = "1";
  env.DENO_NO_UPDATE_CHECK = "1";
  env[DENO_VARIABLE] = NO_DENO;
  let process: Deno.ChildProcess;
  // No configuration is named: Deno finds a checkout's from the child's folder upwards, and a published
  // module carries full specifiers.
  try {
    process = new Deno.Command(deno.path, {
      args: [...args, child.href],
      cwd: START_FOLDER,
      // In its own session a terminal's Ctrl-C does not reach it: it still has to say goodbye, and
      // could catch no signal before its first statement. It ends when its input closes.
      detached: true,
      clearEnv: true,
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    throw spawnError(deno.path, cause);
  }
  const words = new LastWords(process.stderr);
  return {
    pid: process.pid,
    stdin: process.stdin,
    stdout: process.stdout,
    status: process.status.then(async (status) => {
      await words.ended();
      return status;
    }),
    kill: (signal) => process.kill(signal),
    startFailure: (end) =>
      startFailure({ end, lastWords: words.text, child, denoDir: env.DENO_DIR }),
  };
}
