/** The SFU's behaviour at a join. @module */

/** How the SFU responds to a join. */
export interface JoinBehaviour {
  /** Refuse with this code; 0 accepts. */
  code: number;
  strategy: number;
  /** Say nothing at all. */
  silent: boolean;
  /** Say something else. */
  garbage: boolean;
}

/** The behaviours at the next joins. */
export class JoinBehaviours {
  readonly #next: { edge: string; joinBehaviour: JoinBehaviour; times: number }[] = [];

  /** Sets the behaviour at so many joins of an edge, or of any edge for an empty name. */
  add(edge: string, joinBehaviour: JoinBehaviour, times: number): void {
    this.#next.push({ edge, joinBehaviour, times });
  }

  /** Returns the behaviour at this join. */
  take(edge: string): JoinBehaviour | undefined {
    const index = this.#next.findIndex((one) => one.edge === "" || one.edge === edge);
    const found = this.#next[index];
    if (!found) return undefined;
    if (--found.times <= 0) this.#next.splice(index, 1);
    return found.joinBehaviour;
  }
}
