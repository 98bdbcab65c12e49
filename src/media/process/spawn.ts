/** How the media process is started. @module */
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
import { findLockFile } from "../parent/lock_file.ts";
import type { HostProcess } from "./host_link.ts";
import { LastWords } from "./last_words.ts";
import { startFailure } from "./start_failure.ts";

/** What the process may do beside loading wrtc, which means full trust (`--allow-ffi`). */
export interface HostPermissions {
  /** Addresses it may listen on or connect to; `true` for all. Default none. */
  net?: true | string[];
  /** Files it may read. Default none. */
  read?: string[];
}

/** Options of {@linkcode spawnHost}. */
export interface SpawnOptions {
  /** The host's main module: a file, or where the package was imported from. */
  host: URL;
  permissions?: HostPermissions;
  /** More variables to pass; the host may read them. */
  variables?: string[];
  /** The lock file that decides on versions. It is never written. */
  lock?: string;
}

/** The lock file of a host that was imported over a network; files have that of their own project. */
export async function lockFor(deno: DenoProgram, host: URL): Promise<string | undefined> {
  if (host.protocol === "file:") return undefined;
  // A mirror of JSR that the process is not told of: it does not take the modules for a package's,
  // and such modules are in no lock file.
  if (host.host !== "jsr.io" && variable("JSR_URL") === undefined) return undefined;
  return await findLockFile({ deno: deno.path, env: variablesFor(deno, []) });
}

function variablesFor(deno: DenoProgram, variables: readonly string[]): Record<string, string> {
  const env = passedVariables(variables);
  if (deno.denoDir !== undefined) env.DENO_DIR = deno.denoDir;
  return env;
}

/**
 * Starts the host in a process of its own.
 *
 * @param deno what runs it: `findDeno` finds it
 * @throws {EdgeError} with code `permission-denied` or `spawn-failed`; it never asks
 */
export function spawnHost(deno: DenoProgram, options: SpawnOptions): HostProcess {
  const { host, permissions = {}, variables = [], lock } = options;
  const args = ["run", "--quiet", "--no-prompt", "--allow-ffi"];
  args.push(...lock === undefined ? ["--no-lock"] : ["--frozen", `--lock=${lock}`]);
  args.push(`--allow-env=${[...READABLE_VARIABLES, ...variables].join(",")}`);
  if (permissions.net === true) args.push("--allow-net");
  else if (permissions.net?.length) args.push(`--allow-net=${permissions.net.join(",")}`);
  const readable = [...permissions.read ?? [], cacheFolder()].filter((path) => path !== undefined);
  if (readable.length > 0) args.push(`--allow-read=${readable.join(",")}`);
  // Modules of the usual places may be imported anyway; the host's own may be a mirror of them.
  if (/^https?:$/.test(host.protocol) && host.host !== "jsr.io") {
    args.push(`--allow-import=${host.host},jsr.io:443`);
  }
  const env = variablesFor(deno, variables);
  // What it writes passes through this program, which knows whether a terminal shows it.
  if (Deno.noColor || !Deno.stderr.isTerminal()) env.NO_COLOR = "1";
  env.DENO_NO_UPDATE_CHECK = "1";
  env[DENO_VARIABLE] = NO_DENO;
  let child: Deno.ChildProcess;
  // No configuration is named: a checkout's is found from the host's folder upwards, and a published
  // module carries full specifiers.
  try {
    child = new Deno.Command(deno.path, {
      args: [...args, host.href],
      cwd: START_FOLDER,
      // In a session of its own, where a terminal's Ctrl-C does not reach it: it still has to say
      // goodbye, and before its first statement nothing could catch a signal. It ends with its input.
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
  const words = new LastWords(child.stderr);
  return {
    pid: child.pid,
    stdin: child.stdin,
    stdout: child.stdout,
    status: child.status.then(async (status) => {
      await words.ended();
      return status;
    }),
    kill: (signal) => child.kill(signal),
    startFailure: (end) =>
      startFailure({ end, lastWords: words.text, host, denoDir: env.DENO_DIR }),
  };
}
