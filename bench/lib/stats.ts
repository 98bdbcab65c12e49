/**
 * The statistics that all benchmarks share.
 *
 * @module
 */

/** What is kept of a set of measurements; every figure is in the measurements' own unit. */
export interface Summary {
  count: number;
  min: number;
  mean: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/**
 * The value below which the fraction `p` (0 to 1) of the measurements lies, interpolated between
 * the two nearest. `NaN` when there are none: a figure that was not measured is never a zero.
 */
export function percentile(values: Iterable<number>, p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`expected a fraction from 0 to 1, got ${p}`);
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return NaN;
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  if (position === below) return low; // also where the next one is Infinity
  return low + (sorted[below + 1]! - low) * (position - below);
}

/** The middle value. */
export function median(values: Iterable<number>): number {
  return percentile(values, 0.5);
}

/** All the usual figures of one set of measurements. */
export function summarize(values: Iterable<number>): Summary {
  const all = [...values];
  const sum = all.reduce((a, b) => a + b, 0);
  return {
    count: all.length,
    min: percentile(all, 0),
    mean: all.length > 0 ? sum / all.length : NaN,
    p50: percentile(all, 0.5),
    p95: percentile(all, 0.95),
    p99: percentile(all, 0.99),
    max: percentile(all, 1),
  };
}

/**
 * The median of the groups' medians. Within a connection all measurements share its clock phases,
 * so they are one draw and not many: connections are what counts. Groups that measured nothing
 * are left out.
 */
export function medianOfMedians(groups: Iterable<Iterable<number>>): number {
  return median([...groups].map(median).filter((value) => !Number.isNaN(value)));
}

/** Rounds for display and for JSON: `digits` after the point, `null` for what was not measured. */
export function rounded(value: number | undefined, digits = 1): number | null {
  if (value === undefined || !Number.isFinite(value)) return null;
  return Number(value.toFixed(digits));
}
