/** What has become known of tools, and people have not been told. @module */

/** What {@linkcode UntoldNews} needs. */
export interface UntoldNewsInit {
  /** Waits until there is a person; returns `undefined` where there is one. */
  untilHeard: () => Promise<unknown> | undefined;
  /** Asks the model for a reply. */
  ask: () => void;
}

/** Follows which reply tells people what they wait for, and has it told again where it was interrupted. */
export class UntoldNews {
  readonly #init: UntoldNewsInit;
  /** What is untold, and the reply that tells it. */
  #untold: { replyId?: string } | undefined;
  #untilHeard: Promise<unknown> | undefined;

  constructor(init: UntoldNewsInit) {
    this.#init = init;
  }

  /** Something has become known; the model was told, and is asked for a reply. */
  came(): void {
    this.#untold = {};
  }

  /** A reply began, which tells it. */
  replyStarted(id: string): void {
    if (this.#untold) this.#untold.replyId = id;
  }

  /** A reply has ended, or was interrupted. */
  replyEnded(id: string, { isTold }: { isTold: boolean }): void {
    if (this.#untold?.replyId === id) this.#untold = isTold ? undefined : {};
  }

  /** Has the person told who comes, or comes back. */
  askWhenHeard(): void {
    const { untilHeard, ask } = this.#init;
    this.#untilHeard ??= untilHeard()
      ?.then(() => {
        if (this.#untold && this.#untold.replyId === undefined) ask();
      }, () => {})
      .finally(() => this.#untilHeard = undefined);
  }
}
