import type { SampleFifo } from "../../audio/sample_fifo.ts";
import { ROOM_RATE, TICK_SAMPLES } from "../wire/time.ts";

/** A lead above this is removed soon: it is no jitter, but what a stall left. */
const DEEP_SAMPLES = 40 * ROOM_RATE / 1000;
/** How long the lead must have been deeper before that. */
const DEEP_WAIT_MS = 300;
/**
 * How long a smaller lead must have been unneeded. Doubles with each underrun, up to the maximum, and
 * halves again in calm times.
 */
const MIN_WAIT_MS = 500;
const MAX_WAIT_MS = 8000;
const CALM_MS = 20_000;
/** A longer underrun comes from a stall, which no lead of a sensible size would have covered. */
const STALL_MS = 50;
/** The lead that stays when all surplus is removed. */
const MARGIN_SAMPLES = ROOM_RATE / 1000;
/** The maximum share of the played audio that is removed. */
const RATE = 0.05;
/** The length of a cut: long enough for a period of a low voice, short enough to go unheard. */
const MIN_CUT_SAMPLES = 120;
const MAX_CUT_SAMPLES = 600;
/** The overlap of a cut's two sides. */
const FADE_SAMPLES = 240;
/** The step of the search for a good cut. */
const SEARCH_STEP = 4;

/**
 * Removes the surplus of a live playout without changing its pitch: at most 5 % of the time, in cuts
 * of 2.5 to 12.5 ms, each where the signal resembles itself, and crossfaded (NetEQ calls this
 * accelerate).
 *
 * Surplus is the lead that was there at every tick for a while: each time the source is late for a
 * tick, the playout falls behind it for good, and nothing else recovers that delay.
 */
export class Accelerate {
  readonly #window = new Int16Array(MAX_CUT_SAMPLES + FADE_SAMPLES);
  readonly #faded = new Int16Array(FADE_SAMPLES);
  /** Samples that are still to be removed. */
  #surplus = 0;
  #budget = 0;
  /** The minimum lead of the observed ticks, and how long they have been observed. */
  #minLead = Infinity;
  #observedMs = 0;
  #waitMs = MIN_WAIT_MS;
  #calmMs = 0;

  /** Starts over for another source. */
  reset(): void {
    this.#waitMs = MIN_WAIT_MS;
    this.#calmMs = this.#budget = 0;
    this.#observe();
  }

  /** The playout ran dry in the middle of an utterance, for `dryMs`. */
  underrun(dryMs: number): void {
    this.#observe();
    this.#calmMs = 0;
    if (dryMs < STALL_MS) this.#waitMs = Math.min(2 * this.#waitMs, MAX_WAIT_MS);
  }

  /**
   * Trims the ring; called once a tick, before the frame is read. `lead` is what would have been left
   * after the previous frame. Returns the number of samples removed.
   */
  trim(ring: SampleFifo, lead: number, tickMs: number): number {
    this.#budget = Math.min(this.#budget + TICK_SAMPLES * RATE, MAX_CUT_SAMPLES);
    this.#calm(tickMs);
    if (this.#surplus === 0) this.#judge(lead, tickMs);
    if (this.#surplus === 0) return 0;
    const excess = this.#surplus = Math.min(this.#surplus, lead - MARGIN_SAMPLES);
    if (excess < MIN_CUT_SAMPLES) {
      this.#observe();
      return 0;
    }
    const wanted = Math.min(MAX_CUT_SAMPLES, excess);
    // A cut is better when it has a choice: wait until the budget allows the whole range, unless
    // little is left to remove. The samples that this tick is about to play stay.
    const longest = Math.min(Math.floor(this.#budget), wanted, ring.length - TICK_SAMPLES);
    if (longest < wanted) return 0;
    const cut = this.#cut(ring, longest);
    this.#budget -= cut;
    this.#surplus -= cut;
    return cut;
  }

  /** Observes the lead anew. */
  #observe(): void {
    this.#surplus = 0;
    this.#minLead = Infinity;
    this.#observedMs = 0;
  }

  #judge(lead: number, tickMs: number): void {
    this.#minLead = Math.min(this.#minLead, lead);
    this.#observedMs += tickMs;
    const waitMs = this.#minLead > DEEP_SAMPLES ? DEEP_WAIT_MS : this.#waitMs;
    if (this.#observedMs < waitMs) return;
    const surplus = this.#minLead - MARGIN_SAMPLES;
    this.#observe();
    if (surplus >= MIN_CUT_SAMPLES) this.#surplus = surplus;
  }

  #calm(tickMs: number): void {
    this.#calmMs += tickMs;
    if (this.#calmMs < CALM_MS) return;
    this.#calmMs = 0;
    this.#waitMs = Math.max(this.#waitMs / 2, MIN_WAIT_MS);
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

/** Returns the cut whose two sides resemble each other most. */
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
    // The longest of equal cuts wins: silence is removed fastest.
    const score = product / Math.sqrt(energy);
    if (score >= bestScore) {
      best = cut;
      bestScore = score;
    }
  }
  return best;
}
