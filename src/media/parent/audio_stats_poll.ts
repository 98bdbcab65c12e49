/** Asks how audio arrives, for `AudioStatsEvent`. @module */
import type { Clock } from "../../events/clock.ts";
import type { ParticipantAudioStats } from "../wire/control.ts";

/** Time between two questions. */
const INTERVAL_MS = 5000;

/** Options of an {@linkcode AudioStatsPoll}. */
export interface AudioStatsPollInit {
  clock: Clock;
  /** Whether any program wants the figures now. */
  isWanted(): boolean;
  /** Asks the media process. */
  ask(): Promise<readonly ParticipantAudioStats[]>;
  /** Takes the figures of one participant. */
  onStats(stats: ParticipantAudioStats): void;
  /** Takes a failure: the next question may succeed. */
  onError(error: unknown): void;
}

/** Asks the media process every few seconds how audio arrives, while that is wanted. */
export class AudioStatsPoll implements Disposable {
  readonly #options: AudioStatsPollInit;
  #timer: Disposable;
  #isOver = false;

  /** Begins to ask. */
  constructor(options: AudioStatsPollInit) {
    this.#options = options;
    this.#timer = this.#next();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#timer[Symbol.dispose]();
  }

  #next(): Disposable {
    return this.#options.clock.schedule(() => void this.#ask(), INTERVAL_MS);
  }

  async #ask(): Promise<void> {
    const { isWanted, ask, onStats, onError } = this.#options;
    try {
      const all = isWanted() ? await ask() : [];
      if (this.#isOver) return;
      for (const stats of all) onStats(stats);
    } catch (error) {
      if (!this.#isOver) onError(error);
    }
    // Only now: a process that is slow is not asked twice.
    if (!this.#isOver) this.#timer = this.#next();
  }
}
