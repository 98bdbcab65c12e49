/** A count of the users of a shared resource. @module */

/** Counts the users of a shared resource, so that only the last one closes it. */
export class UseCount {
  #count = 0;

  /** Whether the resource is in use. */
  get isUsed(): boolean {
    return this.#count > 0;
  }

  begin(): void {
    this.#count++;
  }

  end(): void {
    if (this.#count > 0) this.#count--;
  }
}
