/**
 * Progress, as lines on standard error.
 *
 * @module
 */

const start = performance.now();

/** Prints what happens now, with the seconds since the benchmark began. */
export function progress(line: string): void {
  const seconds = ((performance.now() - start) / 1000).toFixed(0).padStart(4);
  console.error(`${seconds} s  ${line}`);
}
