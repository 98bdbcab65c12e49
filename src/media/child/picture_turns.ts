/** The turns in which a process works on the pictures of all tracks: sound comes first. @module */
import type { Clock } from "../../events/clock.ts";

/** The part of this thread's time that pictures may take, those of all tracks together. */
const MAX_LOAD = 0.2;

/**
 * Lets tracks work on their pictures one at a time, with pauses between them. The track that has waited
 * longest is next; of each track only the latest picture waits.
 */
export class PictureTurns {
  readonly #clock: Clock;
  /** In the order of their turns. */
  readonly #waiting = new Map<object, () => void>();
  /** When the next picture may be worked on. */
  #freeAt = -Infinity;
  #timer: Disposable | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Does a track's work when it is its turn, which can be now, in place of work that still waits. */
  take(track: object, work: () => void): void {
    this.#waiting.set(track, work);
    if (this.#timer === undefined) this.#next();
  }

  /** Forgets a track's work. */
  drop(track: object): void {
    this.#waiting.delete(track);
  }

  #next(): void {
    const startedAt = this.#clock.now();
    if (startedAt >= this.#freeAt) this.#work(startedAt);
    if (this.#waiting.size === 0) return;
    this.#timer = this.#clock.schedule(() => {
      this.#timer = undefined;
      this.#next();
    }, this.#freeAt - this.#clock.now());
  }

  #work(startedAt: number): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    const [track, work] = first;
    this.#waiting.delete(track);
    try {
      work();
    } finally {
      this.#freeAt = startedAt + (this.#clock.now() - startedAt) / MAX_LOAD;
    }
  }
}
