/**
 * Targets: what was wanted, what was measured, and whether the one meets the other.
 *
 * @module
 */

/** One figure that was measured against a limit it should not exceed. */
export interface Target {
  /** What is measured, e.g. `"round trip, live track, median"`. */
  name: string;
  unit: "ms" | "%" | "samples" | "frames" | "clicks";
  /** The greatest value that still meets the target. */
  limit: number;
  /** `NaN` when it could not be measured, which counts as missed. */
  measured: number;
}

/** Whether the figure was measured and is within its limit. */
export function isMet(target: Target): boolean {
  return target.measured <= target.limit; // NaN is neither less nor equal
}
