/**
 * Telling people from the agent's own voice that comes back out of a loudspeaker.
 *
 * @module
 */
import { levelOf } from "./level.ts";

const SLOT_MS = 20;
/** What is compared: the last 800 ms of what was heard. */
const WINDOW = 40;
/** An echo comes within half a second. */
const MAX_LAG = 25;
/** Of a voice that has just begun less is compared, but no less than 160 ms. */
const MIN_WINDOW = 8;
/** The quiet before it begins is a part of it, that much. */
const BEFORE_ONSET = 5;
/** After so much silence the voice begins anew. */
const BREAK = 20;
/** From which likeness (Pearson's r of the envelopes) on it is an echo. */
const LIKENESS = 0.7;
/** The same, for what is louder than what is known to come back. */
const CLOSE_LIKENESS = 0.92;
/** Blocks of written audio that are remembered: more than a track holds back. */
const WRITTEN = 256;
/** How much of the past is remembered: audio that waited while the program was busy is compared. */
const PLAYED = 512;
/** Reports of what was played are not older than this. */
const REPORT_MS = 120;

/** What the agent itself is saying, as loudness over time. */
export class OwnVoice {
  /** Levels of what was written, by 20 ms of the track. */
  readonly #written = new Float32Array(WRITTEN);
  /** Levels of what was played, by 20 ms of the clock. */
  readonly #played = new Float32Array(PLAYED);
  #writtenEndMs = 0;
  #reportedMs = 0;
  #reportedAtMs = 0;
  #slot = -1;
  #lastSoundSlot = -PLAYED;
  #onsetSlot = 0;

  /** Takes note of samples (mono) that were written to the track at this position. */
  wrote(samples: Int16Array, sampleRate: number, startMs: number): void {
    const perSlot = Math.round(sampleRate * SLOT_MS / 1000);
    for (let start = 0; start < samples.length; start += perSlot) {
      const block = Math.floor((startMs + start * 1000 / sampleRate) / SLOT_MS);
      const level = levelOf(samples.subarray(start, start + perSlot));
      this.#written[block % WRITTEN] = level;
    }
    this.#writtenEndMs = startMs + samples.length * 1000 / sampleRate;
  }

  /**
   * Takes note of how far the track was played, whenever somebody is heard. Reports are rare, and
   * late when the program was busy: what lies between two is filled in when the second comes.
   */
  update(nowMs: number, playedMs: number, isPlaying: boolean): void {
    const slot = Math.floor(nowMs / SLOT_MS);
    const playedSince = playedMs - this.#reportedMs;
    if (playedSince > 0) {
      // What is played takes its time: before that it stood still.
      const startMs = Math.max(this.#reportedAtMs, nowMs - playedSince);
      const pace = playedSince / Math.max(1, nowMs - startMs);
      this.#fill(Math.floor(this.#reportedAtMs / SLOT_MS) + 1, slot, (atMs) => {
        return atMs <= startMs ? undefined : this.#reportedMs + (atMs - startMs) * pace;
      });
      this.#reportedMs = playedMs;
      this.#reportedAtMs = nowMs;
    } else if (slot > this.#slot) {
      this.#fill(this.#slot + 1, slot, (atMs) => {
        const aheadMs = atMs - this.#reportedAtMs;
        return isPlaying && aheadMs <= REPORT_MS ? this.#reportedMs + aheadMs : undefined;
      });
    }
    this.#slot = Math.max(slot, this.#slot);
  }

  /** Puts down what was played in slots, by where the track was at the end of each. */
  #fill(from: number, to: number, positionAt: (atMs: number) => number | undefined): void {
    for (let slot = Math.max(0, from, to - PLAYED + 1); slot <= to; slot++) {
      const position = positionAt((slot + 1) * SLOT_MS);
      const isKnown = position !== undefined && position >= 1 && position <= this.#writtenEndMs;
      const level = isKnown ? this.#written[Math.floor((position - 1) / SLOT_MS) % WRITTEN]! : 0;
      this.#played[slot % PLAYED] = level;
      if (level === 0) continue;
      if (slot - this.#lastSoundSlot > BREAK) this.#onsetSlot = slot;
      this.#lastSoundSlot = Math.max(slot, this.#lastSoundSlot);
    }
  }

  /** Whether anything was played that could come back in this slot. */
  isAudibleAt(slot: number): boolean {
    return this.#lastSoundSlot > slot - WINDOW - MAX_LAG;
  }

  /** The loudest of the half second before this slot, which is as long as an echo takes. */
  peakAt(slot: number): number {
    let peak = 0;
    for (let ago = 0; ago <= MAX_LAG; ago++) peak = Math.max(peak, this.levelAt(slot - ago));
    return peak;
  }

  /** For how many slots it had been speaking in this slot, short breaks included. */
  speakingSlotsAt(slot: number): number {
    return slot - this.#onsetSlot + 1;
  }

  /** The level that was played in a slot of 20 ms of the clock. */
  levelAt(slot: number): number {
    return slot < 0 || slot > this.#slot || slot <= this.#slot - PLAYED
      ? 0
      : this.#played[slot % PLAYED]!;
  }
}

/**
 * Compares what one speaker's microphone hears with what the agent says. While the agent speaks and
 * nobody else does, it learns how much of that comes back; what is much louder is a person at once,
 * and of the rest the one that goes up and down as the agent does is an echo.
 */
export class EchoGuard {
  readonly #own: OwnVoice;
  readonly #heard = new Float32Array(WINDOW);
  readonly #path = new EchoPath();
  #count = 0;
  #offsetMs = NaN;

  constructor(own: OwnVoice) {
    this.#own = own;
  }

  /**
   * Takes the next 20 ms that were heard, and gives whether it is the agent's own voice.
   *
   * @param isVoice whether it sounds like anybody's voice at all
   * @param row the tick on the room's grid: what waited while the program was busy comes late, and
   *   is judged by when it was spoken
   */
  push(
    samples: Int16Array,
    isVoice: boolean,
    { row, nowMs }: { row: number; nowMs: number },
  ): boolean {
    const level = levelOf(samples);
    this.#heard[this.#count++ % WINDOW] = level;
    const slot = this.#slotOf(row, nowMs);
    if (!this.#own.isAudibleAt(slot)) return false;
    const peak = this.#own.peakAt(slot);
    const ratio = peak > 0 ? level / peak : Infinity;
    const isEcho = isVoice &&
      this.#likeness(slot) >= (ratio <= this.#path.most ? LIKENESS : CLOSE_LIKENESS);
    // Before an echo can have come, its absence tells nothing.
    const isTelling = peak > 0.005 && this.#own.speakingSlotsAt(slot) > MAX_LAG + 2;
    if (isTelling && (isEcho || !isVoice)) this.#path.learn(ratio);
    return isEcho;
  }

  /** The clock's slot in which a row was heard: the quickest rows tell how the two lie. */
  #slotOf(row: number, nowMs: number): number {
    const offset = nowMs - row * SLOT_MS;
    // Clocks drift apart, and a stream may begin anew.
    const isAnew = !(Math.abs(offset - this.#offsetMs) < 10_000);
    this.#offsetMs = isAnew ? offset : Math.min(this.#offsetMs + 0.02, offset);
    return Math.floor((row * SLOT_MS + this.#offsetMs + 1) / SLOT_MS);
  }

  /** How like the two are at the delay at which they are most alike, -1 to 1. */
  #likeness(slot: number): number {
    let best = -1;
    for (let lag = 0; lag <= MAX_LAG; lag++) best = Math.max(best, this.#correlation(slot, lag));
    return best;
  }

  #correlation(slot: number, lag: number): number {
    // What was heard before the voice could come back has nothing to do with it.
    const size = Math.min(WINDOW, this.#own.speakingSlotsAt(slot) - lag + BEFORE_ONSET);
    if (size < MIN_WINDOW) return -1;
    let sumX = 0, sumY = 0, sumXX = 0, sumYY = 0, sumXY = 0;
    for (let ago = 0; ago < size; ago++) {
      const at = this.#count - 1 - ago;
      const x = at < 0 ? 0 : this.#heard[at % WINDOW]!;
      const y = this.#own.levelAt(slot - ago - lag);
      sumX += x;
      sumY += y;
      sumXX += x * x;
      sumYY += y * y;
      sumXY += x * y;
    }
    const spread = (sumXX - sumX * sumX / size) * (sumYY - sumY * sumY / size);
    return spread > 1e-12 ? (sumXY - sumX * sumY / size) / Math.sqrt(spread) : -1;
  }
}

const BIN_DB = 2;
const LOWEST_DB = -80;
const BINS = 50;
/** So many slots must have been heard before anything is believed of the path: 300 ms. */
const ENOUGH = 15;
/** What was learnt fades within some seconds. */
const FADE = 0.995;

/** How much of the agent's voice comes back: the ratio that four of five slots stay below. */
class EchoPath {
  readonly #bins = new Float32Array(BINS);
  #learnt = 0;

  /** The most of it that can be an echo; anything while too little is known. */
  get most(): number {
    if (this.#learnt < ENOUGH) return Infinity;
    let total = 0;
    for (const count of this.#bins) total += count;
    let below = 0;
    for (let bin = 0; bin < BINS; bin++) {
      below += this.#bins[bin]!;
      // 8 dB above: what is loud among the rest, and what is said louder than before.
      if (below >= 0.8 * total) return 10 ** ((LOWEST_DB + (bin + 1) * BIN_DB + 8) / 20);
    }
    return Infinity;
  }

  learn(ratio: number): void {
    const db = 20 * Math.log10(Math.max(ratio, 1e-9));
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor((db - LOWEST_DB) / BIN_DB)));
    for (let index = 0; index < BINS; index++) this.#bins[index]! *= FADE;
    this.#bins[bin]!++;
    this.#learnt++;
  }
}
