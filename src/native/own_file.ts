/** Files of the user alone, read so that what was read is what is opened later. @module */

import { granted } from "./locate.ts";
import { fs } from "./node_builtins.ts";

/** Writing by the group or by others. */
const OTHERS_WRITE = 0o022;
const hasOwners = Deno.build.os !== "windows";

/** A file that was read, and is open still. */
export interface OwnFile extends Disposable {
  /** Its content. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * Returns a path to load it from as a library, which leads to this very file even if another one
   * takes its name meanwhile. Only Linux has one; elsewhere it is the file's name, which only its
   * folder's owner can give away. The file stays open then: the system takes a library that has the
   * path of an earlier one for the same.
   */
  loadPath(): string;
}

/**
 * Reads a file that is no symlink, and that only this user, or the system's administrator, may write:
 * it and its folder.
 *
 * @throws {Error} it is not there, or is not so
 */
export function readOwn(folder: string, path: string): OwnFile {
  assertOwn(`the folder ${folder}`, Deno.statSync(folder));
  const { isFile, ino, dev } = Deno.lstatSync(path);
  if (!isFile) throw new Error(`${path} is not a file`);
  const descriptor = fs().openSync(path, "r");
  let isKept = false;
  const close = () => {
    if (!isKept) fs().closeSync(descriptor);
  };
  try {
    const stat = fs().fstatSync(descriptor);
    if (stat.ino !== ino || stat.dev !== dev) throw new Error(`${path} was replaced just now`);
    assertOwn(path, stat);
    return {
      bytes: new Uint8Array(fs().readFileSync(descriptor)),
      loadPath() {
        const same = `/proc/self/fd/${descriptor}`;
        if (Deno.build.os !== "linux" || !granted({ name: "ffi", path: same })) return path;
        isKept = true;
        return same;
      },
      [Symbol.dispose]: close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function assertOwn(what: string, { uid, mode }: { uid: number | null; mode: number | null }): void {
  if (!hasOwners) return;
  const own = userId();
  if (own === undefined) {
    throw new Error(`the owner of ${what} cannot be checked without --allow-sys=uid`);
  }
  if (uid !== own && uid !== 0) throw new Error(`${what} belongs to another user`);
  if (((mode ?? 0) & OTHERS_WRITE) !== 0) {
    throw new Error(`${what} can be written by others: chmod go-w`);
  }
}

/** This process's user, who owns what it writes. A program that may load libraries may ask the system's. */
function userId(): number | undefined {
  if (granted({ name: "sys", kind: "uid" })) return Deno.uid() ?? undefined;
  const path = Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
  if (!granted({ name: "ffi", path })) return undefined;
  const symbols = { getuid: { parameters: [], result: "u32" } } as const;
  try {
    const system = Deno.dlopen(path, symbols);
    const uid = system.symbols.getuid();
    system.close();
    return uid;
  } catch {
    return undefined;
  }
}
