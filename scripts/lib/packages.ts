/** The packages of this repository: the root, and the workspace's members. @module */
import { fileURLToPath } from "node:url";
import { isFile } from "./programs.ts";

const ROOT = new URL("../..", import.meta.url);

/** A package, as its `deno.json` describes it. */
export interface Package {
  /** Its name, or its folder where it has none. */
  readonly name: string;
  /** Its version, where it has one. */
  readonly version: string | undefined;
  /** Its folder; ends in "/". */
  readonly folder: URL;
  /** Its entry points, as paths from its folder. */
  readonly entries: string[];
  /** What its import map names. */
  readonly dependencies: string[];
}

interface Config {
  name?: string;
  version?: string;
  exports?: string | Record<string, string>;
  imports?: Record<string, string>;
  workspace?: string[] | { members: string[] };
}

async function readConfig(folder: URL): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(new URL("deno.json", folder)));
}

/** Returns the packages that a workspace's root and its members are, the root first. */
export async function readPackages(root: URL = ROOT): Promise<Package[]> {
  const config = await readConfig(root);
  const { workspace = [] } = config;
  const members = Array.isArray(workspace) ? workspace : workspace.members;
  const packages = [packageOf(root, config)];
  for (const member of members) {
    for (const folder of await foldersOf(member, root)) {
      packages.push(packageOf(folder, await readConfig(folder)));
    }
  }
  return packages;
}

function packageOf(folder: URL, config: Config): Package {
  const { name = folder.pathname, version, exports = {}, imports = {} } = config;
  const entries = typeof exports === "string" ? [exports] : Object.values(exports);
  return { name, version, folder, entries, dependencies: Object.values(imports) };
}

/** The folders that a member's entry in `workspace` means: one, or all in one (`src/adapters/*`). */
async function foldersOf(member: string, root: URL): Promise<URL[]> {
  if (!member.endsWith("/*")) return [new URL(member.replace(/\/?$/, "/"), root)];
  const parent = new URL(member.slice(0, -1), root);
  const found: URL[] = [];
  for await (const { name, isDirectory } of Deno.readDir(parent)) {
    const folder = new URL(`${name}/`, parent);
    if (isDirectory && await isFile(fileURLToPath(new URL("deno.json", folder)))) {
      found.push(folder);
    }
  }
  return found.sort((a, b) => a.href < b.href ? -1 : 1);
}
