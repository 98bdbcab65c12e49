import type { Clock } from "../events/clock.ts";
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { VAD, VadStream } from "../inference/contracts/vad.ts";
import { sleep } from "../events/waiting.ts";

/** How a {@linkcode FakeVAD} decides. */
export interface FakeVADOptions {
  /** From which peak on it is speech, 0 to 1. Default 0.005. */
  threshold?: number;
  /** Replies so much later, in a clock's time, as models in workers do. Default: at once. */
  delayMs?: number;
  /** What `delayMs` is measured with. */
  clock?: Clock;
}

/** Takes whatever is loud for speech, each speaker by himself. */
export class FakeVAD implements VAD {
  /** For messages. */
  readonly name = "fake-vad";
  /** How many are listened to right now. */
  speakers = 0;
  readonly #options: FakeVADOptions;

  /** Hears nobody yet. */
  constructor(options: FakeVADOptions = {}) {
    this.#options = options;
  }

  /** Begins to listen to one speaker. */
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
