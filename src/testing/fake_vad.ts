/** A VAD for tests. @module */
import type { Clock } from "../events/clock.ts";
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { VAD, VadStream } from "../inference/contracts/vad.ts";
import { checkOptions } from "../events/checks.ts";
import { sleep } from "../events/waiting.ts";

/** Options for a {@linkcode FakeVAD}. */
export interface FakeVADOptions {
  /** The lowest peak that counts as speech, 0 to 1. Default 0.005. */
  threshold?: number;
  /** Milliseconds until it returns, as with models in workers. Default: it returns immediately. */
  delayMs?: number;
  /** The clock of `delayMs`. */
  clock?: Clock;
}

/** Voice activity detection by loudness, separately for each speaker. */
export class FakeVAD implements VAD {
  /** The name in messages. */
  readonly name = "fake-vad";
  /** How many streams are open. */
  speakers = 0;
  readonly #options: FakeVADOptions;

  /** Creates a detector. */
  constructor(options: FakeVADOptions = {}) {
    checkOptions(options, "options", { threshold: true, delayMs: true, clock: true });
    this.#options = options;
  }

  /** Opens a stream for one speaker. */
  open(): VadStream {
    const { threshold = 0.005, delayMs = 0, clock } = this.#options;
    this.speakers++;
    let isOpen = true;
    return {
      process: (pcm: PcmChunk) => {
        let peak = 0;
        for (const sample of pcm.samples) peak = Math.max(peak, Math.abs(sample));
        const probability = peak / 32_768 >= threshold ? 1 : 0;
        if (delayMs === 0) return probability;
        return sleep(delayMs, { clock }).then(() => probability);
      },
      [Symbol.dispose]: () => {
        if (isOpen) this.speakers--;
        isOpen = false;
      },
    };
  }
}
