/** The part of this program's environment that it passes to a media process. @module */
import { granted, LIBRARY_VARIABLE, variable } from "../../native/locate.ts";

/** Variables that name Deno's cache folder: `DENO_DIR` or the system's usual ones. */
export const CACHE_VARIABLES = Deno.build.os === "windows"
  ? ["DENO_DIR", "LOCALAPPDATA"]
  : ["DENO_DIR", "XDG_CACHE_HOME", "HOME"];

/**
 * Variables by which Deno reaches npm, JSR and the network. No tokens: load what needs one ahead,
 * with `deno cache`.
 */
const LOADING_VARIABLES = [
  ...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"],
  ...["http_proxy", "https_proxy", "all_proxy", "no_proxy"],
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "JSR_URL",
  "NPM_CONFIG_REGISTRY",
  "NPM_CONFIG_REPLACE_REGISTRY_HOST",
  "npm_config_replace_registry_host",
  "NPM_CONFIG_MIN_RELEASE_AGE",
  "npm_config_min_release_age",
];

/** Variables that name the folders of programs, libraries and temporary files. */
const SYSTEM_VARIABLES = ["PATH", "USERPROFILE", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR"];

/** The system's library path: only a program with an unrestricted `--allow-run` may pass it. */
const LIBRARIES_VARIABLE = "LD_LIBRARY_PATH";

/** Variables that the process may read: they say where the audio kernel lies. */
export const READABLE_VARIABLES = [
  LIBRARY_VARIABLE,
  "RINGLINE_CACHE",
  "HOME",
  "XDG_CACHE_HOME",
  "LOCALAPPDATA",
] as const;

/**
 * Returns the variables that the process gets, as far as this program may read them. Nothing else
 * reaches it, so that no secret can.
 *
 * @param more names of further variables
 */
export function passedVariables(more: readonly string[]): Record<string, string> {
  const names = [
    ...SYSTEM_VARIABLES,
    ...CACHE_VARIABLES,
    ...LOADING_VARIABLES,
    ...READABLE_VARIABLES,
    ...(granted({ name: "run" }) ? [LIBRARIES_VARIABLE] : []),
    ...more,
  ];
  const passed: Record<string, string> = {};
  for (const name of names) {
    // Reads only what is granted: a prompt would hang an agent that runs as a service.
    const value = variable(name);
    if (value !== undefined) passed[name] = value;
  }
  return passed;
}

/** Returns the variables that loading modules may need and this program may not read. */
export function unreadVariables(): string[] {
  const system = Deno.build.os === "windows"
    ? ["PATH", "SYSTEMROOT", "USERPROFILE"]
    : ["PATH", "HOME"];
  const libraries = Deno.build.os === "linux" ? [LIBRARIES_VARIABLE] : [];
  return [...system, ...LOADING_VARIABLES, ...libraries].filter((name) => !isReadable(name));
}

/** Whether this program can tell from its environment which folder Deno caches in. */
export function knowsCache(): boolean {
  return variable("DENO_DIR") !== undefined || CACHE_VARIABLES.every(isReadable);
}

function isReadable(name: string): boolean {
  return granted({ name: "env", variable: name });
}
