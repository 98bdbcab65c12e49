/** Tells a participant from those who are heard from farther away, by their level. @module */
import { meanSquare } from "../../audio/level.ts";
import type { PcmChunk } from "../../audio/pcm_chunk.ts";

/** So far below the usual level it is another person, in dB. */
const FAR_DB = 10;
/** A voice is as loud as its loudest 20 ms in so many: the pauses between syllables are no distance. */
const HELD_SLOTS = 8;
/** Speech that it takes to know how loud the participant is, in slots of 20 ms. */
const KNOWN_SLOTS = 25;
/** How fast the usual level follows louder and quieter speech, a slot: 0.2 s, and 20 s. */
const RISE = 0.1;
const FALL = 0.001;
/** Louder by so many dB it is a shout or a laugh, until it lasts: it is followed in 2 s. */
const LEAP_DB = 6;
const LEAP_RISE = 0.01;

/** How loud a participant usually speaks. */
export class NearSpeaker {
  readonly #levels = new Float64Array(HELD_SLOTS).fill(-Infinity);
  #at = 0;
  #usualDb = -Infinity;
  #slots = 0;

  /**
   * Takes the next 20 ms, and returns whether they are clearly below the participant's usual level.
   * While that is not known, nothing is.
   *
   * @param learns whether this is speech that may be the participant's own
   */
  push(pcm: PcmChunk, learns: boolean): boolean {
    this.#levels[this.#at] = 10 * Math.log10(meanSquare(pcm.samples) + 1e-9);
    this.#at = (this.#at + 1) % HELD_SLOTS;
    const heldDb = Math.max(...this.#levels);
    if (learns) {
      this.#slots++;
      const step = heldDb - this.#usualDb;
      this.#usualDb = step === Infinity ? heldDb : this.#usualDb + step * rateOf(step);
    }
    return this.#slots >= KNOWN_SLOTS && heldDb < this.#usualDb - FAR_DB;
  }
}

/** How fast the usual level follows one that is so many dB above it. */
function rateOf(step: number): number {
  return step > LEAP_DB ? LEAP_RISE : step > 0 ? RISE : FALL;
}
