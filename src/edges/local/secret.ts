/**
 * The secret of a LocalEdge, which signs its links and invitations, and where it is kept.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { shown } from "../../events/checks.ts";
import { messageOf } from "../../events/error_text.ts";

/** The fewest characters: HS256 wants 256 bits, and few characters carry a byte. */
const LEAST = 32;
/** The fewest different characters: 32 random hexadecimal digits have fewer once in 10,000 times. */
const LEAST_DIFFERENT = 8;

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
    return createFile(path) ?? readFile(path);
  } catch (cause) {
    if (cause instanceof TypeError) throw cause;
    throw new TypeError(`secret: ${path} cannot be used: ${wayOut(cause)}`, { cause });
  }
}

/** Returns the secret of a new file; `undefined` where there is one already. */
function createFile(path: string): string | undefined {
  const created = newEdgeSecret();
  try {
    // Only its owner may read it. `createNew` follows no link, and replaces nothing.
    Deno.writeTextFileSync(path, `${created}\n`, { createNew: true, mode: 0o600 });
    return created;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return undefined;
    // A mounted one may be in a folder that cannot be written to.
    if (!isFile(path)) throw error;
    return undefined;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function readFile(path: string): string {
  const { isDirectory, mode } = followed(path);
  if (isDirectory) throw new TypeError(`secret: ${path} is a folder: name a file in it`);
  if (mode !== null && !isKept(mode)) {
    const shownMode = (mode & 0o777).toString(8).padStart(4, "0");
    throw new TypeError(
      `secret: other users may read or change ${path} (mode ${shownMode}), and so join every call: ` +
        "run chmod 600 on it (where it is mounted, mount it with mode 0400), and replace its contents " +
        "if they may have been read",
    );
  }
  return check(Deno.readTextFileSync(path).trim(), `secret: what ${path} keeps`);
}

function followed(path: string): Deno.FileInfo {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // There is something at the path, or it would have been created.
    throw new TypeError(
      `secret: ${path} is a link to a file that does not exist: create that file, or name another one`,
      { cause: error },
    );
  }
}

/** Whether a file's mode keeps a secret. One that is mounted for reading only may be readable by all. */
function isKept(mode: number): boolean {
  const isReadOnly = (mode & 0o222) === 0;
  return isReadOnly || (mode & 0o077 & ~0o040) === 0;
}

function wayOut(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "its folder does not exist: create it first";
  if (error instanceof Deno.errors.NotCapable) {
    return `${messageOf(error)} (both --allow-read and --allow-write are needed for it)`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "this user may not read it, or not create it: change its owner, or name another file";
  }
  return messageOf(error);
}

function check(secret: string, what: string): string {
  const advice = "take one from a random generator (openssl rand -base64 32)";
  if (secret.length < LEAST) {
    throw new TypeError(
      `${what} has ${secret.length} characters: at least ${LEAST} are needed, ${advice}`,
    );
  }
  const different = new Set(secret).size;
  if (different >= LEAST_DIFFERENT) return secret;
  throw new TypeError(`${what} has only ${different} different characters: ${advice}`);
}
