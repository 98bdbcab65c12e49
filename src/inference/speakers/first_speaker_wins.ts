/** A speaker filter that lets one speak to their end. @module */
import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { Participant } from "../../edge/types.ts";
import type { VAD, VadStream } from "../contracts/vad.ts";
import { checkMethods, checkOptions, shown } from "../../events/checks.ts";
import { checkClock, type Clock, systemClock } from "../../events/clock.ts";
import { describeError } from "../../events/error_text.ts";
import { consoleLogger, guardedLogger, type Logger } from "../../events/logger.ts";
import { energyVad } from "../vad/energy_vad.ts";
import { neuralVad } from "../vad/neural_vad.ts";
import { SpeakerVad } from "../vad/speaker_vad.ts";
import { rms } from "../../audio/level.ts";
import { OneAtATime } from "./one_at_a_time.ts";
import type { SpeakerFilter } from "./speaker_filter.ts";

/** Options for {@linkcode firstSpeakerWins}. */
export interface FirstSpeakerOptions {
  /** Tells who speaks. Default: {@linkcode neuralVad}, which hears in noise. */
  vad?: VAD;
  /** Silence of the speaker, in milliseconds, after which another one is heard. Default 1500. */
  releaseMs?: number;
  /** The clock. Default: the system's. */
  clock?: Clock;
  /**
   * Gets a warning when the detector fails; loudness decides then. Default: the console, at most
   * once a second.
   */
  logger?: Logger;
}

/**
 * Returns a filter that passes the participant who speaks; the others pass once the speaker has been
 * silent for `releaseMs`. While no participant speaks all pass: it keeps order, and excludes none.
 *
 * @example
 * ```ts
 * import { firstSpeakerWins } from "@ringline/edge";
 *
 * const speakerFilter = firstSpeakerWins({ releaseMs: 1000 });
 * console.log(speakerFilter); // new Agent({ ..., speakerFilter })
 * ```
 */
export function firstSpeakerWins(options: FirstSpeakerOptions = {}): SpeakerFilter {
  return new FirstSpeakerWins(options);
}

/** The probability from which on it is speech. */
const THRESHOLD = 0.5;

interface SpeakerState {
  readonly vad: SpeakerVad;
  /** Decides where the detector does not. */
  readonly loudness: VadStream;
  probability: number;
  level: number;
  /** When they were last heard. */
  heldMs: number;
  /** Since when they have been trying to speak while another participant was heard. */
  waitingSinceMs: number;
}

class FirstSpeakerWins extends OneAtATime {
  readonly #vad: VAD;
  readonly #releaseMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #speakers = new Map<string, SpeakerState>();
  #holder: string | undefined;

  constructor(options: FirstSpeakerOptions) {
    super();
    checkOptions(
      options,
      "options",
      { vad: true, releaseMs: true, clock: true, logger: true },
      "an object like { releaseMs: 1500 }, or nothing",
    );
    this.#vad = options.vad ?? neuralVad();
    checkMethods(this.#vad, "vad", "a VAD, e.g. neuralVad()", ["open"]);
    this.#releaseMs = options.releaseMs ?? 1500;
    this.#clock = options.clock ?? systemClock;
    checkClock(this.#clock);
    this.#logger = guardedLogger(options.logger ?? consoleLogger, this.#clock);
    if (!(typeof this.#releaseMs === "number" && this.#releaseMs >= 0)) {
      throw new RangeError(`releaseMs: expected a number >= 0, got ${shown(this.#releaseMs)}`);
    }
  }

  override participantLeft({ id }: Participant): void {
    this.#speakers.get(id)?.vad[Symbol.dispose]();
    this.#speakers.delete(id);
    if (this.#holder === id) this.#holder = undefined;
  }

  protected override judge(row: readonly ParticipantAudio[]): string | undefined {
    const now = this.#clock.now();
    for (const audio of row) this.#listen(audio);
    const holder = this.#holder === undefined ? undefined : this.#speakers.get(this.#holder);
    if (holder) {
      const isHere = row.some(({ participant }) => participant.id === this.#holder);
      if (isHere && holder.probability > THRESHOLD) holder.heldMs = now;
      if (now - holder.heldMs >= this.#releaseMs) this.#holder = undefined;
    }
    const trying = row.filter(({ participant: { id } }) =>
      id !== this.#holder && this.#speakers.get(id)!.probability > THRESHOLD
    );
    if (this.#holder === undefined) this.#holder = this.#next(trying);
    if (this.#holder === undefined) return undefined;
    for (const { participant: { id } } of trying) {
      const speaker = this.#speakers.get(id)!;
      if (id !== this.#holder) speaker.waitingSinceMs = Math.min(speaker.waitingSinceMs, now);
    }
    return this.#holder;
  }

  #listen({ participant, pcm }: ParticipantAudio): void {
    let speaker = this.#speakers.get(participant.id);
    if (!speaker) {
      const { sampleRate } = pcm;
      speaker = {
        vad: new SpeakerVad({
          vad: this.#vad,
          sampleRate,
          clock: this.#clock,
          report: (error, context) => this.#logger.warn(`${context}: ${describeError(error)}`),
        }),
        loudness: energyVad().open({ sampleRate }),
        probability: 0,
        level: 0,
        heldMs: -Infinity,
        waitingSinceMs: Infinity,
      };
      this.#speakers.set(participant.id, speaker);
    }
    speaker.level = rms(pcm.samples);
    // A detector that returns a promise is a moment behind; by then the view holds other samples.
    const loudness = speaker.loudness.process(pcm) as number;
    const result = speaker.vad.process(pcm.clone());
    if (!(result instanceof Promise)) speaker.probability = result ?? loudness;
    else result.then((later) => speaker.probability = later ?? loudness);
  }

  /** The one who has waited longest; else the one heard the longest ago; else the loudest. */
  #next(trying: readonly ParticipantAudio[]): string | undefined {
    const ranked = trying
      .map(({ participant: { id } }) => ({ id, ...this.#speakers.get(id)! }))
      .sort((a, b) =>
        compare(a.waitingSinceMs, b.waitingSinceMs) || compare(a.heldMs, b.heldMs) ||
        b.level - a.level
      );
    const id = ranked[0]?.id;
    if (id === undefined) return undefined;
    const speaker = this.#speakers.get(id)!;
    speaker.heldMs = this.#clock.now();
    speaker.waitingSinceMs = Infinity;
    return id;
  }
}

/** Like `a - b`, also of infinite numbers. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
