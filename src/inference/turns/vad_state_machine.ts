/** How a {@linkcode VadStateMachine} decides. */
export interface VadStateMachineOptions {
  /** Probability from which on it is speech: 0 to 1. Default 0.5. */
  threshold?: number;
  /**
   * So much speech opens the gate: shorter sounds are none. Up to half of it may be sound right
   * before, since detectors are sure of a voice some time after its first sound. Default 150.
   */
  minSpeechMs?: number;
  /** So much silence closes it. Default 200. */
  silenceDurationMs?: number;
}

/** What a {@linkcode VadStateMachine} found in the latest slot. */
export type VadChange = "opened" | "closed" | undefined;

/** Sound that began longer ago than a consonant lasts has nothing to do with the word. */
const MOST_SOUND_MS = 200;
/** Within a beginning word silence costs this share of what speech brings. */
const LEAK = 0.5;

/**
 * Makes "he speaks" and "he paused" of probabilities, slot by slot. Time is that of the slots, so
 * that audio which comes late and at once is judged as it was spoken.
 */
export class VadStateMachine {
  readonly #threshold: number;
  readonly #minSpeechMs: number;
  readonly #silenceDurationMs: number;
  #speechMs = 0;
  #silenceMs = 0;
  #sinceFirstMs = 0;
  /** How long there has been sound that is not speech yet. */
  #soundMs = 0;
  #open = false;

  constructor(options: VadStateMachineOptions = {}) {
    this.#threshold = options.threshold ?? 0.5;
    this.#minSpeechMs = options.minSpeechMs ?? 150;
    this.#silenceDurationMs = options.silenceDurationMs ?? 200;
  }

  /** Whether he speaks. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Whether a sound has begun that may become speech. */
  get isRising(): boolean {
    return !this.#open && this.#speechMs > 0;
  }

  /** How long it has been silent since the last sound of speech. */
  get silenceMs(): number {
    return this.#silenceMs;
  }

  /** How long ago the first sound was that opened the gate, as of the latest slot. */
  get sinceFirstMs(): number {
    return this.#sinceFirstMs;
  }

  /**
   * Takes the next slot: how probably it is speech, and whether there is any sound in it that stands
   * out, of whatever kind.
   */
  push(probability: number, slotMs: number, isSound = false): VadChange {
    // A word that fades is still one: it takes less to stay open than to open.
    const isSpeech = probability >= (this.#open ? this.#threshold * 0.7 : this.#threshold);
    if (this.#open) {
      this.#sinceFirstMs += slotMs;
      this.#silenceMs = isSpeech ? 0 : this.#silenceMs + slotMs;
      if (isSpeech || this.#silenceMs < this.#silenceDurationMs) return undefined;
      this.close();
      return "closed";
    }
    if (isSpeech) {
      if (this.#speechMs === 0) {
        this.#speechMs = Math.min(this.#soundMs, this.#minSpeechMs / 2);
        this.#sinceFirstMs = this.#soundMs;
      }
      this.#speechMs += slotMs;
      this.#sinceFirstMs += slotMs;
    } else if (this.#speechMs > 0) {
      this.#speechMs = Math.max(0, this.#speechMs - slotMs * LEAK);
      this.#sinceFirstMs = this.#speechMs === 0 ? 0 : this.#sinceFirstMs + slotMs;
    }
    this.#soundMs = isSound && !isSpeech ? Math.min(this.#soundMs + slotMs, MOST_SOUND_MS) : 0;
    if (this.#speechMs === 0 || this.#speechMs < this.#minSpeechMs) return undefined;
    this.#open = true;
    this.#silenceMs = 0;
    return "opened";
  }

  /** Begins anew: the stream has stopped. */
  close(): void {
    this.#open = false;
    this.#speechMs = this.#sinceFirstMs = this.#soundMs = 0;
  }
}
