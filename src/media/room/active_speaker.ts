/** Chooses which members are loud enough to be mixed. @module */
import { TICK_MS } from "../../audio/grid.ts";
import { meanSquare } from "../../audio/level.ts";

/** The maximum number of mixed speakers: more are unintelligible anyway. */
export const MAX_ACTIVE_SPEAKERS = 4;
/** How long a speaker stays active after their last sound. */
const HANG_MS = 300;
/** Mean square below which a frame is silence: about -66 dB of full scale. */
const SILENCE = 16 * 16;
/** Loudness rises by this share of the difference per tick, and falls more slowly. */
const ATTACK = 0.5;
const RELEASE = 0.05;
/** A mixed speaker is replaced only by one who is clearly louder: 3 dB. */
const HYSTERESIS = 2;

/** How loud one member is, and whether they are in the mix. */
export class ActiveSpeaker {
  /** Mean square, smoothed. */
  loudness = 0;
  /** Whether they are in the mix. */
  isSelected = false;
  /** The gain at the end of the previous frame: 0 or 1, except for frames that fade. */
  gain = 0;
  #quietMs = Infinity;

  /** Whether they speak, or did a moment ago. */
  get isActive(): boolean {
    return this.#quietMs < HANG_MS;
  }

  /** Takes one tick's frame; `undefined` is silence. */
  hear(frame: Int16Array | undefined): void {
    const energy = frame === undefined ? 0 : meanSquare(frame);
    this.loudness += (energy - this.loudness) * (energy > this.loudness ? ATTACK : RELEASE);
    if (energy > SILENCE) this.#quietMs = 0;
    else this.#quietMs += TICK_MS;
  }
}

/** Chooses the loudest active speakers. */
export function selectSpeakers(speakers: readonly ActiveSpeaker[]): void {
  const chosen = speakers.filter((speaker) => speaker.isActive);
  if (chosen.length > MAX_ACTIVE_SPEAKERS) {
    chosen.sort((a, b) => rank(b) - rank(a));
    chosen.length = MAX_ACTIVE_SPEAKERS;
  }
  for (const speaker of speakers) speaker.isSelected = chosen.includes(speaker);
}

function rank(speaker: ActiveSpeaker): number {
  return speaker.loudness * (speaker.isSelected ? HYSTERESIS : 1);
}
