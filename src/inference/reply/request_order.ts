/** The order in which replies ask the model. @module */

/**
 * Lets one reply after another ask the model: what one of them has called, the next one is told. Two
 * that ask together may both call a tool for one request of a person.
 *
 * What is said comes before what is written. A written reply asks beside it, so that a slow one keeps
 * no person waiting, and takes a turn of its own to call tools.
 */
export class RequestOrder {
  /** The first one may ask, unless it waits for a tool. */
  readonly #tickets: RequestTicket[] = [];

  /** Whether a reply asks the model that may call a tool meanwhile, or waits for its turn to. */
  get isTaken(): boolean {
    return this.#tickets.some(({ isInText, state }) =>
      state === "claims" || state === "calls" ||
      !isInText && state !== "suspended" && state !== "over"
    );
  }

  /** Takes the turn after all others; before a reply that waits for a tool, which may wait for this one. */
  take({ isInText = false } = {}): RequestTicket {
    const ticket = new RequestTicket(() => this.#changed(), isInText);
    const later = this.#tickets.findIndex((one) =>
      one.state === "suspended" || one.isInText && !isInText
    );
    this.#tickets.splice(later < 0 ? this.#tickets.length : later, 0, ticket);
    this.#changed();
    return ticket;
  }

  #changed(): void {
    const tickets = this.#tickets;
    for (let at = tickets.length - 1; at >= 0; at--) {
      if (tickets[at]!.state === "over") tickets.splice(at, 1);
    }
    if (tickets.some(({ state, isInText }) => state === "calls" || state === "asks" && !isInText)) {
      return;
    }
    // Of those that are written one asks after the other.
    const isWriting = tickets.some(({ state }) => state === "asks");
    const [first, ...others] = tickets.filter(({ isInText, state }) =>
      !(isWriting && isInText && state !== "claims" && state !== "suspended")
    );
    // Where the first one's tool is slow, one whose own tools have ended goes on before it.
    const next = first?.state === "suspended"
      ? others.find(({ state }) =>
        state === "back" || state === "claims" || state === "waits" && first.yields
      )
      : first;
    next?.begin();
  }
}

/**
 * How far a reply is: it waits for its turn, asks the model, has calls and waits for its turn to make
 * them, makes them, waits for its tools, waits to ask again, or has ended.
 */
type TicketState = "waits" | "asks" | "claims" | "calls" | "suspended" | "back" | "over";

/** A reply's turn to ask the model. Disposing it lets the next one ask. */
export class RequestTicket implements Disposable {
  readonly #onChanged: () => void;
  #begun = Promise.withResolvers<void>();
  #state: TicketState = "waits";
  #yields = false;

  constructor(
    onChanged: () => void,
    /** Whether the reply is written, and not said. */
    readonly isInText: boolean,
  ) {
    this.#onChanged = onChanged;
  }

  get state(): TicketState {
    return this.#state;
  }

  /** Resolves when no reply before it asks the model any more. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  begin(): void {
    this.#state = this.#state === "claims" ? "calls" : "asks";
    this.#begun.resolve();
  }

  /** A reply that asks beside others has calls to make: from `begun` on no other one asks. */
  claim(): void {
    this.#waitAs("claims");
  }

  /** The reply waits for a tool: what is asked for meanwhile may ask before it goes on. */
  suspend(): void {
    this.#state = "suspended";
    this.#yields = false;
    this.#onChanged();
  }

  /** Its tool is slow, or waits for a reply: what was asked for before may ask, too. */
  yield(): void {
    this.#yields = true;
    this.#onChanged();
  }

  /** Whether what was asked for before its tool began may ask. */
  get yields(): boolean {
    return this.#yields;
  }

  /** The reply goes on. */
  resume(): void {
    this.#waitAs("back");
  }

  [Symbol.dispose](): void {
    this.#state = "over";
    this.#onChanged();
  }

  #waitAs(state: TicketState): void {
    this.#state = state;
    this.#begun = Promise.withResolvers<void>();
    this.#onChanged();
  }
}
