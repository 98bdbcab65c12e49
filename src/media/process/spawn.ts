/** How the media process is started. @module */
import { EdgeError } from "../../edge/errors.ts";
import { cacheFolder } from "../../native/cache.ts";
import { LIBRARY_VARIABLE } from "../../native/locate.ts";

/** What the process may do beside loading wrtc, which means full trust (`--allow-ffi`). */
export interface HostPermissions {
  /** Addresses it may listen on or connect to; `true` for all. Default none. */
  net?: true | string[];
  /** Files it may read. Default none. */
  read?: string[];
}

/**
 * The variables that reach the process: where programs and caches lie, and how npm and the network
 * are reached. Nothing else does, so that no secret can.
 */
const PASSED_VARIABLES = [
  "PATH",
  "USERPROFILE",
  "SYSTEMROOT",
  "TEMP",
  "TMP",
  "TMPDIR",
  "DENO_DIR",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "LD_LIBRARY_PATH",
  "NPM_CONFIG_REGISTRY",
  "npm_config_registry",
  "JSR_URL",
  "HTTP_PROXY",
  "http_proxy",
  "HTTPS_PROXY",
  "https_proxy",
  "NO_PROXY",
  "no_proxy",
  "ALL_PROXY",
  "all_proxy",
  "SSL_CERT_FILE",
  "NO_COLOR",
] as const;

/** Those that the host may read: where the audio kernel lies. */
const READABLE_VARIABLES = [
  LIBRARY_VARIABLE,
  "RINGLINE_CACHE",
  "HOME",
  "XDG_CACHE_HOME",
  "LOCALAPPDATA",
] as const;

/** Options of {@linkcode spawnHost}. */
export interface SpawnOptions {
  /** The host's main module: a file, or where the package was imported from. */
  host: URL;
  permissions?: HostPermissions;
  /** More variables to pass; the host may read them. */
  variables?: string[];
}

/**
 * Starts the host in a process of its own.
 *
 * @throws {EdgeError} with code `permission-denied` when this process may not; it never asks
 */
export function spawnHost(options: SpawnOptions): Deno.ChildProcess {
  const { host, permissions = {}, variables = [] } = options;
  assertMayRun();
  const args = ["run", "--quiet", "--no-prompt", "--no-lock", "--allow-ffi"];
  args.push(`--allow-env=${[...READABLE_VARIABLES, ...variables].join(",")}`);
  if (permissions.net === true) args.push("--allow-net");
  else if (permissions.net?.length) args.push(`--allow-net=${permissions.net.join(",")}`);
  const readable = [...permissions.read ?? [], cacheFolder()].filter((path) => path !== undefined);
  if (readable.length > 0) args.push(`--allow-read=${readable.join(",")}`);
  // Modules of the usual places may be imported anyway; the host's own may be a mirror of them.
  if (/^https?:$/.test(host.protocol) && host.host !== "jsr.io") {
    args.push(`--allow-import=${host.host},jsr.io:443`);
  }
  // No configuration is named: a checkout's is found from the host's folder upwards, and a published
  // module carries full specifiers.
  try {
    return new Deno.Command(Deno.execPath(), {
      args: [...args, host.href],
      // In a session of its own, where a terminal's Ctrl-C does not reach it: it still has to say
      // goodbye, and before its first statement nothing could catch a signal. It ends with its input.
      detached: true,
      clearEnv: true,
      env: passedVariables([...PASSED_VARIABLES, ...READABLE_VARIABLES, ...variables]),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
  } catch (cause) {
    throw new EdgeError(`the media process could not be started: ${(cause as Error).message}`, {
      code: cause instanceof Deno.errors.NotCapable ? "permission-denied" : "spawn-failed",
      cause,
    });
  }
}

/** The permission that a user has to grant, as a flag. */
function assertMayRun(): void {
  const command = Deno.execPath();
  const { state } = Deno.permissions.querySync({ name: "run", command });
  if (state === "granted") return;
  throw new EdgeError(
    `WebRTC runs in a process of its own, which may not be started: grant --allow-run=${command} ` +
      `(or --allow-run)`,
    { code: "permission-denied" },
  );
}

function passedVariables(names: string[]): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const variable of names) {
    // Asked for only what is granted: a prompt would hang an agent that runs as a service.
    if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") continue;
    const value = Deno.env.get(variable);
    if (value !== undefined) passed[variable] = value;
  }
  return passed;
}
