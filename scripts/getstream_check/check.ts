/** Runs checks, one after the other, and notes their results. @module */
import { ConnectionError } from "../../src/edge/errors.ts";

/** One result, a line of the table. */
export interface Line {
  check: string;
  passed: boolean;
  figure: string;
}

/** Waits so long. */
export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until the condition returns something, and returns that. */
export async function until<T>(
  condition: () => T | Promise<T>,
  timeoutMs = 10_000,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  while (true) {
    const result = await condition();
    if (result) return result;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms`);
    await pause(20);
  }
}

/** Waits for a promise for ten seconds at most. */
export async function soon<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("not within 10 s")), 10_000);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer); // it would keep the program from ending
  }
}

/** Runs checks and notes their results. */
export class Check {
  readonly lines: Line[] = [];
  readonly errors: string[] = [];
  readonly #silent: boolean;

  constructor(options: { silent: boolean }) {
    this.#silent = options.silent;
  }

  /** Runs one check and notes the result; returns the check's value if it passed. */
  async do<T>(
    check: string,
    act: () => Promise<[T, string?]> | [T, string?],
  ): Promise<T | undefined> {
    const from = performance.now();
    try {
      const [result, figure] = await act();
      this.#note({ check, passed: true, figure: figure ?? ms(performance.now() - from) });
      return result;
    } catch (error) {
      // No participant came before the first check: that says nothing about the key or the rest.
      if (this.lines.length === 0 && error instanceof ConnectionError) throw error;
      this.#note({ check, passed: false, figure: String(error) });
      return undefined;
    }
  }

  #note(line: Line): void {
    this.lines.push(line);
    if (!this.#silent) console.error(`${line.passed ? "ok    " : "FAILED"} ${line.check}`);
  }
}

/** Returns a time as people read it. */
export function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

/** Returns the results as a table. */
export function table(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(({ check }) => check.length));
  return lines.map(({ check, passed, figure }) =>
    `${passed ? "passed" : "FAILED"}  ${check.padEnd(width)}  ${figure}`
  ).join("\n");
}
