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
  readonly #correlation = new CrossCorrelation(WINDOW, LAGS + WINDOW);
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
    if (lag !== undefined && this.#search(lag - DRIFT, lag + DRIFT, this.#product)) return true;
    const isDue = this.#row - this.#searchedRow >= SEARCH_EVERY;
    if (!isDue && this.#sounding > SEARCH_AT_FIRST) return false;
    this.#searchedRow = this.#row;
    const products = this.#correlation.compute(this.#microphone, this.#played);
    return this.#search(0, LAGS, (start) => products[start]!);
  }

  readonly #product = (start: number): number => product(this.#microphone, this.#played, start);

  /** Searches delays; `productAt` returns the dot product of the window with what was played. */
  #search(from: number, to: number, productAt: (start: number) => number): boolean {
    const window = this.#microphone, played = this.#played;
    const power = product(window, window, 0);
    const first = Math.max(0, from), last = Math.min(LAGS, to);
    const begin = played.subarray(LAGS - first, LAGS - first + WINDOW);
    let playedPower = product(begin, begin, 0);
    let best = 0, bestLag = 0;
    for (let lag = first; lag <= last; lag++) {
      const start = LAGS - lag;
      const sum = productAt(start);
      // Squared, without its sign: some loudspeakers invert the waveform.
      const correlation = playedPower > MIN_POWER ? sum * sum / (power * playedPower) : 0;
      if (correlation > best) {
        best = correlation;
        bestLag = lag;
      }
      playedPower += played[start - 1]! ** 2 - played[start + WINDOW - 1]! ** 2;
    }
    if (best < MIN_CORRELATION ** 2) return false;
    this.#lag = bestLag;
    return true;
  }
}

/** Returns the dot product of a window with what begins at `start`; unrolled, since it is hot. */
function product(window: Float32Array, other: Float32Array, start: number): number {
  let a = 0, b = 0, c = 0, d = 0;
  for (let index = 0; index < WINDOW; index += 4) {
    a += window[index]! * other[start + index]!;
    b += window[index + 1]! * other[start + index + 1]!;
    c += window[index + 2]! * other[start + index + 2]!;
    d += window[index + 3]! * other[start + index + 3]!;
  }
  return a + b + c + d;
}
