/** The lock file of this program's project, which its media process uses too. @module */
import { fileURLToPath } from "node:url";

/** How long the search may take; it takes 40 ms. */
const SEARCH_MS = 5000;

/** By the folder that was searched from: it stays the same while this program runs. */
const known = new Map<string, Promise<string | undefined>>();

/**
 * Finds the lock file that this program runs with, by Deno's own rules. Another process reads the
 * project's configuration, since this program may lack the permission to.
 *
 * @param options.deno the Deno that searches
 * @param options.env what it finds in its environment
 * @param options.folder where the search begins: the main module's folder unless given
 * @returns its path; `undefined` where there is none
 */
export async function findLockFile(options: {
  deno: string;
  env: Record<string, string>;
  folder?: string;
}): Promise<string | undefined> {
  const { deno, env, folder = mainFolder() } = options;
  if (folder === undefined) return undefined;
  const found = known.get(folder) ?? ask(deno, env, folder);
  known.set(folder, found);
  return await found;
}

function mainFolder(): string | undefined {
  if (Deno.build.standalone || !Deno.mainModule.startsWith("file:")) return undefined;
  return fileURLToPath(new URL(".", Deno.mainModule));
}

async function ask(
  deno: string,
  env: Record<string, string>,
  folder: string,
): Promise<string | undefined> {
  const code = `console.log(JSON.stringify((${search})(${JSON.stringify(folder)}) ?? null))`;
  try {
    const { stdout } = await new Deno.Command(deno, {
      args: ["eval", "--quiet", "--no-config", "--no-lock", code],
      clearEnv: true,
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      signal: AbortSignal.timeout(SEARCH_MS),
    }).output();
    return JSON.parse(new TextDecoder().decode(stdout)) ?? undefined;
  } catch {
    return undefined; // no Deno that can be asked, or none within the time
  }
}

/**
 * The search, which runs in the other process: it must not name anything outside itself. The
 * nearest configuration counts, or the workspace's that it belongs to.
 */
function search(folder: string): string | undefined {
  const read = (path: string): string | undefined => {
    try {
      return Deno.readTextFileSync(path);
    } catch {
      return undefined;
    }
  };
  /** JSON with comments and trailing commas. */
  const parse = (text: string) => {
    const string = /"(?:\\.|[^"\\])*"/.source;
    const bare = text.replace(
      new RegExp(`(${string})|//.*|/\\*[^]*?\\*/`, "g"),
      (_, kept) => kept ?? "",
    );
    return JSON.parse(
      bare.replace(new RegExp(`(${string})|,(?=\\s*[}\\]])`, "g"), (_, kept) => kept ?? ""),
    );
  };
  let config: { lock?: unknown } | undefined, root: string | undefined, plain: string | undefined;
  for (let at = folder.replace(/[/\\]$/, "");; at = at.replace(/[/\\][^/\\]*$/, "")) {
    const text = read(`${at}/deno.json`) ?? read(`${at}/deno.jsonc`);
    const found = text === undefined ? undefined : parse(text);
    if (found !== undefined && (config === undefined || found.workspace !== undefined)) {
      config = found;
      root = at;
    }
    if (read(`${at}/package.json`) !== undefined) plain ??= at;
    if (!/[/\\]/.test(at)) break;
  }
  const base = root ?? plain;
  const lock = config?.lock;
  if (base === undefined || lock === false) return undefined;
  const { path = "deno.lock" } = typeof lock === "string"
    ? { path: lock }
    : (lock ?? {}) as { path?: string };
  const full = /^([A-Za-z]:)?[/\\]/.test(path) ? path : `${base}/${path}`;
  return read(full) === undefined ? undefined : full;
}
