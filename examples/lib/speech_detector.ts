/**
 * Tells speech from quiet by its level alone: enough for a parrot in a quiet room. Real agents use
 * a trained detector instead.
 */
import { rms } from "@ringline/edge/audio";

/** What changed with a chunk. */
export type SpeechChange = "started" | "stopped" | undefined;

export interface SpeechDetectorOptions {
  /** Speech must last this long before it counts, so that a click does not. */
  minSpeechMs?: number;
  /** Quiet must last this long before a turn is over, so that a breath does not end it. */
  endSilenceMs?: number;
}

export class SpeechDetector {
  readonly #minSpeechMs: number;
  readonly #endSilenceMs: number;
  /** The room's own noise: falls immediately, rises slowly. Root mean square of i16 samples. */
  #floor = 100;
  #loudMs = 0;
  #quietMs = 0;
  #speaking = false;

  constructor({ minSpeechMs = 80, endSilenceMs = 600 }: SpeechDetectorOptions = {}) {
    this.#minSpeechMs = minSpeechMs;
    this.#endSilenceMs = endSilenceMs;
  }

  get speaking(): boolean {
    return this.#speaking;
  }

  /** Takes mono samples that last `durationMs`. */
  push(samples: Int16Array, durationMs: number): SpeechChange {
    const level = rms(samples) * 32_768;
    // Digital silence says nothing about the room: a muted microphone must not lower the floor.
    if (level > 1) {
      this.#floor = level < this.#floor ? level : Math.min(600, this.#floor * 1.002 + 0.02);
    }
    // About 12 dB above the room, and never below -46 dBFS.
    const loud = level > Math.max(160, this.#floor * 4);
    this.#loudMs = loud ? this.#loudMs + durationMs : 0;
    this.#quietMs = loud ? 0 : this.#quietMs + durationMs;
    if (!this.#speaking && this.#loudMs >= this.#minSpeechMs) {
      this.#speaking = true;
      return "started";
    }
    if (this.#speaking && this.#quietMs >= this.#endSilenceMs) {
      this.#speaking = false;
      return "stopped";
    }
    return undefined;
  }
}
