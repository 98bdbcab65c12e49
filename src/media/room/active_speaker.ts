/** Who is loud enough to be mixed. @module */
import { TICK_MS } from "../../audio/grid.ts";
import { meanSquare } from "../../audio/level.ts";

/** The most people that are mixed at once: more are not understood anyway. */
export const MAX_ACTIVE_SPEAKERS = 4;
/** A speaker stays active for so long after the last sound. */
const HANG_MS = 300;
/** Mean square below which a frame is no sound: about -66 dB of full scale. */
const SILENCE = 16 * 16;
/** Loudness follows what is heard by this much a tick, and gives way slowly. */
const ATTACK = 0.5;
const RELEASE = 0.05;
/** Who is in the mix is replaced only by someone clearly louder: 3 dB. */
const HYSTERESIS = 2;

/** How loud one member was, and whether he is in the mix. */
export class ActiveSpeaker {
  /** Mean square, smoothed. */
  loudness = 0;
  /** Whether he is among those who are mixed. */
  isSelected = false;
  /** The gain at the end of the frame before: 0 or 1 but for the frames that fade. */
  gain = 0;
  #quietMs = Infinity;

  /** Whether he speaks, or did a moment ago. */
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
