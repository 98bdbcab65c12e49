/** The reasoning of a message, which some services want back with the calls that it led to. @module */

type Fields = Record<string, unknown>;

/** Collects the pieces of one message's reasoning. */
export class ChatReasoning {
  #content = "";
  readonly #details: Fields[] = [];

  /** Adds the pieces of a chunk. */
  add(delta: { reasoning_content: string; reasoning_details: readonly Fields[] }): void {
    this.#content += delta.reasoning_content;
    for (const piece of delta.reasoning_details) this.#addDetail(piece);
  }

  /** The fields of the message; `undefined` where there is no reasoning. */
  get fields(): Readonly<Fields> | undefined {
    const fields = {
      ...this.#content === "" ? {} : { reasoning_content: this.#content },
      ...this.#details.length === 0 ? {} : { reasoning_details: this.#details },
    };
    return Object.keys(fields).length > 0 ? fields : undefined;
  }

  /** Adds a detail, or the next piece of one: the texts of both make up one. */
  #addDetail(piece: Fields): void {
    const { index, type } = piece;
    const known = index === undefined
      ? undefined
      : this.#details.find((one) => one.index === index && one.type === type);
    if (!known) {
      this.#details.push({ ...piece });
      return;
    }
    for (const [name, value] of Object.entries(piece)) {
      const isText = ["text", "summary", "data"].includes(name) && typeof value === "string";
      if (isText) known[name] = String(known[name] ?? "") + value;
      else if (value != null) known[name] = value;
    }
  }
}
