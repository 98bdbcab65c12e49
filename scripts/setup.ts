/**
 * Prepares a machine that cannot reach JSR.
 *
 * Where JSR answers (or its packages are already there), this does nothing. Where it does not, it
 * writes stand-ins for the few `@std` modules that tests and scripts use into `vendor/`, which git
 * ignores: thin files over npm packages, with the same names and behaviour. The
 * specifiers in `deno.json` stay the canonical ones either way.
 *
 * Either way it also sees to `vendor/deno.lock`: the committed `deno.lock`, and what JSR or the
 * stand-ins add to it on this machine.
 *
 * This file imports no package, since it runs before anything can be resolved.
 */
import { COMMITTED, keeps, MERGED, readLock } from "./lib/lock_file.ts";
import { exists } from "./lib/files.ts";

const ROOT = new URL("..", import.meta.url);
const TYPES = new URL("./stand_ins/", import.meta.url);
const MARK = "stand-ins";

/** The version that a stand-in claims, and the npm module behind each of its files ("": our own). */
const PACKAGES: Record<string, { version: string; files: Record<string, string> }> = {
  assert: { version: "1.4.0", files: { mod: "npm:deno-std@1.4.0/assert/mod.js" } },
  async: {
    version: "1.5.0",
    files: {
      mod: "",
      delay: "npm:deno-std@1.4.0/async/delay.js",
      deadline: "npm:deno-std@1.4.0/async/deadline.js",
      abortable: "npm:deno-std@1.4.0/async/abortable.js",
    },
  },
  testing: { version: "1.0.0", files: { time: "", mock: "", bdd: "" } },
};

/** JSR's own folder inside `vendor/`, by Deno's naming. */
const HOST = "jsr.io";

async function jsrAnswers(): Promise<boolean> {
  // `deno info` asks the registry in the way the project itself will; nothing is kept of it.
  const scratch = await Deno.makeTempDir();
  try {
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["cache", "--no-config", "--no-lock", "jsr:@std/async@^1/delay"],
      cwd: scratch,
      stdout: "null",
      stderr: "null",
      signal: AbortSignal.timeout(15_000),
    }).output();
    return success;
  } catch {
    return false;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function write(url: URL, text: string): Promise<void> {
  await Deno.mkdir(new URL(".", url), { recursive: true });
  await Deno.writeTextFile(url, text);
}

async function writeStandIns(): Promise<void> {
  for (const [name, { version, files }] of Object.entries(PACKAGES)) {
    const base = new URL(`vendor/${HOST}/@std/${name}/`, ROOT);
    const exports: Record<string, string> = {};
    const manifest: Record<string, { size: number; checksum: string }> = {};
    for (const [file, source] of Object.entries(files)) {
      exports[file === "mod" ? "." : `./${file}`] = `./${file}.js`;
      manifest[`/${file}.js`] = { size: 1, checksum: "sha256-0" };
      const body = source
        ? `export * from "${source}";\n`
        : await Deno.readTextFile(new URL(`${name}_${file}.js`, TYPES));
      await write(
        new URL(`${version}/${file}.js`, base),
        `// @ts-self-types="./${file}.d.ts"\n${body}`,
      );
      await write(
        new URL(`${version}/${file}.d.ts`, base),
        await Deno.readTextFile(new URL(`${name}_${file}.d.ts`, TYPES)),
      );
    }
    await write(
      new URL("meta.json", base),
      JSON.stringify({ scope: "std", name, latest: version, versions: { [version]: {} } }),
    );
    await write(new URL(`${version}_meta.json`, base), JSON.stringify({ manifest, exports }));
  }
}

/** What the stand-ins are made from, so that an older set is noticed and made anew. */
async function fingerprint(): Promise<string> {
  const parts = [await Deno.readTextFile(new URL(import.meta.url))];
  for await (const entry of Deno.readDir(TYPES)) {
    parts.push(entry.name + await Deno.readTextFile(new URL(entry.name, TYPES)));
  }
  const bytes = new TextEncoder().encode(parts.sort().join("\n"));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}

/** Writes the lock file of this machine, unless it keeps to the committed one already. */
async function mergeLock(): Promise<void> {
  const committed = await readLock(COMMITTED);
  if (committed === undefined) return; // `deno task lock` is about to write it
  const merged = await readLock(MERGED);
  if (merged?.jsr !== undefined && keeps(merged, committed)) return;
  await write(MERGED, JSON.stringify(committed, null, 2));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", "--frozen=false", ...standardModules()],
    cwd: ROOT,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) {
    console.error(`setup: the lock file lacks @std:\n${new TextDecoder().decode(stderr)}`);
  }
}

/** The modules of `@std` that the project may import. */
function standardModules(): string[] {
  return Object.entries(PACKAGES).flatMap(([name, { files }]) =>
    Object.keys(files).map((file) => `jsr:@std/${name}@^1${file === "mod" ? "" : `/${file}`}`)
  );
}

const mark = new URL(`vendor/${MARK}`, ROOT);
const vendored = new URL(`vendor/${HOST}/@std/async/meta.json`, ROOT);
const wanted = await fingerprint();
const found = await exists(mark) ? await Deno.readTextFile(mark) : undefined;

if (found !== wanted && (found !== undefined || !await exists(vendored))) {
  if (await jsrAnswers()) {
    if (found !== undefined) await Deno.remove(new URL("vendor/", ROOT), { recursive: true });
  } else {
    await writeStandIns();
    await write(mark, wanted);
    console.error("setup: JSR cannot be reached; wrote stand-ins for @std into vendor/");
  }
}
await mergeLock();
