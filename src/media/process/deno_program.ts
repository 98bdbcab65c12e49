/** Which Deno runs a media process, and what it has to be told. @module */
import { EdgeError } from "../../edge/errors.ts";
import { limitTime } from "../../events/waiting.ts";
import { granted, variable } from "../../native/locate.ts";
import { knowsCache } from "./environment.ts";

/**
 * The environment variable that names the Deno to use. Whatever is started as one finds `none` in
 * it and starts no other: a program that was named by mistake cannot start itself without end.
 */
export const DENO_VARIABLE = "RINGLINE_DENO";
/** The value of {@linkcode DENO_VARIABLE} in what was started as a media process. */
export const NO_DENO = "none";

/** A program that runs media processes. */
export interface DenoProgram {
  /** Its path, or its name on the path. */
  readonly path: string;
  /** Where it caches, if the environment that this program may read does not tell. */
  readonly denoDir?: string;
}

/** What only a Deno answers, whatever its folder's configuration says; it touches no network. */
const QUESTION = ["info", "--json", "--no-config"];
/** How long the answer may take; it takes 25 ms. */
const ANSWER_MS = 5000;
/** An answer has 500. */
const MOST_CHARACTERS = 1 << 16;
/** The oldest version that this package runs on. */
const OLDEST = [2, 9] as const;

/** Only a program that may run anything may start one that inherits these. */
const NO_LIBRARIES = {
  LD_LIBRARY_PATH: "",
  LD_PRELOAD: "",
  DYLD_LIBRARY_PATH: "",
  DYLD_INSERT_LIBRARIES: "",
};

/** What programs answered, by their path: it stays the same while this program runs. */
const answers = new Map<string, Answer>();

interface Answer {
  denoVersion: string;
  denoDir: string;
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
    throw new EdgeError(
      "this program was started in place of a Deno, to be a media process, and starts none " +
        `itself: denoPath or ${DENO_VARIABLE} must name a Deno, not this program`,
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
  const { denoDir, denoVersion } = await ask(path, signal);
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
  // It ends by itself: a terminal's Ctrl-C, which the program may want to answer, does not reach it.
  const { denoDir } = await ask(path, signal, { detached: true });
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
  const message = cause instanceof Error ? cause.message : String(cause);
  return new EdgeError(`the media process could not be started by ${path}: ${message}`, {
    code: cause instanceof Deno.errors.NotCapable ? "permission-denied" : "spawn-failed",
    cause,
  });
}

/** Asks a program which Deno it is. It inherits the whole environment; only its answer is used. */
async function ask(
  path: string,
  signal: AbortSignal | undefined,
  { detached = false } = {},
): Promise<Answer> {
  const known = answers.get(path);
  if (known !== undefined) return known;
  signal?.throwIfAborted();
  using limit = limitTime("an answer", { timeoutMs: ANSWER_MS, signals: signal ? [signal] : [] });
  const withheld = !granted({ name: "run" });
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(path, {
      args: QUESTION,
      detached,
      env: { ...(withheld ? NO_LIBRARIES : {}), [DENO_VARIABLE]: NO_DENO },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (cause) {
    throw spawnError(path, cause);
  }
  const answer = parseAnswer(await readAnswer(child, limit.signal));
  signal?.throwIfAborted();
  if (answer === undefined) {
    const why = limit.signal.aborted ? `not within ${ANSWER_MS} ms` : "not as a Deno does";
    throw new EdgeError(
      `${path} is no Deno that can run the media process: it answered \`${QUESTION.join(" ")}\` ` +
        `${why}; denoPath and ${DENO_VARIABLE} must name a Deno` +
        (withheld ? "; if it needs LD_LIBRARY_PATH, grant --allow-run without a list" : ""),
      { code: "no-deno" },
    );
  }
  answers.set(path, answer);
  return answer;
}

/** What the program prints, until it ends or the signal is aborted: then it is gone in any case. */
async function readAnswer(child: Deno.ChildProcess, signal: AbortSignal): Promise<string> {
  const reader = child.stdout.getReader();
  // The end of the pipe may outlive the program, in another that it started.
  const giveUp = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", giveUp);
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (text.length < MOST_CHARACTERS) {
      const { value, done } = await reader.read();
      if (done) return text;
      text += decoder.decode(value, { stream: true });
    }
    return "";
  } finally {
    signal.removeEventListener("abort", giveUp);
    await reader.cancel().catch(() => {});
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await child.status;
  }
}

function parseAnswer(text: string): Answer | undefined {
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
