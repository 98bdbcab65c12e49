/** Tells which members are mixed: all of them, and in a crowd those who speak. @module */
import { TICK_MS } from "../../audio/grid.ts";
import { meanSquare } from "../../audio/level.ts";

/** So many open microphones are mixed as they are; of more, those without speech stay out. */
const OPEN_MICROPHONES = 4;
/** How long a speaker stays active after their last sound. */
const HANG_MS = 300;
/** How long speech lasts beyond its last sound: longer than the pauses within a sentence. */
const SPEECH_HANG_MS = 800;
/** Mean square below which a frame is silence: about -66 dB of full scale. */
const SILENCE = 16 * 16;
/** How far speech is above the noise of its microphone: 9 dB. */
const ABOVE_NOISE = 8;
/** How fast the estimate of the noise follows louder and quieter frames, per tick. */
const NOISE_RISE = 1.004;
const NOISE_FALL = 0.5;

/** What comes from one member's microphone, and whether they are in the mix. */
export class ActiveSpeaker {
  /** Whether they are in the mix. */
  isSelected = false;
  /** The gain at the end of the previous frame: 0 or 1, except for frames that fade. */
  gain = 0;
  #quietMs = Infinity;
  #wordlessMs = Infinity;
  #noise = SILENCE;

  /** Whether there is sound, or was a moment ago. */
  get isActive(): boolean {
    return this.#quietMs < HANG_MS;
  }

  /** Whether the sound stands out from the noise of its microphone, or did a moment ago. */
  get isSpeaking(): boolean {
    return this.#wordlessMs < SPEECH_HANG_MS;
  }

  /** Takes one tick's frame; `undefined` is silence. */
  hear(frame: Int16Array | undefined): void {
    const energy = frame === undefined ? 0 : meanSquare(frame);
    if (energy > SILENCE) this.#quietMs = 0;
    else this.#quietMs += TICK_MS;
    const noise = this.#noise;
    this.#noise = Math.max(
      SILENCE,
      energy < noise ? Math.max(energy, noise * NOISE_FALL) : Math.min(energy, noise * NOISE_RISE),
    );
    if (energy > ABOVE_NOISE * this.#noise) this.#wordlessMs = 0;
    else this.#wordlessMs += TICK_MS;
  }
}

/**
 * Selects all who are heard, without a limit: no speaker takes another's place. Only where more
 * microphones are open than that, those without speech stay out, since their noise adds up.
 */
export function selectSpeakers(speakers: readonly ActiveSpeaker[]): void {
  let open = 0;
  for (const speaker of speakers) if (speaker.isActive) open++;
  const isCrowd = open > OPEN_MICROPHONES;
  for (const speaker of speakers) {
    speaker.isSelected = isCrowd ? speaker.isSpeaking : speaker.isActive;
  }
}
