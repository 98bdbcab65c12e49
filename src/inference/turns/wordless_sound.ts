/** Sound that goes on after the last word, such as a fan's or a radio's. @module */
import type { Clock } from "../../events/clock.ts";

/** Options for a {@linkcode WordlessSound}. */
export interface WordlessSoundInit {
  clock: Clock;
  /** Has the recogniser return the text so far; resolves when it has. */
  commit: () => Promise<void>;
  /** Called when no new words have come for some seconds; `isFinal`: the text so far is. */
  onWordless: (options: { isFinal: boolean }) => void;
}

/** Where the recogniser returns words as they are spoken, so long without a new one is the end. */
const INTERIM_MS = 3000;
/** Where it does not, it is asked after so much sound without a pause, which speech seldom is. */
const FIRST_ASKED_MS = 8000;
/** The words may have ended shortly before it was asked: it is asked again. */
const ASKED_AGAIN_MS = 5000;

/** Notices that no new words come although the VAD says that there is speech. */
export class WordlessSound {
  readonly #init: WordlessSoundInit;
  #timer: Disposable | undefined;
  #isSounding = false;
  #hasInterimText = false;
  /** Whether words have come since the recogniser was asked last. */
  #hasNewWords = false;

  constructor(init: WordlessSoundInit) {
    this.#init = init;
  }

  /** The VAD says that there is speech. */
  soundStarted(): void {
    this.#isSounding = true;
    this.#hasNewWords = false;
    this.#wait();
  }

  /** New words came; `interim` says whether the recogniser returns them as they are spoken. */
  wordsCame({ interim }: { interim: boolean }): void {
    this.#hasNewWords = true;
    this.#hasInterimText ||= interim;
    if (this.#isSounding && this.#hasInterimText) this.#wait();
  }

  /** The VAD says that there is silence, or there is no audio. */
  soundStopped(): void {
    this.#isSounding = false;
    this.#timer?.[Symbol.dispose]();
  }

  #wait(ms = this.#hasInterimText ? INTERIM_MS : FIRST_ASKED_MS): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#init.clock.schedule(() => {
      if (this.#hasInterimText) this.#init.onWordless({ isFinal: false });
      else void this.#ask();
    }, ms);
  }

  async #ask(): Promise<void> {
    this.#hasNewWords = false;
    const asking = this.#timer;
    await this.#init.commit();
    // It may have paused meanwhile, or begun again.
    if (!this.#isSounding || this.#timer !== asking) return;
    const { onWordless } = this.#init;
    const hadNewWords = this.#hasNewWords;
    this.#wait(hadNewWords ? ASKED_AGAIN_MS : FIRST_ASKED_MS);
    if (!hadNewWords) onWordless({ isFinal: true });
  }
}
