/**
 * The two of Node's modules that loading a library takes, fetched when they are used. They are not
 * imported: an agent whose program loads no library loads neither, and loading one must not await.
 *
 * @module
 */

/** What of them is used. Their own types may be of any age: it is npm packages that bring them. */
interface NodeBuiltins {
  "node:crypto": {
    createHash(algorithm: "sha256"): {
      update(bytes: Uint8Array): { digest(encoding: "hex"): string };
    };
  };
  "node:url": { fileURLToPath(url: URL): string };
}

const { process } = globalThis as unknown as {
  process: { getBuiltinModule<Id extends keyof NodeBuiltins>(id: Id): NodeBuiltins[Id] };
};

/** The SHA-256 of `bytes`, in hex. */
export function sha256(bytes: Uint8Array): string {
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(bytes).digest("hex");
}

/** A file URL as a path of this system. */
export function fileURLToPath(url: URL): string {
  return process.getBuiltinModule("node:url").fileURLToPath(url);
}
