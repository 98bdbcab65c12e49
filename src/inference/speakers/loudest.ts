/** A speaker filter that lets the loudest speak. @module */
import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { Participant } from "../../edge/types.ts";
import { checkOptions, shown } from "../../events/checks.ts";
import { rms } from "../../audio/level.ts";
import { OneAtATime } from "./one_at_a_time.ts";
import type { SpeakerFilter } from "./speaker_filter.ts";

/** Options for {@linkcode loudest}. */
export interface LoudestOptions {
  /** How much louder another participant must be to be heard instead, in dB. Default 6. */
  marginDb?: number;
}

/** How much of the level before is left after 20 ms: a word is as loud as its vowels. */
const FADE = 0.9;
/** A level below this is silence. */
const SILENCE = 0.002;

/**
 * Returns a filter that passes only the loudest participant, until another one is clearly louder.
 *
 * @example
 * ```ts
 * import { loudest } from "@ringline/edge";
 *
 * const speakerFilter = loudest({ marginDb: 10 });
 * console.log(speakerFilter); // new Agent({ ..., speakerFilter })
 * ```
 *
 * @throws {RangeError} `marginDb` is negative, or no number.
 */
export function loudest(options: LoudestOptions = {}): SpeakerFilter {
  checkOptions(
    options,
    "options",
    { marginDb: true },
    "an object like { marginDb: 6 }, or nothing",
  );
  const { marginDb = 6 } = options;
  if (!(typeof marginDb === "number" && marginDb >= 0)) {
    throw new RangeError(`marginDb: expected a number >= 0, got ${shown(marginDb)}`);
  }
  return new Loudest(marginDb);
}

class Loudest extends OneAtATime {
  readonly #margin: number;
  readonly #levels = new Map<string, number>();
  #current: string | undefined;

  constructor(marginDb: number) {
    super();
    this.#margin = 10 ** (marginDb / 20);
  }

  override participantLeft(participant: Participant): void {
    this.#levels.delete(participant.id);
    if (this.#current === participant.id) this.#current = undefined;
  }

  protected override judge(row: readonly ParticipantAudio[]): string | undefined {
    for (const [id, level] of this.#levels) this.#levels.set(id, level * FADE);
    for (const { participant, pcm } of row) {
      const before = this.#levels.get(participant.id) ?? 0;
      this.#levels.set(participant.id, Math.max(before, rms(pcm.samples)));
    }
    let best = this.#current;
    let most = best === undefined ? 0 : (this.#levels.get(best) ?? 0) * this.#margin;
    for (const [id, level] of this.#levels) {
      if (id !== this.#current && level > Math.max(most, SILENCE)) [best, most] = [id, level];
    }
    return this.#current = best;
  }
}
