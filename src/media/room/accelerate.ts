import type { SampleFifo } from "../../audio/sample_fifo.ts";
import { ROOM_RATE, TICK_SAMPLES } from "../wire/time.ts";

/** Lead beyond this is taken out soon: so much is no jitter, it is what a stall left. */
const DEEP_SAMPLES = 40 * ROOM_RATE / 1000;
/** For so long it must have been deeper before that. */
const DEEP_PATIENCE_MS = 300;
/**
 * For so long a lesser lead must not have been needed. Doubles with each time it was needed after
 * all, up to the most, and comes back when it has not been for long.
 */
const MIN_PATIENCE_MS = 500;
const MAX_PATIENCE_MS = 8000;
const CALM_MS = 20_000;
/** Who runs dry for longer has been stalled, and no lead of a sensible size would have helped. */
const STALL_MS = 50;
/** What is kept when everything that is not needed is taken out. */
const MARGIN_SAMPLES = ROOM_RATE / 1000;
/** The most that is taken out, as a share of what is played. */
const RATE = 0.05;
/** The pieces cut out: long enough to hold a period of a low voice, short enough to go unheard. */
const MIN_CUT_SAMPLES = 120;
const MAX_CUT_SAMPLES = 600;
/** The two sides of a cut overlap for so long. */
const FADE_SAMPLES = 240;
/** How finely a good place to cut is looked for. */
const SEARCH_STEP = 4;

/**
 * Takes out what a live playout has too much of, without a change of pitch: at most 5 % of the
 * time, in pieces of 2.5 to 12.5 ms, each cut where the sound resembles itself, and faded over.
 *
 * Too much is the lead that was there at every single tick for a while: each time that the source
 * was late for a tick the playout fell behind it for good, and nothing else brings it back.
 */
export class Accelerate {
  readonly #window = new Int16Array(MAX_CUT_SAMPLES + FADE_SAMPLES);
  readonly #faded = new Int16Array(FADE_SAMPLES);
  /** What is left to be taken out. */
  #surplus = 0;
  #budget = 0;
  /** The least lead of the ticks looked at, and for how long that has been. */
  #least = Infinity;
  #lookedMs = 0;
  #patienceMs = MIN_PATIENCE_MS;
  #calmMs = 0;

  /** Starts over for another source. */
  reset(): void {
    this.#patienceMs = MIN_PATIENCE_MS;
    this.#calmMs = this.#budget = 0;
    this.#look();
  }

  /** The playout ran dry in the middle of something, and was dry for `dryMs`. */
  underrun(dryMs: number): void {
    this.#look();
    this.#calmMs = 0;
    if (dryMs < STALL_MS) this.#patienceMs = Math.min(2 * this.#patienceMs, MAX_PATIENCE_MS);
  }

  /**
   * Called once a tick, before the frame is read. `lead` is what would have been left after the
   * frame before. Returns the samples that were taken out.
   */
  trim(ring: SampleFifo, lead: number, tickMs: number): number {
    this.#budget = Math.min(this.#budget + TICK_SAMPLES * RATE, MAX_CUT_SAMPLES);
    this.#calm(tickMs);
    if (this.#surplus === 0) this.#judge(lead, tickMs);
    if (this.#surplus === 0) return 0;
    const excess = this.#surplus = Math.min(this.#surplus, lead - MARGIN_SAMPLES);
    if (excess < MIN_CUT_SAMPLES) {
      this.#look();
      return 0;
    }
    const wanted = Math.min(MAX_CUT_SAMPLES, excess);
    // A cut is worth more when it has the choice: wait until the budget allows the whole range,
    // unless little is left to do. What this tick is about to play is not cut off.
    const longest = Math.min(Math.floor(this.#budget), wanted, ring.length - TICK_SAMPLES);
    if (longest < wanted) return 0;
    const cut = this.#cut(ring, longest);
    this.#budget -= cut;
    this.#surplus -= cut;
    return cut;
  }

  /** Looks at the lead from now on. */
  #look(): void {
    this.#surplus = 0;
    this.#least = Infinity;
    this.#lookedMs = 0;
  }

  #judge(lead: number, tickMs: number): void {
    this.#least = Math.min(this.#least, lead);
    this.#lookedMs += tickMs;
    const patienceMs = this.#least > DEEP_SAMPLES ? DEEP_PATIENCE_MS : this.#patienceMs;
    if (this.#lookedMs < patienceMs) return;
    const surplus = this.#least - MARGIN_SAMPLES;
    this.#look();
    if (surplus >= MIN_CUT_SAMPLES) this.#surplus = surplus;
  }

  #calm(tickMs: number): void {
    this.#calmMs += tickMs;
    if (this.#calmMs < CALM_MS) return;
    this.#calmMs = 0;
    this.#patienceMs = Math.max(this.#patienceMs / 2, MIN_PATIENCE_MS);
  }

  #cut(ring: SampleFifo, longest: number): number {
    const window = this.#window;
    const available = ring.peek(window, longest + FADE_SAMPLES);
    const limit = Math.min(longest, available - FADE_SAMPLES);
    if (limit < MIN_CUT_SAMPLES) return 0;
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
  for (let cut = MIN_CUT_SAMPLES; cut <= longest; cut += SEARCH_STEP) {
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
