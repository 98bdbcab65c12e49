/** Removes what a live source's audio is late by. @module */
import type { SampleFifo } from "./sample_fifo.ts";
import { cutAt, cutMiddle, cutPauses } from "./shorten.ts";
import { TICK_MS } from "./grid.ts";

/** A lead above this is removed soon: it is no jitter, but what a stall left. */
const DEEP_MS = 40;
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
/** The surplus that compressing removes in reasonable time: what exceeds it is cut from the middle. */
const MAX_SURPLUS_MS = 1000;
/** A surplus above this is looked through for pauses, so often while it lasts. */
const PAUSES_MS = 100;
const PAUSES_EVERY_MS = 100;
/** The share of the played audio that is removed: the more, the deeper the surplus. */
const MIN_RATE = 0.05;
const MAX_RATE = 0.5;
const MAX_RATE_MS = 400;
/** Longer than any stall leaves: the source goes on while its playout is paused. */
const MAX_WAITING_MS = 10_000;
/** The length of a cut: long enough for a period of a low voice, short enough to go unheard. */
const MIN_CUT_MS = 2.5;
const MAX_CUT_MS = 12.5;
/** The overlap of a cut's two sides, in which they are compared. */
const FADE_MS = 5;
/** The step of the search for a good cut. */
const SEARCH_MS = 1 / 12;

/** Options for an {@linkcode Accelerate}. */
export interface AccelerateInit {
  /** Samples a second. */
  sampleRate: number;
  /** The lead that stays when all surplus is removed, in milliseconds. */
  marginMs: number;
}

/**
 * Removes the surplus of a live playout without changing its pitch (NetEQ calls this accelerate):
 * first its pauses, then what exceeds a second out of the middle, and the rest in cuts of 2.5 to
 * 12.5 ms, each where the signal resembles itself, and crossfaded. Those take 5 % of the time, and up
 * to half of it when the surplus is deep.
 *
 * Surplus is the lead that was there at every tick for a while: each time the source is late for a
 * tick, the playout falls behind it for good, and nothing else recovers that delay.
 */
export class Accelerate {
  readonly #sampleRate: number;
  readonly #margin: number;
  readonly #minCut: number;
  readonly #maxCut: number;
  readonly #fade: number;
  readonly #step: number;
  readonly #window: Int16Array;
  /** Samples that are still to be removed. */
  #surplus = 0;
  #budget = 0;
  #untilPausesMs = 0;
  /** The minimum lead of the observed ticks, and how long they have been observed. */
  #minLead = Infinity;
  #observedMs = 0;
  /** The same of the latest ticks, for what a stall left: its backlog comes in parts, the first of them small. */
  #minRecent = Infinity;
  #recentMs = 0;
  #waitMs = MIN_WAIT_MS;
  #calmMs = 0;

  constructor({ sampleRate, marginMs }: AccelerateInit) {
    this.#sampleRate = sampleRate;
    this.#margin = this.#samples(marginMs);
    this.#minCut = this.#samples(MIN_CUT_MS);
    this.#maxCut = this.#samples(MAX_CUT_MS);
    this.#fade = this.#samples(FADE_MS);
    this.#step = Math.max(1, this.#samples(SEARCH_MS));
    this.#window = new Int16Array(this.#maxCut + this.#fade);
  }

  /** Starts over for another source. */
  reset(): void {
    this.#waitMs = MIN_WAIT_MS;
    this.#calmMs = this.#budget = 0;
    this.#forget();
  }

  /** The playout ran dry in the middle of an utterance, for `dryMs`. */
  underrun(dryMs: number): void {
    this.#forget();
    this.#calmMs = 0;
    if (dryMs < STALL_MS) this.#waitMs = Math.min(2 * this.#waitMs, MAX_WAIT_MS);
  }

  /**
   * Trims the queue; called once a tick of 10 ms, before its frame is read. `lead` is what would have
   * been left after the previous frame. Returns the number of samples removed.
   */
  trim(queue: SampleFifo, lead: number): number {
    this.#calm();
    this.#judge(lead);
    this.#save();
    if (this.#surplus === 0) return 0;
    const shortened = this.#shorten(queue);
    const removed = shortened + this.#compress(queue, lead - shortened);
    // The windows' minimum is of before.
    this.#minLead -= removed;
    this.#minRecent -= removed;
    if (this.#surplus < this.#minCut) this.#surplus = 0;
    return removed;
  }

  /** Cuts the middle of a queue that nothing reads, as while it is paused; returns how many samples. */
  limit(queue: SampleFifo): number {
    if (queue.length <= this.#samples(MAX_WAITING_MS)) return 0;
    return cutMiddle(queue, this.#sampleRate, queue.length - this.#samples(MAX_SURPLUS_MS));
  }

  #samples(ms: number): number {
    return Math.round(this.#sampleRate * ms / 1000);
  }

  /** There is no surplus, whatever was observed. */
  #forget(): void {
    this.#surplus =
      this.#untilPausesMs =
      this.#observedMs =
      this.#recentMs =
        0;
    this.#minLead = this.#minRecent = Infinity;
  }

  #judge(lead: number): void {
    this.#minLead = Math.min(this.#minLead, lead);
    this.#minRecent = Math.min(this.#minRecent, lead);
    this.#observedMs += TICK_MS;
    this.#recentMs += TICK_MS;
    if (this.#recentMs >= DEEP_WAIT_MS) {
      if (this.#minRecent > this.#samples(DEEP_MS)) this.#found(this.#minRecent);
      this.#minRecent = Infinity;
      this.#recentMs = 0;
    }
    if (this.#observedMs >= this.#waitMs) {
      this.#found(this.#minLead);
      this.#minLead = Infinity;
      this.#observedMs = 0;
    }
  }

  /** So much lead was never needed. */
  #found(lead: number): void {
    const surplus = lead - this.#margin;
    // A backlog arrives in several parts: more may have come than was known.
    if (surplus >= this.#minCut) this.#surplus = Math.max(surplus, this.#surplus);
  }

  #calm(): void {
    this.#calmMs += TICK_MS;
    if (this.#calmMs < CALM_MS) return;
    this.#calmMs = 0;
    this.#waitMs = Math.max(this.#waitMs / 2, MIN_WAIT_MS);
  }

  /** Adds a tick's share to what may be cut: also in calm times, so that the first cut need not wait. */
  #save(): void {
    const depth = Math.min(1, this.#surplus / this.#samples(MAX_RATE_MS));
    const rate = MIN_RATE + (MAX_RATE - MIN_RATE) * depth;
    this.#budget = Math.min(this.#budget + this.#samples(TICK_MS) * rate, this.#maxCut);
  }

  /** Takes out pauses, and what exceeds a second. */
  #shorten(queue: SampleFifo): number {
    this.#untilPausesMs -= TICK_MS;
    if (this.#surplus < this.#samples(PAUSES_MS) || this.#untilPausesMs > 0) return 0;
    this.#untilPausesMs = PAUSES_EVERY_MS;
    let removed = cutPauses(queue, this.#sampleRate, this.#surplus);
    const excess = this.#surplus - removed - this.#samples(MAX_SURPLUS_MS);
    if (excess > 0) removed += cutMiddle(queue, this.#sampleRate, excess);
    this.#surplus -= removed;
    return removed;
  }

  /** Cuts a period out of the next samples, when it is time. */
  #compress(queue: SampleFifo, lead: number): number {
    this.#surplus = Math.max(0, Math.min(this.#surplus, lead - this.#margin));
    if (this.#surplus < this.#minCut) return 0;
    const wanted = Math.min(this.#maxCut, this.#surplus);
    // A cut is better when it has a choice: wait until the budget allows the whole range, unless
    // little is left to remove. The samples that this tick is about to play stay.
    const available = queue.length - this.#samples(TICK_MS);
    const longest = Math.min(Math.floor(this.#budget), wanted, available);
    if (longest < wanted) return 0;
    const cut = this.#cut(queue, longest);
    this.#budget -= cut;
    this.#surplus -= cut;
    return cut;
  }

  #cut(queue: SampleFifo, longest: number): number {
    const available = queue.peek(this.#window, longest + this.#fade);
    const limit = Math.min(longest, available - this.#fade);
    if (limit < this.#minCut) return 0;
    return cutAt(queue, this.#sampleRate, 0, this.#bestCut(limit));
  }

  /** Returns the cut whose two sides resemble each other most. */
  #bestCut(longest: number): number {
    const window = this.#window;
    const step = this.#step;
    let best = longest;
    let bestScore = -Infinity;
    for (let cut = this.#minCut; cut <= longest; cut += step) {
      let product = 0, energy = 1;
      for (let index = 0; index < this.#fade; index += step) {
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
}
