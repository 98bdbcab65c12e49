/** A VAD of the application's, kept from doing harm. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Clock } from "../../events/clock.ts";
import type { VAD, VadStream } from "../contracts/vad.ts";
import { checkMethods } from "../../events/checks.ts";
import {
  attempt,
  type Expected,
  promiseIn,
  type Report,
  UserHook,
} from "../../events/user_code.ts";

/** Options for a {@linkcode SpeakerVad}. */
export interface SpeakerVadInit {
  vad: VAD;
  sampleRate: number;
  clock: Clock;
  report: Report;
}

/** A VAD that takes longer than this for 20 ms is not asked again until it is done. */
const LIMIT_MS = 2000;
/** How long after a VAD could not be opened it is tried again. */
const RETRY_MS = 1000;

const probability: Expected<number> = {
  what: "a probability of speech, 0 to 1",
  is: (value): value is number => typeof value === "number" && value >= 0 && value <= 1,
};

/**
 * The VAD's stream of one speaker. A VAD may not be ready, throw, or hang: there is no probability
 * then, and the caller goes by something else.
 */
export class SpeakerVad implements Disposable {
  readonly #options: SpeakerVadInit;
  readonly #hook: UserHook<PcmChunk>;
  #stream: VadStream | undefined;
  #openAgainAt = -Infinity;
  /** How many calls of the VAD are overdue. */
  #overdue = 0;
  #closed = false;

  constructor(options: SpeakerVadInit) {
    this.#options = options;
    this.#hook = new UserHook<PcmChunk>((pcm) => this.#stream!.process(pcm), {
      ...options,
      context: `${options.vad.name}; loudness decides instead`,
    });
    this.#open();
  }

  /** Returns the probability of speech in the next 20 ms, `undefined` where the VAD has none. */
  process(pcm: PcmChunk): number | undefined | Promise<number | undefined> {
    if (this.#overdue > 0) return undefined;
    if (!this.#stream) this.#open();
    if (!this.#stream) return undefined;
    const result = this.#hook.askLater(pcm, undefined, probability);
    return result instanceof Promise ? this.#limited(result) : result;
  }

  [Symbol.dispose](): void {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#closed = true;
    if (stream) attempt(() => stream[Symbol.dispose]?.(), (error) => this.#hook.fail(error));
  }

  #open(): void {
    const { vad, sampleRate, clock } = this.#options;
    const now = clock.now();
    if (this.#closed || now < this.#openAgainAt) return;
    this.#openAgainAt = now + RETRY_MS;
    try {
      const stream = vad.open({ sampleRate });
      // A promise comes too late for what is being said: a VAD loads its model in `start`.
      promiseIn<unknown>(stream)?.catch(() => {});
      checkMethods(stream, `${vad.name}.open`, "a VadStream", ["process"]);
      this.#stream = stream;
    } catch (error) {
      this.#hook.fail(error);
    }
  }

  #limited(result: Promise<number | undefined>): Promise<number | undefined> {
    return new Promise((resolve) => {
      let isOverdue = false;
      const limit = this.#options.clock.schedule(() => {
        isOverdue = true;
        this.#overdue++;
        const message =
          `${this.#options.vad.name} took more than ${LIMIT_MS} ms for 20 ms of audio`;
        this.#hook.fail(new DOMException(message, "TimeoutError"));
        resolve(undefined);
      }, LIMIT_MS);
      result.then((value) => {
        limit[Symbol.dispose]();
        if (isOverdue) this.#overdue--;
        resolve(value);
      });
    });
  }
}
