/** A value for each of the latest rows of a call: 20 ms ticks by their number. */
export class RowValues {
  readonly #rows: Float64Array;
  readonly #values: Float64Array;

  /** `capacity` rows are kept; a row gives way to the one that comes `capacity` later. */
  constructor(capacity: number) {
    this.#rows = new Float64Array(capacity).fill(-1);
    this.#values = new Float64Array(capacity);
  }

  /** Takes the value of a row. Rows below 0 are ignored: they have no place on the grid. */
  set(row: number, value: number): void {
    if (row < 0) return;
    const index = row % this.#rows.length;
    this.#rows[index] = row;
    this.#values[index] = value;
  }

  /** The value of a row; `undefined` when none is known, or none any more. */
  get(row: number): number | undefined {
    if (row < 0) return undefined;
    const index = row % this.#rows.length;
    return this.#rows[index] === row ? this.#values[index] : undefined;
  }

  /** Forgets everything. */
  clear(): void {
    this.#rows.fill(-1);
  }
}
