/** The participants' audio levels, at a bounded rate. @module */
import type { Clock } from "@ringline/edge/toolkit";
import type { LevelData } from "../../wire/ipc.ts";

/** The agent receives levels at most this often. */
const INTERVAL_MS = 100;

/** Passes on levels; what comes too soon is sent together at the end of the interval. */
export class AudioLevels {
  readonly #clock: Clock;
  readonly #emit: (levels: LevelData[]) => void;
  /** The last level of each participant that the agent has not received yet. */
  readonly #latest = new Map<string, LevelData>();
  #interval: Disposable | undefined;

  constructor(options: { clock: Clock; emit: (levels: LevelData[]) => void }) {
    this.#clock = options.clock;
    this.#emit = options.emit;
  }

  /** Takes levels from the SFU. */
  take(levels: readonly LevelData[]): void {
    for (const level of levels) this.#latest.set(level.participantId, level);
    if (this.#interval === undefined) this.#send();
  }

  /** Sends nothing more. */
  stop(): void {
    this.#interval?.[Symbol.dispose]();
    this.#latest.clear();
  }

  #send(): void {
    if (this.#latest.size === 0) return;
    this.#emit([...this.#latest.values()]);
    this.#latest.clear();
    this.#interval = this.#clock.schedule(() => {
      this.#interval = undefined;
      this.#send();
    }, INTERVAL_MS);
  }
}
