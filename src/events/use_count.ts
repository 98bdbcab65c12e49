/** Counts who uses something that they share, so that only the last one closes it. */
export class UseCount {
  #count = 0;

  /** Whether somebody uses it. */
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
