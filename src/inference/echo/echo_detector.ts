import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { PlaybackReference } from "./playback_reference.ts";
import { EchoBand } from "./echo_band.ts";

const { RATE, ROW } = EchoBand;
/** What is compared: the last 160 ms of what was heard. */
const WINDOW = 8 * ROW;
/** An echo comes within 1.2 s: network and jitter buffers both ways, loudspeaker, microphone. */
const LAGS = 1.2 * RATE;
const REMEMBERED_MS = (WINDOW + LAGS) * 1000 / RATE;
/** How far around the delay that was found last is looked first: jitter buffers stretch time. */
const DRIFT = 5 * RATE / 1000;
/** Everywhere is looked in one row of so many, since it takes milliseconds; in each at first. */
const SEARCH_EVERY = 4;
const SEARCH_AT_FIRST = 8;
/**
 * From which likeness (normalised cross-correlation of the waves) on it is an echo. Through two
 * codecs, and a room that gives back as much as comes straight, 99 of 100 windows of an echo are
 * above 0.57; nine of ten windows of a person who speaks with the agent's very voice are below 0.40.
 */
const LIKENESS = 0.5;
/** Less power in a window is no sound: a step of the samples here and there. */
const FAINT = WINDOW;

/**
 * Tells people from the agent's own voice that comes back out of a loudspeaker: by its wave, which
 * no other voice has. A person who is louder than the echo is a person, however the two overlap.
 */
export class EchoDetector {
  readonly #own: PlaybackReference;
  readonly #band = new EchoBand();
  readonly #heard = new Float32Array(WINDOW);
  readonly #played = new Float32Array(LAGS + WINDOW);
  #row = -1;
  #lag = 0;
  #searchedRow = -SEARCH_EVERY;
  /** For how many rows there has been sound. */
  #sounding = 0;

  constructor(own: PlaybackReference) {
    this.#own = own;
  }

  /**
   * Takes the 20 ms (mono) that were heard in a row, and gives whether they are the agent's own
   * voice.
   *
   * @param isSound whether there is any sound in it that may be a voice, or begin one
   */
  push(pcm: PcmChunk, isSound: boolean, row: number): boolean {
    // Most of the time nothing can come back, and nothing is to be done.
    if (!this.#own.isAudibleAt(row, REMEMBERED_MS)) return false;
    this.#keep(pcm, row);
    this.#sounding = isSound ? this.#sounding + 1 : 0;
    if (!isSound) return false;
    this.#own.copyTo(this.#played, row);
    return this.#isLike();
  }

  #keep(pcm: PcmChunk, row: number): void {
    if (row !== this.#row + 1) {
      this.#heard.fill(0);
      this.#band.reset();
    }
    this.#row = row;
    const latest = this.#band.take(pcm);
    this.#heard.copyWithin(0, latest.length);
    this.#heard.set(latest, WINDOW - latest.length);
  }

  /** Whether what was heard is like what was played, at the delay of before or at any other. */
  #isLike(): boolean {
    if (this.#search(this.#lag - DRIFT, this.#lag + DRIFT)) return true;
    const isDue = this.#row - this.#searchedRow >= SEARCH_EVERY;
    if (!isDue && this.#sounding > SEARCH_AT_FIRST) return false;
    this.#searchedRow = this.#row;
    return this.#search(0, LAGS);
  }

  #search(from: number, to: number): boolean {
    const heard = this.#heard, played = this.#played;
    const heardPower = product(heard, heard, 0);
    const first = Math.max(0, from), last = Math.min(LAGS, to);
    const begin = played.subarray(LAGS - first, LAGS - first + WINDOW);
    let playedPower = product(begin, begin, 0);
    let best = 0, bestLag = 0;
    for (let lag = first; lag <= last; lag++) {
      const start = LAGS - lag;
      const sum = product(heard, played, start);
      // Squared, without its sign: some loudspeakers turn the wave round.
      const likeness = playedPower > FAINT ? sum * sum / (heardPower * playedPower) : 0;
      if (likeness > best) {
        best = likeness;
        bestLag = lag;
      }
      playedPower += played[start - 1]! ** 2 - played[start + WINDOW - 1]! ** 2;
    }
    if (best < LIKENESS ** 2) return false;
    this.#lag = bestLag;
    return true;
  }
}

/** The sum of the products of a window with what begins at `start`; four at a time, since it counts. */
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
