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

/** What a {@linkcode SpeakerVad} works with. */
export interface SpeakerVadOptions {
  vad: VAD;
  sampleRate: number;
  clock: Clock;
  report: Report;
}

/** A detector that takes longer than this for 20 ms is left behind until it is done. */
const LIMIT_MS = 2000;
/** One that could not be opened is tried again after so long. */
const RETRY_MS = 1000;

const probability: Expected<number> = {
  what: "a probability of speech, 0 to 1",
  is: (value): value is number => typeof value === "number" && value >= 0 && value <= 1,
};

/**
 * A detector as one speaker is heard by it. It may not be ready, throw, or hang: it says nothing
 * then, and whoever asks goes by something else.
 */
export class SpeakerVad implements Disposable {
  readonly #options: SpeakerVadOptions;
  readonly #hook: UserHook<PcmChunk>;
  #stream: VadStream | undefined;
  #openAgainAt = -Infinity;
  /** Replies that are late. */
  #late = 0;
  #closed = false;

  constructor(options: SpeakerVadOptions) {
    this.#options = options;
    this.#hook = new UserHook<PcmChunk>((pcm) => this.#stream!.process(pcm), {
      ...options,
      context: `${options.vad.name}, instead of which loudness decides`,
    });
    this.#open();
  }

  /** The probability of speech in the next 20 ms; `undefined` where the detector does not say. */
  process(pcm: PcmChunk): number | undefined | Promise<number | undefined> {
    if (this.#late > 0) return undefined;
    if (!this.#stream) this.#open();
    if (!this.#stream) return undefined;
    const answer = this.#hook.askLater(pcm, undefined, probability);
    return answer instanceof Promise ? this.#limited(answer) : answer;
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
      // One that comes later would have missed what was said: a model is loaded by `start`.
      promiseIn<unknown>(stream)?.catch(() => {});
      checkMethods(stream, `${vad.name}.open`, "a VadStream", ["process"]);
      this.#stream = stream;
    } catch (error) {
      this.#hook.fail(error);
    }
  }

  #limited(answer: Promise<number | undefined>): Promise<number | undefined> {
    return new Promise((resolve) => {
      let isLate = false;
      const limit = this.#options.clock.schedule(() => {
        isLate = true;
        this.#late++;
        const message =
          `${this.#options.vad.name} took more than ${LIMIT_MS} ms for 20 ms of audio`;
        this.#hook.fail(new DOMException(message, "TimeoutError"));
        resolve(undefined);
      }, LIMIT_MS);
      answer.then((value) => {
        limit[Symbol.dispose]();
        if (isLate) this.#late--;
        resolve(value);
      });
    });
  }
}
