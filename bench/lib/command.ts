/**
 * The command line that all benchmarks share.
 *
 * @module
 */
import { withCleanUp } from "./interrupt.ts";

/** The options that every such benchmark has, as `parseArgs` takes them. */
export const COMMON_OPTIONS = {
  json: { type: "boolean", default: false },
  quick: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
  only: { type: "string" },
} as const;

/** Returns the parts that `--only` names, or all. Throws a `TypeError` for an unknown one. */
export function chooseParts<P extends string>(only: string | undefined, all: readonly P[]): P[] {
  return only === undefined ? [...all] : only.split(",").map((name) => {
    const found = all.find((part) => part === name);
    if (!found) throw new TypeError(`--only expects some of ${all.join(", ")}, got "${name}"`);
    return found;
  });
}

/** Returns what an option gives as a whole number from 1. Throws a `TypeError` for anything else. */
export function parseCount(name: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (!Number.isInteger(value) || value < 1) {
    throw new TypeError(`--${name} expects a whole number from 1, got "${given}"`);
  }
  return value;
}

/** A benchmark as a program. */
export interface Benchmark<O, R> {
  /** The text of `--help`. */
  help: string;
  /** Reads the command line. Throws a `TypeError` that says what is wrong with it. */
  parse(args: string[]): O;
  /** Measures; what it starts goes on the stack. */
  measure(options: O, stack: AsyncDisposableStack): Promise<R>;
  formatReport(results: R): string;
  jsonReport(results: R): string;
}

/** Runs a benchmark and prints its results. Returns the exit code. */
export async function runBenchmark<O extends { help: boolean; json: boolean }, R>(
  args: string[],
  benchmark: Benchmark<O, R>,
): Promise<number> {
  let options: O;
  try {
    options = benchmark.parse(args);
  } catch (cause) {
    console.error(`bench: ${(cause as Error).message}\n\n${benchmark.help}`);
    return 2;
  }
  if (options.help) {
    console.log(benchmark.help);
    return 0;
  }
  return await withCleanUp(async (stack) => {
    const results = await benchmark.measure(options, stack);
    console.log(options.json ? benchmark.jsonReport(results) : benchmark.formatReport(results));
    return 0;
  });
}
