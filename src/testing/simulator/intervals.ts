/** An interval of a call, in milliseconds since it began. */
export interface Interval {
  /** When it begins. */
  readonly fromMs: number;
  /** When it ends. */
  readonly untilMs: number;
}

/** Collects marks into intervals; merges marks that are close to each other. */
export class Intervals {
  readonly #closeMs: number;
  readonly #list: { fromMs: number; untilMs: number }[] = [];

  /**
   * Creates an empty collection.
   *
   * @param closeMs the longest gap between marks of one interval
   */
  constructor(closeMs = 0) {
    this.#closeMs = closeMs;
  }

  /** The intervals so far, in order. */
  get list(): readonly Interval[] {
    return this.#list;
  }

  /** Their total length. */
  get totalMs(): number {
    return this.#list.reduce((sum, one) => sum + one.untilMs - one.fromMs, 0);
  }

  /** Marks an interval. Marks may come in any order. */
  mark(fromMs: number, untilMs: number): void {
    const list = this.#list;
    let at = list.length;
    while (at > 0 && list[at - 1]!.fromMs > fromMs) at--;
    const before = list[at - 1];
    if (before && fromMs - before.untilMs <= this.#closeMs) {
      before.untilMs = Math.max(before.untilMs, untilMs);
      at--;
    } else list.splice(at, 0, { fromMs, untilMs });
    // Later intervals may touch it now.
    const one = list[at]!;
    for (let next; (next = list[at + 1]) && next.fromMs - one.untilMs <= this.#closeMs;) {
      one.untilMs = Math.max(one.untilMs, next.untilMs);
      list.splice(at + 1, 1);
    }
  }
}

/** Returns the intervals of `whole` that `parts` do not cover. */
export function uncovered(whole: Interval, parts: readonly Interval[]): Interval[] {
  const missing: Interval[] = [];
  let at = whole.fromMs;
  for (const { fromMs, untilMs } of parts) {
    if (untilMs <= at || fromMs >= whole.untilMs) continue;
    if (fromMs > at) missing.push({ fromMs: at, untilMs: fromMs });
    at = untilMs;
  }
  if (at < whole.untilMs) missing.push({ fromMs: at, untilMs: whole.untilMs });
  return missing;
}
