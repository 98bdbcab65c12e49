/**
 * The three of Node's modules that loading a library needs, loaded on first use. They are not imported:
 * an agent whose program loads no library loads neither, and loading one must not await.
 *
 * @module
 */

/** The functions in use. Node's own types come with npm packages and may be of any age. */
interface NodeBuiltins {
  "node:crypto": {
    createHash(algorithm: "sha256"): {
      update(bytes: Uint8Array): { digest(encoding: "hex"): string };
    };
  };
  "node:url": { fileURLToPath(url: URL): string };
  "node:fs": {
    openSync(path: string, flags: "r"): number;
    fstatSync(descriptor: number): { uid: number; mode: number; ino: number; dev: number };
    readFileSync(descriptor: number): Uint8Array;
    closeSync(descriptor: number): void;
  };
}

const { process } = globalThis as unknown as {
  process: { getBuiltinModule<Id extends keyof NodeBuiltins>(id: Id): NodeBuiltins[Id] };
};

/** Returns the SHA-256 of `bytes`, in hex. */
export function sha256(bytes: Uint8Array): string {
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(bytes).digest("hex");
}

/** Returns a file URL as a path of this system. */
export function fileURLToPath(url: URL): string {
  return process.getBuiltinModule("node:url").fileURLToPath(url);
}

/** Returns the functions of files by their descriptors, which Deno's own do not have. */
export function fs(): NodeBuiltins["node:fs"] {
  return process.getBuiltinModule("node:fs");
}
