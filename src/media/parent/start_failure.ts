/** The error of a media process that ended before it was ready. @module */
import { EdgeError } from "../../edge/errors.ts";
import { unreadVariables } from "./environment.ts";

/** A process that ended before it was ready. */
export interface FailedStart {
  /** How it ended, e.g. `exit code 1`. */
  end: string;
  /** The end of its standard error. */
  lastWords: string;
  /** Its main module. */
  child: URL;
  /** The folder it looked for cached modules in, if known. */
  denoDir: string | undefined;
}

/** How much of an error the message repeats. */
const MAX_CHARACTERS = 500;

/** Deno's messages about what it could not load over a network. */
const NOT_LOADED = new RegExp(
  [
    "(Import '|Module not found \")(https?|jsr|npm):",
    "JSR package",
    "npm (package|registry)",
    "(Failed|failed) (loading|caching|fetching|getting)",
    "error sending request",
    "not found in cache",
  ].join("|"),
);

/** Returns whether a start failed because a frozen lock file lacks what the media process imports. */
export function lacksLockEntries(error: unknown): boolean {
  return error instanceof EdgeError && error.cause instanceof Error &&
    /lockfile is out of date/.test(error.cause.message);
}

/** Returns the error, with code `media-process-not-started`, and the way out. */
export function startFailure({ end, lastWords, child, denoDir }: FailedStart): EdgeError {
  const reason = reasonOf(lastWords);
  const isRemote = NOT_LOADED.test(reason);
  // The exit code of a shell and of a loader that find no such program or library.
  const isIncomplete = end === "exit code 127";
  const sentences = [`the media process ended before it was ready (${end})`];
  if (reason !== "") sentences[0] += `: ${reason}`;
  if (Deno.build.standalone && /Module not found "file:/.test(reason)) {
    sentences.push(
      "Another Deno cannot read the modules inside a compiled program: let that import " +
        "@ringline/edge from JSR, not from files",
    );
  }
  if (isRemote) {
    const folder = denoDir === undefined ? "" : ` into ${denoDir}`;
    // A process with a remote main module finds no configuration, and so no `vendor` folder.
    const flags = child.protocol === "file:" ? "" : "--no-config ";
    sentences.push(
      `Where there is a network, load it ahead${folder}: deno cache ${flags}${child.href}`,
    );
    if (flags !== "") {
      sentences.push(
        "It reads no project's .npmrc: a registry is named to both by NPM_CONFIG_REGISTRY or ~/.npmrc",
      );
    }
  }
  const unread = unreadVariables();
  if (unread.length > 0 && (isRemote || isIncomplete)) {
    sentences.push(
      "If the environment sets up proxies, certificates, registries, programs or libraries, grant " +
        `--allow-env=${unread.join(",")}`,
    );
  }
  return new EdgeError(sentences.join(". "), {
    code: "media-process-not-started",
    retryable: /error sending request/.test(reason),
    ...(lastWords === "" ? {} : { cause: new Error(lastWords) }),
  });
}

/** Returns Deno's error without its stack, or a panic with its reason, or the last line. */
function reasonOf(lastWords: string): string {
  const lines = lastWords.trim().split("\n").map((line) => line.trim());
  const panic = lines.findLastIndex((line) => line.includes(" panicked at "));
  if (panic !== -1) return lines.slice(panic, panic + 2).join(" ").slice(0, MAX_CHARACTERS);
  const begin = lines.findLastIndex((line) => line.startsWith("error: "));
  const error = begin === -1
    ? lines.slice(-1)
    : lines.slice(begin).filter((line) => line !== "" && !/^at |^\^+$|^[1-9]\d*: /.test(line));
  return error.join(" ").replace(/^error: |\.$/g, "").slice(0, MAX_CHARACTERS);
}
