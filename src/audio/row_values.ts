/** Values per row of a call. @module */

/** Keeps a value for each of the latest rows of a call. A row is a numbered slot of 20 ms. */
export class RowValues {
  readonly #rows: Float64Array;
  readonly #values: Float64Array;

  /** Keeps `capacity` rows: a row replaces the one `capacity` before it. */
  constructor(capacity: number) {
    this.#rows = new Float64Array(capacity).fill(-1);
    this.#values = new Float64Array(capacity);
  }

  /** Sets the value of a row. Rows below 0 are ignored: they have no place on the grid. */
  set(row: number, value: number): void {
    if (row < 0) return;
    const index = row % this.#rows.length;
    this.#rows[index] = row;
    this.#values[index] = value;
  }

  /** Returns the value of a row, or `undefined` if it is not kept. */
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
