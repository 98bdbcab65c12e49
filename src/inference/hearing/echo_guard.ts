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
/** From which likeness (Pearson's r of the envelopes) on it is an echo. */
const LIKENESS = 0.7;
/** Blocks of written audio that are remembered: more than a track holds back. */
const WRITTEN = 256;

/** What the agent itself is saying, as loudness over time. */
export class OwnVoice {
  /** Levels of what was written, by 20 ms of the track. */
  readonly #written = new Float32Array(WRITTEN);
  /** Levels of what was played, by 20 ms of the clock. */
  readonly #played = new Float32Array(WINDOW + MAX_LAG + 1);
  #writtenEndMs = 0;
  #positionMs = 0;
  #reportedMs = 0;
  #slot = -1;
  #silentSlots = WINDOW + MAX_LAG + 1;

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
   * Takes note of how far the track was played, at least once every 20 ms that somebody is heard.
   * Reports come more rarely than that: in between it goes on as the clock does.
   */
  update(nowMs: number, playedMs: number, isPlaying: boolean): void {
    const slot = Math.floor(nowMs / SLOT_MS);
    const passed = this.#slot < 0 ? 1 : Math.min(slot - this.#slot, this.#played.length);
    this.#slot = slot;
    for (let count = 0; count < passed; count++) {
      if (isPlaying) this.#positionMs += SLOT_MS;
      if (playedMs !== this.#reportedMs) {
        // A report says at least how far it was; it is not older than some 100 ms.
        const isFar = Math.abs(this.#positionMs - playedMs) > 120;
        this.#positionMs = isFar ? playedMs : Math.max(playedMs, this.#positionMs);
        this.#reportedMs = playedMs;
      }
      const isSound = isPlaying && this.#positionMs <= this.#writtenEndMs + SLOT_MS;
      const block = Math.floor(this.#positionMs / SLOT_MS) - 1;
      const level = isSound && block >= 0 ? this.#written[block % WRITTEN]! : 0;
      this.#played[(slot - passed + 1 + count) % this.#played.length] = level;
      this.#silentSlots = level > 0 ? 0 : this.#silentSlots + 1;
    }
  }

  /** Whether anything was played lately that could come back. */
  get isAudible(): boolean {
    return this.#silentSlots < WINDOW + MAX_LAG;
  }

  /** The level that was played `ago` slots of 20 ms before the latest update. */
  levelAgo(ago: number): number {
    const size = this.#played.length;
    const at = this.#slot - ago;
    return at < 0 ? 0 : this.#played[(at % size + size) % size]!;
  }
}

/** Compares what one speaker's microphone hears with what the agent says. */
export class EchoGuard {
  readonly #own: OwnVoice;
  readonly #heard = new Float32Array(WINDOW);
  #count = 0;

  constructor(own: OwnVoice) {
    this.#own = own;
  }

  /** Takes the next 20 ms that were heard. */
  push(samples: Int16Array): void {
    this.#heard[this.#count++ % WINDOW] = levelOf(samples);
  }

  /** Whether what was heard follows what the agent says, 0 to 500 ms later. */
  isEcho(): boolean {
    return this.#own.isAudible && this.likeness() >= LIKENESS;
  }

  /** How like the two are at the delay at which they are most alike, -1 to 1. */
  likeness(): number {
    let best = -1;
    for (let lag = 0; lag <= MAX_LAG; lag++) best = Math.max(best, this.#correlation(lag));
    return best;
  }

  #correlation(lag: number): number {
    let sumX = 0, sumY = 0, sumXX = 0, sumYY = 0, sumXY = 0;
    for (let ago = 0; ago < WINDOW; ago++) {
      const at = this.#count - 1 - ago;
      const x = at < 0 ? 0 : this.#heard[at % WINDOW]!;
      const y = this.#own.levelAgo(ago + lag);
      sumX += x;
      sumY += y;
      sumXX += x * x;
      sumYY += y * y;
      sumXY += x * y;
    }
    const spread = (sumXX - sumX * sumX / WINDOW) * (sumYY - sumY * sumY / WINDOW);
    return spread > 1e-12 ? (sumXY - sumX * sumY / WINDOW) / Math.sqrt(spread) : -1;
  }
}
