/** Finds the Deno that runs a media process. @module */
import { EdgeError } from "../../edge/errors.ts";
import { limitTime } from "../../events/waiting.ts";
import { granted, variable } from "../../native/locate.ts";
import { CACHE_VARIABLES, knowsCache } from "./environment.ts";
import { messageOf } from "../../events/error_text.ts";
import { fileURLToPath } from "node:url";

/**
 * The environment variable that names the Deno to use. A program started as one finds `none` in it
 * and starts no other, so that a program named by mistake does not start itself endlessly.
 */
export const DENO_VARIABLE = "RINGLINE_DENO";
/** The value of {@linkcode DENO_VARIABLE} in a program that was started as a media process. */
export const NO_DENO = "none";

/**
 * The folder that this program was started in. Its child processes start there too: a relative
 * `DENO_DIR` is relative to it, whatever `Deno.chdir` has done since.
 */
export const START_FOLDER = Deno.cwd();

/** Options that choose the Deno of an edge's media process. */
export interface DenoOptions {
  /**
   * The Deno that runs the media process: a path, a file URL, or a name on the path. Needed in a
   * program built by `deno compile`, which is no Deno itself. A script must `exec` Deno, which may
   * otherwise outlive an aborted start. Default: `RINGLINE_DENO` of the
   * environment, then the Deno that runs this program. Needs `--allow-run` for it and
   * `--allow-env=RINGLINE_DENO`.
   */
  denoPath?: string | URL;
}

/** A program that runs media processes. */
export interface DenoProgram {
  /** The program's path, or its name on the path. */
  readonly path: string;
  /** Its cache folder, if the environment that this program may read does not name it. */
  readonly denoDir?: string;
}

/** Arguments that only a Deno responds to, without a network and whatever its configuration. */
const PROBE = ["info", "--json", "--no-config"];
/** How long the response may take; it takes 25 ms. */
const RESPONSE_MS = 5000;
/** The maximum length of a response, which has 500. */
const MAX_CHARACTERS = 1 << 16;
/** The oldest version that this package runs on. */
const OLDEST = [2, 9] as const;
/** Variables that, where all may be read, spare probing the Deno that runs this program. */
const SPARE_PROBE = [DENO_VARIABLE, ...CACHE_VARIABLES];

/** A Deno's own description. */
interface DenoInfo {
  denoVersion: string;
  denoDir: string;
}

/** Descriptions by path: a program stays the same while this one runs. */
const known = new Map<string, DenoInfo>();

/**
 * Returns a `denoPath` as a path.
 *
 * @throws {TypeError} it is neither a path nor a file URL
 */
export function readDenoPath(denoPath: string | URL | undefined): string | undefined {
  if (denoPath === undefined) return undefined;
  if (denoPath instanceof URL && denoPath.protocol === "file:") return fileURLToPath(denoPath);
  if (typeof denoPath === "string" && denoPath !== "") return denoPath;
  throw new TypeError(
    `denoPath: expected the path or the file URL of a Deno, got ${Deno.inspect(denoPath)}`,
  );
}

/**
 * Finds the Deno for a media process: the named one, or the one that runs this program.
 *
 * @param named its path; otherwise `RINGLINE_DENO` of the environment names it
 * @throws {EdgeError} it may not be started (`permission-denied`), it is no Deno or too old
 *   (`no-deno`), a compiled program names none (`no-deno`), this program was itself started as a
 *   media process (`media-process-nested`); the signal's reason
 */
export async function findDeno(named?: string, signal?: AbortSignal): Promise<DenoProgram> {
  const fromEnvironment = variable(DENO_VARIABLE);
  // Reading the arguments needs no permission.
  if (fromEnvironment === NO_DENO || isProbe(Deno.args)) {
    const sign = fromEnvironment === NO_DENO
      ? `${DENO_VARIABLE} is "${NO_DENO}"`
      : `its arguments end in "${PROBE.join(" ")}"`;
    throw new EdgeError(
      `this program starts no media process, since ${sign}, which marks a program that was itself ` +
        `started as one: name a Deno by denoPath or ${DENO_VARIABLE}, not this program`,
      { code: "media-process-nested" },
    );
  }
  const path = named ?? (fromEnvironment || undefined);
  if (path === undefined) return await ownDeno(signal);
  if (!granted({ name: "env", variable: DENO_VARIABLE })) {
    throw new EdgeError(
      `naming another Deno needs --allow-env=${DENO_VARIABLE}: that variable keeps a program named ` +
        "by mistake from starting itself again",
      { code: "permission-denied" },
    );
  }
  if (Deno.build.standalone && path === Deno.execPath()) {
    throw new EdgeError(
      `${path} is this compiled program, not a Deno: name a Deno by denoPath or ${DENO_VARIABLE}`,
      { code: "no-deno" },
    );
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
        `the variable ${DENO_VARIABLE} (compile with --allow-run ` +
        `--allow-env=${DENO_VARIABLE})`,
      { code: "no-deno" },
    );
  }
  // After an upgrade another one lies in its place.
  const path = Deno.execPath().replace(/ \(deleted\)$/, "");
  assertMayRun(path);
  if (knowsCache() && granted({ name: "env", variable: DENO_VARIABLE })) return { path };
  const { denoDir } = await describe(path, { signal, own: true });
  return { path, denoDir };
}

/** Throws unless the program may be started; the error names the flag to grant. */
function assertMayRun(command: string): void {
  if (granted({ name: "run", command })) return;
  throw new EdgeError(
    `WebRTC runs in its own process, which may not be started: grant --allow-run=${command} ` +
      `(or --allow-run)`,
    { code: "permission-denied" },
  );
}

/** Returns the error of a process that could not be spawned. */
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

/** Probes which Deno a program is. It inherits the whole environment; only its response is used. */
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
  // This program only ever kills it: another signal came from outside.
  const wasEnded = status.signal !== null && status.signal !== "SIGKILL";
  const problem = limit.signal.aborted
    ? `did not end within ${RESPONSE_MS} ms`
    : wasEnded
    ? `was ended by ${status.signal}`
    : `did not print what a Deno prints (exit code ${status.code})`;
  const isMistaken = !own && !wasEnded;
  const what = isMistaken ? "is no Deno that can run the media process" : "cannot be probed";
  const sentences = [`${path} ${what}: \`${PROBE.join(" ")}\` ${problem}`];
  if (isMistaken) sentences.push(`denoPath and ${DENO_VARIABLE} must name a Deno`);
  if (own) sentences.push(`With --allow-env=${SPARE_PROBE.join(",")} it is not probed`);
  if (withheld.length > 0) {
    sentences.push(`If it needs ${withheld.join(", ")}, grant --allow-run without a list`);
  }
  throw new EdgeError(sentences.join(". "), {
    code: wasEnded ? "media-process-not-started" : "no-deno",
  });
}

/** Spawns the probe, and returns which variables it could not pass on. */
function spawnInfo(path: string, own: boolean): { child: Deno.ChildProcess; withheld: string[] } {
  let withheld: string[] = [];
  while (true) {
    const blank = Object.fromEntries(withheld.map((name) => [name, ""]));
    try {
      const child = new Deno.Command(path, {
        args: PROBE,
        cwd: START_FOLDER,
        // The Deno that runs this program ends by itself, so that a terminal's Ctrl-C, which the
        // program may want to handle, need not reach it. A program named by mistake may not end.
        detached: own,
        env: { ...blank, [DENO_VARIABLE]: NO_DENO },
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      return { child, withheld };
    } catch (cause) {
      // Only an unrestricted --allow-run may pass on `LD_...`; the error names all of them.
      const names = /subprocess with (.+?) environment variable/.exec(String(cause))?.[1];
      if (names === undefined || withheld.length > 0) throw spawnError(path, cause);
      withheld = names.split(", ");
    }
  }
}

/** Reads the program's output until it ends or the signal aborts, and kills it in any case. */
async function readResponse(
  child: Deno.ChildProcess,
  signal: AbortSignal,
): Promise<{ text: string; status: Deno.CommandStatus }> {
  const reader = child.stdout.getReader();
  // The pipe may outlive the program, in another process that it started.
  const giveUp = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", giveUp);
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (text.length < MAX_CHARACTERS) {
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

function isProbe(args: readonly string[]): boolean {
  return PROBE.every((arg, index) => args[args.length - PROBE.length + index] === arg);
}
