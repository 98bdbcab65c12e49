import type { SampleFifo } from "./sample_fifo.ts";
import { ROOM_RATE, TICK_SAMPLES } from "./time.ts";

/** Depth that a live playout may keep. */
const KEPT_SAMPLES = 40 * ROOM_RATE / 1000;
/** For so long it must have been deeper before anything is taken out. */
const PATIENCE_MS = 300;
/** The most that is taken out, as a share of what is played. */
const RATE = 0.05;
/** The pieces cut out: long enough to hold a period of a low voice, short enough to go unheard. */
const SHORTEST_CUT = 120;
const LONGEST_CUT = 600;
/** The two sides of a cut overlap for so long. */
const FADE_SAMPLES = 240;
/** How finely a good place to cut is looked for. */
const SEARCH_STEP = 4;

/**
 * Takes out what a live playout has too much of, without a change of pitch: at most 5 % of the
 * time, in pieces of 2.5 to 12.5 ms, each cut where the sound resembles itself, and faded over.
 */
export class Trimmer {
  readonly #window = new Int16Array(LONGEST_CUT + FADE_SAMPLES);
  readonly #faded = new Int16Array(FADE_SAMPLES);
  /** The least depth since depth was last at or below what may be kept. */
  #deepForMs = 0;
  #budget = 0;

  /** Whether the playout has no lead left, so that waiting for data gains something. */
  readonly waits = false;

  reset(): void {
    this.#deepForMs = 0;
    this.#budget = 0;
  }

  /** The playout ran dry in the middle of something. */
  underrun(): void {
    this.reset();
  }

  /** Called once a tick, before the frame is read; returns the samples that were taken out. */
  trim(ring: SampleFifo, tickMs: number): number {
    // What is left after this tick's frame is what a listener waits for.
    const excess = ring.length - TICK_SAMPLES - KEPT_SAMPLES;
    if (excess <= 0) {
      this.reset();
      return 0;
    }
    this.#deepForMs += tickMs;
    if (this.#deepForMs <= PATIENCE_MS) return 0;
    this.#budget += TICK_SAMPLES * RATE;
    const longest = Math.min(LONGEST_CUT, Math.floor(this.#budget), excess);
    // A cut is worth more when it has the choice: wait until the budget allows the whole range,
    // unless little is left to do.
    if (longest < Math.min(LONGEST_CUT, Math.max(SHORTEST_CUT, excess))) return 0;
    const cut = this.#cut(ring, longest);
    this.#budget -= cut;
    return cut;
  }

  #cut(ring: SampleFifo, longest: number): number {
    const window = this.#window;
    const available = ring.peek(window, longest + FADE_SAMPLES);
    const limit = Math.min(longest, available - FADE_SAMPLES);
    if (limit < SHORTEST_CUT) return 0;
    const cut = bestCut(window, limit);
    for (let index = 0; index < FADE_SAMPLES; index++) {
      const share = (index + 1) / (FADE_SAMPLES + 1);
      this.#faded[index] = Math.round(
        window[index]! * (1 - share) + window[cut + index]! * share,
      );
    }
    ring.drop(cut);
    ring.replaceStart(this.#faded);
    return cut;
  }
}

/** The cut after which the sound goes on most like before it. */
function bestCut(window: Int16Array, longest: number): number {
  let best = longest;
  let bestScore = -Infinity;
  for (let cut = SHORTEST_CUT; cut <= longest; cut += SEARCH_STEP) {
    let product = 0, energy = 1;
    for (let index = 0; index < FADE_SAMPLES; index += SEARCH_STEP) {
      const other = window[cut + index]!;
      product += window[index]! * other;
      energy += other * other;
    }
    // Longer cuts win among equals: silence goes fastest.
    const score = product / Math.sqrt(energy);
    if (score >= bestScore) {
      best = cut;
      bestScore = score;
    }
  }
  return best;
}
