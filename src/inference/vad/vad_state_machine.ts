/** Options for a {@linkcode VadStateMachine}. */
export interface VadStateMachineOptions {
  /** Probability from which on it is speech: 0 to 1. Default 0.5. */
  threshold?: number;
  /**
   * How much speech it takes to start: shorter sounds are none. Up to half of it may be sound right
   * before, since a VAD is sure of a voice some time after its first sound. Default 150.
   */
  minSpeechMs?: number;
  /** How much silence it takes to stop. Default 200. */
  silenceDurationMs?: number;
}

/** A change in the latest slot: speech started or stopped. */
export type VadChange = "started" | "stopped" | undefined;

/** Sound that began longer ago than a consonant lasts has nothing to do with the word. */
const MAX_SOUND_MS = 200;
/** While speech is being confirmed, each silent slot subtracts this fraction of a speech slot. */
const LEAK = 0.5;

/**
 * Turns probabilities of speech, slot by slot, into the start and stop of speech. Time is that of
 * the slots, so that audio which arrives late and in a burst is judged as it was spoken.
 */
export class VadStateMachine {
  readonly #threshold: number;
  readonly #minSpeechMs: number;
  readonly #silenceDurationMs: number;
  #speechMs = 0;
  #silenceMs = 0;
  #sinceFirstSoundMs = 0;
  /** How long there has been sound that is not speech yet. */
  #soundMs = 0;
  #isSpeech = false;

  constructor(options: VadStateMachineOptions = {}) {
    this.#threshold = options.threshold ?? 0.5;
    this.#minSpeechMs = options.minSpeechMs ?? 150;
    this.#silenceDurationMs = options.silenceDurationMs ?? 200;
  }

  /** Whether speech has started and not stopped. */
  get isSpeech(): boolean {
    return this.#isSpeech;
  }

  /** Whether a sound has begun that may become speech. */
  get isRising(): boolean {
    return !this.#isSpeech && this.#speechMs > 0;
  }

  /** How long it has been silent since the last sound of speech. */
  get silenceMs(): number {
    return this.#silenceMs;
  }

  /** How long ago the first sound of this speech was, as of the latest slot. */
  get sinceFirstSoundMs(): number {
    return this.#sinceFirstSoundMs;
  }

  /**
   * Takes the next slot: how probably it is speech, and whether there is any sound in it that stands
   * out, of whatever kind.
   */
  push(probability: number, slotMs: number, isSound = false): VadChange {
    // A word that fades is still one: less is needed to continue speech than to start it.
    const isSpeech = probability >= (this.#isSpeech ? this.#threshold * 0.7 : this.#threshold);
    if (this.#isSpeech) {
      this.#sinceFirstSoundMs += slotMs;
      this.#silenceMs = isSpeech ? 0 : this.#silenceMs + slotMs;
      if (isSpeech || this.#silenceMs < this.#silenceDurationMs) return undefined;
      this.reset();
      return "stopped";
    }
    if (isSpeech) {
      if (this.#speechMs === 0) {
        this.#speechMs = Math.min(this.#soundMs, this.#minSpeechMs / 2);
        this.#sinceFirstSoundMs = this.#soundMs;
      }
      this.#speechMs += slotMs;
      this.#sinceFirstSoundMs += slotMs;
    } else if (this.#speechMs > 0) {
      this.#speechMs = Math.max(0, this.#speechMs - slotMs * LEAK);
      this.#sinceFirstSoundMs = this.#speechMs === 0 ? 0 : this.#sinceFirstSoundMs + slotMs;
    }
    this.#soundMs = isSound && !isSpeech ? Math.min(this.#soundMs + slotMs, MAX_SOUND_MS) : 0;
    if (this.#speechMs === 0 || this.#speechMs < this.#minSpeechMs) return undefined;
    this.#isSpeech = true;
    this.#silenceMs = 0;
    return "started";
  }

  /** Starts over: the stream has stopped. */
  reset(): void {
    this.#isSpeech = false;
    this.#speechMs = this.#sinceFirstSoundMs = this.#soundMs = 0;
  }
}
