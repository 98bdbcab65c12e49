/**
 * Enters the native libraries of a release into `src/native/prebuilts.ts`, so that the
 * publication names each one's address and SHA-256.
 *
 * `deno run -A scripts/prebuilts.ts --repository owner/name FOLDER` takes the files
 * `<target>-<library>` of the folder and the version of `deno.json`. `--partial` takes fewer than
 * all targets, to try the step with the one library that this machine can build. `--check` downloads
 * what is entered and compares its hash.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Prebuilt } from "../src/native/prebuilts.ts";
import { commandLine } from "./lib/command_line.ts";
import { libraryFileName } from "../src/native/locate.ts";

type Prebuilts = Readonly<Record<string, Prebuilt>>;

const USAGE = `scripts/prebuilts.ts --repository owner/name [--partial] FOLDER
scripts/prebuilts.ts --check

Enters the native libraries of a release into src/native/prebuilts.ts.

  --repository  whose release it is
  --partial     fewer than all targets
  --check       downloads what is entered, and compares its hash`;

const FILE = new URL("../src/native/prebuilts.ts", import.meta.url);
const CONFIG = new URL("../deno.json", import.meta.url);

/** The targets that a release is built for, as `Deno.build.target` has them: those of wrtc. */
export const TARGETS: readonly string[] = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

/** The name of a target's library in a release, e.g. `x86_64-apple-darwin-libringline_audio.dylib`. */
export function assetName(target: string): string {
  const os = target.includes("windows")
    ? "windows"
    : target.includes("darwin")
    ? "darwin"
    : "linux";
  return `${target}-${libraryFileName(os)}`;
}

/** The address below which a GitHub release has its files. */
export function releaseUrl(repository: string, version: string): string {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) {
    throw new TypeError(`repository: expected owner/name, got "${repository}"`);
  }
  return `https://github.com/${repository}/releases/download/v${version}`;
}

/**
 * Returns the entries for the libraries in `folder`, which will stand below `base`.
 *
 * @throws {Error} naming a file that is no library of ours, or the targets that are missing
 */
export async function readLibraries(
  folder: string,
  base: string,
  { partial = false }: { partial?: boolean } = {},
): Promise<Prebuilts> {
  const files = new Set<string>();
  for await (const { name } of Deno.readDir(folder)) files.add(name);
  const found: Record<string, Prebuilt> = {};
  const missing = [];
  for (const target of TARGETS) {
    const name = assetName(target);
    if (!files.delete(name)) {
      missing.push(name);
      continue;
    }
    found[target] = {
      url: `${base}/${name}`,
      sha256: await sha256(await Deno.readFile(`${folder}/${name}`)),
    };
  }
  if (files.size > 0) throw new Error(`${folder} has ${[...files].join(", ")}: no library of ours`);
  if (missing.length === TARGETS.length || missing.length > 0 && !partial) {
    throw new Error(`${folder} lacks ${missing.join(", ")}`);
  }
  return found;
}

/** Returns the source of `prebuilts.ts` with these entries in place of those it has. */
export function enterPrebuilts(source: string, prebuilts: Prebuilts): string {
  const entries = Object.entries(prebuilts).map(([target, { url, sha256 }]) =>
    `  "${target}": {\n    url: "${url}",\n    sha256: "${sha256}",\n  },\n`
  );
  const object = entries.length === 0 ? "{}" : `{\n${entries.join("")}}`;
  const parts = source.split(/(?<=\nexport const prebuilts: [^\n]* = )\{(?:\n[^]*?\n)?\}(?=;\n)/);
  if (parts.length !== 2) throw new Error("prebuilts.ts has no object `prebuilts` to fill");
  return parts.join(object);
}

/** Downloads each library and throws an error unless it has the hash that is entered for it. */
export async function checkDownloads(prebuilts: Prebuilts): Promise<void> {
  for (const { url, sha256: expected } of Object.values(prebuilts)) {
    const response = await fetch(url);
    const body = await response.bytes();
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    const hash = await sha256(body);
    if (hash !== expected) throw new Error(`${url}: expected SHA-256 ${expected}, got ${hash}`);
  }
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

if (import.meta.main) {
  const { values, positionals: [folder] } = commandLine(USAGE, (args) => {
    const read = parseArgs({
      args,
      options: {
        repository: { type: "string" },
        partial: { type: "boolean" },
        check: { type: "boolean" },
      },
      allowPositionals: true,
    });
    const { values: { check, repository }, positionals } = read;
    const isChecked = check && repository === undefined && positionals.length === 0;
    if (isChecked || repository !== undefined && positionals.length === 1) return read;
    throw new TypeError("expected --repository and one folder, or --check alone");
  });
  if (values.check && folder === undefined) {
    const { prebuilts } = await import("../src/native/prebuilts.ts");
    if (Object.keys(prebuilts).length === 0) {
      throw new Error("src/native/prebuilts.ts names no library to check");
    }
    await checkDownloads(prebuilts);
    console.log("every download is the library that is entered");
  } else if (values.repository !== undefined && folder !== undefined) {
    const { version } = JSON.parse(await Deno.readTextFile(CONFIG));
    const base = releaseUrl(values.repository, version);
    const prebuilts = await readLibraries(folder, base, { partial: values.partial });
    await Deno.writeTextFile(FILE, enterPrebuilts(await Deno.readTextFile(FILE), prebuilts));
    for (const [target, { sha256 }] of Object.entries(prebuilts)) {
      console.log(`${sha256}  ${target}`);
    }
  }
}
