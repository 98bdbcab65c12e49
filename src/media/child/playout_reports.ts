/** Which playouts have changed since the agent was told of them. @module */
import type { Playout, PlayoutState } from "../room/playout.ts";

/** The states of an agent's playouts that it does not know yet, by stream. */
export class PlayoutReports {
  readonly #reported = new Map<number, PlayoutState>();
  readonly #due = new Map<number, PlayoutState>();

  /** Takes the states of all that are published; returns whether a report is due. */
  update(playouts: readonly Playout[]): boolean {
    const streams = new Set(playouts.map(({ stream }) => stream));
    for (const stream of [...this.#reported.keys()]) {
      if (!streams.has(stream)) this.#reported.delete(stream);
    }
    for (const playout of playouts) {
      const state = playout.state();
      if (isSame(this.#reported.get(state.stream), state)) continue;
      this.#reported.set(state.stream, state);
      this.#due.set(state.stream, state);
    }
    return this.#due.size > 0;
  }

  /** The report to send next; of each playout only the latest waits. */
  get due(): PlayoutState | undefined {
    return this.#due.values().next().value;
  }

  /** That report was sent. */
  sent(): void {
    const { due } = this;
    if (due) this.#due.delete(due.stream);
  }
}

function isSame(last: PlayoutState | undefined, state: PlayoutState): boolean {
  return last !== undefined && last.epoch === state.epoch && last.playedMs === state.playedMs &&
    last.trimmedMs === state.trimmedMs && last.bufferedMs === state.bufferedMs;
}
