/**
 * Deno's lock file in two parts: what npm gives, which is committed as `deno.lock`, and what this
 * machine adds: JSR's packages, or the stand-ins for them. Both together lie in `vendor/deno.lock`,
 * which the tasks use. Imports nothing, since setup runs before anything can be resolved.
 *
 * @module
 */

const ROOT = new URL("../..", import.meta.url);

/** The committed part. */
export const COMMITTED = new URL("deno.lock", ROOT);
/** Both parts, for this machine. */
export const MERGED = new URL("vendor/deno.lock", ROOT);

/** Packages that only the stand-ins of a machine without JSR import. */
const STAND_INS = ["npm:deno-std@", "npm:sinon@", "npm:@sinonjs/fake-timers@"];

/** A package of npm. */
interface Package {
  integrity: string;
  dependencies?: string[];
  optionalDependencies?: string[];
}

/** A lock file of version 5, as far as it matters here. */
export interface Lock {
  version: string;
  specifiers?: Record<string, string>;
  jsr?: Record<string, unknown>;
  npm?: Record<string, Package>;
  workspace?: unknown;
}

/** Reads a lock file, if it is there. */
export async function readLock(url: URL): Promise<Lock | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(url));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Returns the part that is committed: what npm gives to the project, not to stand-ins. */
export function npmPart({ version, specifiers = {}, npm = {}, workspace }: Lock): Lock {
  const kept = Object.entries(specifiers).filter(([specifier]) =>
    specifier.startsWith("npm:") && !STAND_INS.some((one) => specifier.startsWith(one))
  );
  const keyOf = keyFinder(npm);
  const packages = new Map<string, Package>();
  const todo = kept.map(([specifier, resolved]) =>
    `${specifier.slice(4, specifier.indexOf("@", 5))}@${resolved}`
  );
  for (const name of todo) {
    const key = keyOf(name);
    if (packages.has(key)) continue;
    const { dependencies, optionalDependencies, ...rest } = npm[key]!;
    const inFull = (names: string[]) =>
      names.map((one) => one.includes("@npm:") ? one : keyOf(one)).sort();
    packages.set(key, {
      ...rest,
      // By name alone where there is one version, the stand-ins' included: so in full here.
      ...(dependencies && { dependencies: inFull(dependencies) }),
      ...(optionalDependencies && { optionalDependencies: inFull(optionalDependencies) }),
    });
    todo.push(...dependencies ?? [], ...optionalDependencies ?? []);
  }
  return {
    version,
    specifiers: Object.fromEntries(kept.sort(([a], [b]) => a < b ? -1 : 1)),
    npm: Object.fromEntries([...packages].sort(([a], [b]) => a < b ? -1 : 1)),
    workspace,
  };
}

/** Finds a package by its key, by its name alone, or by another name that it is given. */
function keyFinder(npm: Record<string, Package>): (name: string) => string {
  const byName = Map.groupBy(Object.keys(npm), (key) => key.slice(0, key.indexOf("@", 1)));
  return (name) => {
    const own = name.includes("@npm:") ? name.slice(name.indexOf("@npm:") + 5) : name;
    if (own in npm) return own;
    const [key, ...others] = byName.get(own) ?? [];
    if (key === undefined || others.length > 0) {
      throw new Error(`the lock file has ${others.length + (key ? 1 : 0)} packages for ${name}`);
    }
    return key;
  };
}

/** Returns the specifiers and packages in which two locks differ. */
export function differences(one: Lock, other: Lock): string[] {
  const parts = (lock: Lock) =>
    new Map(
      [
        ...Object.entries(lock.specifiers ?? {}),
        ...Object.entries(lock.npm ?? {}),
        ["workspace", lock.workspace] as const,
      ].map(([name, value]) => [name, JSON.stringify(value)]),
    );
  const [a, b] = [parts(one), parts(other)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name))
    .sort();
}

/** Whether a merged lock has of npm what is committed, and nothing else. */
export function keeps(merged: Lock, committed: Lock): boolean {
  return differences(npmPart(merged), committed).every((name) => name === "workspace");
}
