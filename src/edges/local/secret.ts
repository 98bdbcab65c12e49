/**
 * The secret of a LocalEdge, which signs its links and invitations, and where it is kept.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { shown } from "../../events/checks.ts";

/** The fewest characters: HS256 wants 256 bits, and few characters carry a byte. */
const LEAST = 32;

/** Returns a new secret: 256 random bits. */
function newEdgeSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * Returns the secret that an option names: itself, the contents of a file (which is created where there
 * is none), or a new one.
 */
export function readSecret(given: string | URL | undefined): string {
  if (given === undefined) return newEdgeSecret();
  if (typeof given === "string") return check(given, "secret");
  if (!(given instanceof URL) || given.protocol !== "file:") {
    throw new TypeError(`secret: expected a text or the URL of a file, got ${shown(given)}`);
  }
  const path = fileURLToPath(given);
  try {
    const created = newEdgeSecret();
    // Only its owner may read it. `createNew` follows no link, and replaces nothing.
    Deno.writeTextFileSync(path, `${created}\n`, { createNew: true, mode: 0o600 });
    return created;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return check(Deno.readTextFileSync(path).trim(), `the secret in ${path}`);
}

function check(secret: string, what: string): string {
  if (secret.length >= LEAST) return secret;
  throw new TypeError(
    `${what} has ${secret.length} characters: at least ${LEAST} are needed, from a random generator`,
  );
}
