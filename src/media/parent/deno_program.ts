/** Which Deno runs a media process, and what it has to be told. @module */
import { EdgeError } from "../../edge/errors.ts";
import { limitTime } from "../../events/waiting.ts";
import { granted, variable } from "../../native/locate.ts";
import { CACHE_VARIABLES, knowsCache } from "./environment.ts";
import { messageOf } from "../../events/error_text.ts";
import { fileURLToPath } from "node:url";

/**
 * The environment variable that names the Deno to use. Whatever is started as one finds `none` in
 * it and starts no other: a program that was named by mistake cannot start itself without end.
 */
export const DENO_VARIABLE = "RINGLINE_DENO";
/** The value of {@linkcode DENO_VARIABLE} in what was started as a media process. */
export const NO_DENO = "none";

/**
 * The folder that this program was started in. What it starts begins there, too: a relative
 * `DENO_DIR` means it, whatever `Deno.chdir` has done since.
 */
export const START_FOLDER = Deno.cwd();

/** Which Deno runs an edge's media process. */
export interface DenoOptions {
  /**
   * The Deno that runs the media process: a path, a file URL, or a name on the path. Needed in a
   * program made by `deno compile`, which is no Deno itself. A script must `exec` it, or what the
   * script started may outlive a start that was given up. Default: `RINGLINE_DENO` of the
   * environment, then the Deno that runs this program. Needs `--allow-run` for it and
   * `--allow-env=RINGLINE_DENO`.
   */
  denoPath?: string | URL;
}

/** A program that runs media processes. */
export interface DenoProgram {
  /** Its path, or its name on the path. */
  readonly path: string;
  /** Where it caches, if the environment that this program may read does not tell. */
  readonly denoDir?: string;
}

/** What only a Deno responds to, whatever its folder's configuration says, without a network. */
const QUESTION = ["info", "--json", "--no-config"];
/** How long the response may take; it takes 25 ms. */
const RESPONSE_MS = 5000;
/** A response has 500. */
const MOST_CHARACTERS = 1 << 16;
/** The oldest version that this package runs on. */
const OLDEST = [2, 9] as const;
/** What our own Deno need not be asked where all of these may be read. */
const NOT_ASKED = [DENO_VARIABLE, ...CACHE_VARIABLES];

/** What a Deno says of itself. */
interface DenoInfo {
  denoVersion: string;
  denoDir: string;
}

/** By the program's path: it stays the same while this program runs. */
const known = new Map<string, DenoInfo>();

/**
 * Reads a `denoPath`.
 *
 * @throws {TypeError} it is neither a path nor a file URL
 */
export function readDenoPath(denoPath: string | URL | undefined): string | undefined {
  if (denoPath === undefined) return undefined;
  if (denoPath instanceof URL && denoPath.protocol === "file:") return fileURLToPath(denoPath);
  if (typeof denoPath === "string" && denoPath !== "") return denoPath;
  throw new TypeError(
    `denoPath must be the path or the file URL of a Deno, got ${Deno.inspect(denoPath)}`,
  );
}

/**
 * Finds the Deno for a media process: the named one, or the one that runs this program.
 *
 * @param named its path; `RINGLINE_DENO` of the environment names it otherwise
 * @throws {EdgeError} it may not be started (`permission-denied`), it is no Deno or too old
 *   (`no-deno`), a compiled program names none (`no-deno`), this program was itself started as a
 *   media process (`media-process-nested`); the signal's reason
 */
export async function findDeno(named?: string, signal?: AbortSignal): Promise<DenoProgram> {
  const told = variable(DENO_VARIABLE);
  // The arguments are seen without a permission.
  if (told === NO_DENO || isQuestion(Deno.args)) {
    const sign = told === NO_DENO
      ? `${DENO_VARIABLE} is "${NO_DENO}"`
      : `its arguments end in "${QUESTION.join(" ")}"`;
    throw new EdgeError(
      `this program starts no media process, since ${sign}: that is how a program is started that ` +
        `is to be a media process itself. Name a Deno by denoPath or ${DENO_VARIABLE}, not this program`,
      { code: "media-process-nested" },
    );
  }
  const path = named ?? (told || undefined);
  if (path === undefined) return await ownDeno(signal);
  if (!granted({ name: "env", variable: DENO_VARIABLE })) {
    throw new EdgeError(
      `another Deno can be named only with --allow-env=${DENO_VARIABLE}: by that variable a ` +
        "program that was named by mistake knows not to start itself again",
      { code: "permission-denied" },
    );
  }
  if (Deno.build.standalone && path === Deno.execPath()) {
    throw new EdgeError(`${path} is this compiled program, not a Deno`, { code: "no-deno" });
  }
  assertMayRun(path);
  const { denoDir, denoVersion } = await describe(path, { signal, own: false });
  const [major = 0, minor = 0] = denoVersion.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new EdgeError(
      `${path} is Deno ${denoVersion}, expected ${OLDEST.join(".")} or later`,
      { code: "no-deno" },
    );
  }
  return { path, denoDir };
}

async function ownDeno(signal: AbortSignal | undefined): Promise<DenoProgram> {
  if (Deno.build.standalone) {
    throw new EdgeError(
      "a compiled program has no Deno for its media process: name one by the option denoPath or " +
        `by the variable ${DENO_VARIABLE} (compile with --allow-run ` +
        `--allow-env=${DENO_VARIABLE})`,
      { code: "no-deno" },
    );
  }
  // An upgrade has put another one in its place.
  const path = Deno.execPath().replace(/ \(deleted\)$/, "");
  assertMayRun(path);
  if (knowsCache() && granted({ name: "env", variable: DENO_VARIABLE })) return { path };
  const { denoDir } = await describe(path, { signal, own: true });
  return { path, denoDir };
}

/** The permission that a user has to grant, as a flag. */
function assertMayRun(command: string): void {
  if (granted({ name: "run", command })) return;
  throw new EdgeError(
    `WebRTC runs in a process of its own, which may not be started: grant --allow-run=${command} ` +
      `(or --allow-run)`,
    { code: "permission-denied" },
  );
}

/** The error of a process that could not even be started. */
export function spawnError(path: string, cause: unknown): EdgeError {
  const message = messageOf(cause);
  const isDenied = cause instanceof Deno.errors.NotCapable;
  const wayOut = isDenied
    ? "grant --allow-run without a list"
    : `name another Deno by denoPath or ${DENO_VARIABLE}`;
  return new EdgeError(`the media process could not be started by ${path}: ${message}; ${wayOut}`, {
    code: isDenied ? "permission-denied" : "spawn-failed",
    cause,
  });
}

/** Asks a program which Deno it is. It inherits the whole environment; only its response is used. */
async function describe(
  path: string,
  { signal, own }: { signal?: AbortSignal; own: boolean },
): Promise<DenoInfo> {
  const before = known.get(path);
  if (before !== undefined) return before;
  signal?.throwIfAborted();
  const signals = signal ? [signal] : [];
  using limit = limitTime("a response", { timeoutMs: RESPONSE_MS, signals });
  const { child, withheld } = spawnInfo(path, own);
  const { text, status } = await readResponse(child, limit.signal);
  signal?.throwIfAborted();
  const info = parseInfo(text);
  if (info !== undefined) {
    known.set(path, info);
    return info;
  }
  // By ourselves it is killed, not asked to end.
  const wasEnded = status.signal !== null && status.signal !== "SIGKILL";
  const problem = limit.signal.aborted
    ? `did not end within ${RESPONSE_MS} ms`
    : wasEnded
    ? `was ended by ${status.signal}`
    : `did not print what a Deno does (exit code ${status.code})`;
  const isMistaken = !own && !wasEnded;
  const what = isMistaken ? "is no Deno that can run the media process" : "cannot be asked";
  const sentences = [`${path} ${what}: \`${QUESTION.join(" ")}\` ${problem}`];
  if (isMistaken) sentences.push(`denoPath and ${DENO_VARIABLE} must name a Deno`);
  if (own) sentences.push(`With --allow-env=${NOT_ASKED.join(",")} it is not asked`);
  if (withheld.length > 0) {
    sentences.push(`If it needs ${withheld.join(", ")}, grant --allow-run without a list`);
  }
  throw new EdgeError(sentences.join(". "), {
    code: wasEnded ? "media-process-not-started" : "no-deno",
  });
}

/** Starts the question, and tells which variables it could not pass on. */
function spawnInfo(path: string, own: boolean): { child: Deno.ChildProcess; withheld: string[] } {
  let withheld: string[] = [];
  while (true) {
    const blank = Object.fromEntries(withheld.map((name) => [name, ""]));
    try {
      const child = new Deno.Command(path, {
        args: QUESTION,
        cwd: START_FOLDER,
        // Our own Deno ends by itself, so that a terminal's Ctrl-C, which the program may want to
        // handle, need not reach it. What was named by mistake may not end.
        detached: own,
        env: { ...blank, [DENO_VARIABLE]: NO_DENO },
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      return { child, withheld };
    } catch (cause) {
      // Only a program that may run anything may pass on `LD_...`; the error names all there are.
      const names = /subprocess with (.+?) environment variable/.exec(String(cause))?.[1];
      if (names === undefined || withheld.length > 0) throw spawnError(path, cause);
      withheld = names.split(", ");
    }
  }
}

/** What the program prints, until it ends or the signal is aborted: then it is gone in any case. */
async function readResponse(
  child: Deno.ChildProcess,
  signal: AbortSignal,
): Promise<{ text: string; status: Deno.CommandStatus }> {
  const reader = child.stdout.getReader();
  // The end of the pipe may outlive the program, in another that it started.
  const giveUp = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", giveUp);
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (text.length < MOST_CHARACTERS) {
      const { value, done } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    signal.removeEventListener("abort", giveUp);
    await reader.cancel().catch(() => {});
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  }
  return { text, status: await child.status };
}

function parseInfo(text: string): DenoInfo | undefined {
  try {
    const { denoVersion, denoDir } = JSON.parse(text);
    const valid = typeof denoVersion === "string" && typeof denoDir === "string";
    return valid ? { denoVersion, denoDir } : undefined;
  } catch {
    return undefined;
  }
}

function isQuestion(args: readonly string[]): boolean {
  return QUESTION.every((arg, index) => args[args.length - QUESTION.length + index] === arg);
}
