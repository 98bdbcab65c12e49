/** Tells the agent's own voice from a person's, in the audio of one participant. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { PlaybackReference } from "./playback_reference.ts";
import { CrossCorrelation } from "./cross_correlation.ts";
import { EchoBand } from "./echo_band.ts";

const { RATE, ROW } = EchoBand;
/** The length of the comparison: the last 160 ms of the microphone's audio. */
const WINDOW = 8 * ROW;
/** An echo comes within 1.2 s: network and jitter buffers both ways, loudspeaker, microphone. */
const LAGS = 1.2 * RATE;
const REMEMBERED_MS = (WINDOW + LAGS) * 1000 / RATE;
/** How far around the last delay to search first: jitter buffers stretch time. */
const DRIFT = 5 * RATE / 1000;
/** All delays are searched in one row of so many, since that takes milliseconds... */
const SEARCH_EVERY = 4;
/** ... and in each of the first rows of a sound. */
const SEARCH_AT_FIRST = 8;
/**
 * The normalised cross-correlation from which on a window is an echo. Through two codecs, and a room
 * that reflects as much as arrives directly, 99 of 100 windows of an echo are above 0.57; nine of ten
 * windows of a person who speaks with the agent's very voice are below 0.40.
 */
const MIN_CORRELATION = 0.5;
/** Less power in a window is silence: a quantisation step here and there. */
const MIN_POWER = WINDOW;

/**
 * Detects the agent's own voice in the audio of a participant, whose loudspeaker plays it: by its
 * waveform, which no other voice has. A person who is louder than the echo is detected as a person,
 * however the two overlap.
 */
export class EchoDetector {
  readonly #playback: PlaybackReference;
  readonly #band = new EchoBand();
  readonly #microphone = new Float32Array(WINDOW);
  readonly #played = new Float32Array(LAGS + WINDOW);
  readonly #correlation = new CrossCorrelation(WINDOW);
  /** The product of the window with what was played, by where that starts. */
  readonly #products = new Float64Array(LAGS + 1);
  /** The power of what was played, by delay. */
  readonly #powers = new Float64Array(LAGS + 1);
  #row = -1;
  /** The delay of the last echo. */
  #lag: number | undefined;
  #searchedRow = -SEARCH_EVERY;
  /** For how many rows there has been sound. */
  #sounding = 0;

  constructor(playback: PlaybackReference) {
    this.#playback = playback;
  }

  /**
   * Takes a participant's 20 ms (mono) of a row, and returns whether they are an echo of the agent.
   *
   * @param isSound whether there is any sound in it that may be a voice, or the beginning of one
   */
  push(pcm: PcmChunk, isSound: boolean, row: number): boolean {
    // Most of the time the agent is silent, and there is nothing to compare.
    if (!this.#playback.isAudibleAt(row, REMEMBERED_MS)) return false;
    this.#keep(pcm, row);
    this.#sounding = isSound ? this.#sounding + 1 : 0;
    if (!isSound) return false;
    this.#playback.copyTo(this.#played, row);
    return this.#isEcho();
  }

  #keep(pcm: PcmChunk, row: number): void {
    if (row !== this.#row + 1) {
      this.#microphone.fill(0);
      this.#band.reset();
    }
    this.#row = row;
    const latest = this.#band.take(pcm);
    this.#microphone.copyWithin(0, latest.length);
    this.#microphone.set(latest, WINDOW - latest.length);
  }

  /** Whether the window correlates with what was played, at the last delay or at any other. */
  #isEcho(): boolean {
    const lag = this.#lag;
    if (lag !== undefined && this.#searchAround(lag)) return true;
    const isDue = this.#row - this.#searchedRow >= SEARCH_EVERY;
    if (!isDue && this.#sounding > SEARCH_AT_FIRST) return false;
    this.#searchedRow = this.#row;
    return this.#searchAll();
  }

  /** Searches the delays around the last one, product by product. */
  #searchAround(lag: number): boolean {
    const first = Math.max(0, lag - DRIFT), last = Math.min(LAGS, lag + DRIFT);
    this.#measure(first, last);
    for (let lag = first; lag <= last; lag++) {
      if (this.#powers[lag]! <= MIN_POWER) continue;
      const start = LAGS - lag;
      this.#products[start] = product(this.#microphone, this.#played, start);
    }
    return this.#decide(first, last);
  }

  /** Searches all delays. What is compared with silence is no echo, and is left out. */
  #searchAll(): boolean {
    const powers = this.#powers;
    this.#measure(0, LAGS);
    let first = 0, last = LAGS;
    while (first <= last && powers[first]! <= MIN_POWER) first++;
    while (last > first && powers[last]! <= MIN_POWER) last--;
    if (first > last) return false;
    const from = LAGS - last, to = LAGS - first + 1;
    this.#correlation.compute(this.#microphone, this.#played, this.#products, from, to);
    return this.#decide(first, last);
  }

  /** Measures the power of what was played at these delays. */
  #measure(first: number, last: number): void {
    const played = this.#played, powers = this.#powers;
    let power = product(played, played, LAGS - first, LAGS - first);
    powers[first] = power;
    for (let lag = first + 1; lag <= last; lag++) {
      const start = LAGS - lag;
      const older = played[start]!, newer = played[start + WINDOW]!;
      power += older * older - newer * newer;
      powers[lag] = power;
    }
  }

  /** Whether the best of these delays is that of an echo: it is kept then. */
  #decide(first: number, last: number): boolean {
    const window = this.#microphone, powers = this.#powers, products = this.#products;
    const windowPower = product(window, window);
    let best = 0, bestLag = 0;
    for (let lag = first; lag <= last; lag++) {
      const power = powers[lag]!, sum = products[LAGS - lag]!;
      if (power <= MIN_POWER) continue;
      // Squared, without its sign: some loudspeakers invert the waveform.
      const correlation = sum * sum / (windowPower * power);
      if (correlation > best) {
        best = correlation;
        bestLag = lag;
      }
    }
    if (best < MIN_CORRELATION ** 2) return false;
    this.#lag = bestLag;
    return true;
  }
}

/** Returns the dot product of a window of each; unrolled, since it is hot. */
function product(left: Float32Array, right: Float32Array, rightAt = 0, leftAt = 0): number {
  let a = 0, b = 0, c = 0, d = 0;
  for (let index = 0; index < WINDOW; index += 4) {
    a += left[leftAt + index]! * right[rightAt + index]!;
    b += left[leftAt + index + 1]! * right[rightAt + index + 1]!;
    c += left[leftAt + index + 2]! * right[rightAt + index + 2]!;
    d += left[leftAt + index + 3]! * right[rightAt + index + 3]!;
  }
  return a + b + c + d;
}
