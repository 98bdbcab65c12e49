/** How a join is answered. */
export interface JoinBehaviour {
  /** Refuse with this code; 0 accepts. */
  code: number;
  strategy: number;
  /** Say nothing at all. */
  silent: boolean;
  /** Say something else. */
  garbage: boolean;
}

/** How joins are to be answered that come next. */
export class JoinBehaviours {
  readonly #next: { edge: string; joinBehaviour: JoinBehaviour; times: number }[] = [];

  /** So many joins of an edge, or of any edge when that is empty. */
  add(edge: string, joinBehaviour: JoinBehaviour, times: number): void {
    this.#next.push({ edge, joinBehaviour, times });
  }

  take(edge: string): JoinBehaviour | undefined {
    const index = this.#next.findIndex((one) => one.edge === "" || one.edge === edge);
    const found = this.#next[index];
    if (!found) return undefined;
    if (--found.times <= 0) this.#next.splice(index, 1);
    return found.joinBehaviour;
  }
}
