/** The silence that a service needs to hear that a turn is over. @module */
import type { Clock } from "../../../events/clock.ts";

/** A pause in the audio that is longer than this is no jitter: none comes for now. */
const GAP_MS = 200;
const STEP_MS = 20;
/** A service notices speech within this time. */
const NOTICE_MS = 1000;
/** The silence after which the turn is ended for the service. */
const LIMIT_MS = 2000;

/** What {@linkcode TrailingSilence} needs. */
export interface TrailingSilenceInit {
  clock: Clock;
  /** Sends 20 ms of silence. */
  send: () => void;
  /** Ends the turn: the service has not noticed that it is over. */
  commit: () => void;
}

/**
 * Sends silence where the audio stops in the middle of speech, since a participant muted themselves,
 * left, or lost their network: a service that detects turns by silence would wait for it forever. It
 * ends when the service says that speech has stopped, or else with the end of the turn.
 */
export class TrailingSilence implements Disposable {
  readonly #init: TrailingSilenceInit;
  #isSpeech = false;
  #lastAudioMs = 0;
  #lastSoundMs = -Infinity;
  /** Silence that was sent since the last audio. */
  #sentMs = 0;
  #timer: Disposable | undefined;

  constructor(init: TrailingSilenceInit) {
    this.#init = init;
  }

  /** Audio was sent; `isSpeech`: there is, or may be, speech in it. */
  audioSent(isSpeech: boolean): void {
    this.#lastAudioMs = this.#init.clock.now();
    this.#sentMs = 0;
    if (isSpeech) this.#lastSoundMs = this.#lastAudioMs;
    if (isSpeech || this.#isSpeech) this.#watch(GAP_MS);
  }

  /** The service hears speech. */
  speechStarted(): void {
    this.#isSpeech = true;
    this.#watch(GAP_MS);
  }

  /** The service hears no more speech. */
  speechStopped(): void {
    this.#isSpeech = false;
    this.#lastSoundMs = -Infinity;
    this.#stop();
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  #watch(ms: number): void {
    this.#timer ??= this.#init.clock.schedule(() => {
      this.#timer = undefined;
      this.#step();
    }, ms);
  }

  #stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #step(): void {
    const { clock, send, commit } = this.#init;
    const gapMs = clock.now() - this.#lastAudioMs;
    const isExpected = this.#isSpeech || clock.now() - this.#lastSoundMs < NOTICE_MS;
    if (!isExpected) return;
    if (gapMs < GAP_MS) return this.#watch(GAP_MS - gapMs);
    if (gapMs >= LIMIT_MS) {
      this.speechStopped();
      return commit();
    }
    for (; this.#sentMs + STEP_MS <= gapMs; this.#sentMs += STEP_MS) send();
    this.#watch(STEP_MS);
  }
}
