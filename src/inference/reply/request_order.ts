/** The order in which replies ask the model. @module */

/**
 * Lets one reply after another ask the model: what one of them has called, the next one is told. Two
 * that ask together may both call a tool for one request of a person.
 */
export class RequestOrder {
  /** The first one may ask, unless it waits for a tool. */
  readonly #turns: RequestTurn[] = [];

  /** Whether a reply asks the model, or waits for its turn. */
  get isTaken(): boolean {
    return this.#turns.some(({ isSuspended, isOver }) => !isSuspended && !isOver);
  }

  /** Takes the turn after all others; before a reply that waits for a tool, which may wait for this one. */
  take(): RequestTurn {
    const turn = new RequestTurn(() => this.#changed());
    const suspended = this.#turns.findIndex(({ isSuspended }) => isSuspended);
    this.#turns.splice(suspended < 0 ? this.#turns.length : suspended, 0, turn);
    this.#changed();
    return turn;
  }

  #changed(): void {
    while (this.#turns[0]?.isOver) this.#turns.shift();
    if (this.#turns.some(({ isAsking }) => isAsking)) return;
    const [first] = this.#turns;
    // Where the first one's tool is slow, one whose own tools have ended goes on before it.
    const next = first?.isSuspended ? this.#turns.find(({ isBack }) => isBack) : first;
    next?.begin();
  }
}

/** A reply's turn to ask the model. Disposing it lets the next one ask. */
export class RequestTurn implements Disposable {
  readonly #onChanged: () => void;
  #begun = Promise.withResolvers<void>();
  #state: "waits" | "asks" | "suspended" | "back" | "over" = "waits";

  constructor(onChanged: () => void) {
    this.#onChanged = onChanged;
  }

  /** Resolves when no reply before it asks the model any more. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Whether the reply asks the model. */
  get isAsking(): boolean {
    return this.#state === "asks";
  }

  /** Whether the reply waits for a tool. */
  get isSuspended(): boolean {
    return this.#state === "suspended";
  }

  /** Whether its tools have ended, and it waits to ask again. */
  get isBack(): boolean {
    return this.#state === "back";
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  begin(): void {
    this.#state = "asks";
    this.#begun.resolve();
  }

  /** The reply waits for a tool: what is asked for meanwhile may ask before it goes on. */
  suspend(): void {
    this.#state = "suspended";
    this.#onChanged();
  }

  /** The reply goes on. */
  resume(): void {
    this.#state = "back";
    this.#begun = Promise.withResolvers<void>();
    this.#onChanged();
  }

  [Symbol.dispose](): void {
    this.#state = "over";
    this.#onChanged();
  }
}
