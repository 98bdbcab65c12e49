/** Calls one processor with audio. @module */
import type { ParticipantAudio } from "../edge/participant_audio.ts";
import type { Clock } from "../events/clock.ts";
import { type Report, UserHook } from "../events/user_code.ts";

/** A processor that takes longer than this for 20 ms of audio is skipped until it is done. */
const PROCESSOR_LIMIT_MS = 5000;

const TRANSFERRED = "expected samples, but another processor has transferred their " +
  "buffer after a wait: transfer a copy, pcm.clone()";

/** Calls one processor with audio, and isolates its failures and delays from the others. */
export class ProcessorRunner implements Disposable {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #report: Report;
  readonly #hook: UserHook<ParticipantAudio>;
  #stuck = false;
  #limit: Disposable | undefined;

  /** @param process the processor's method for this audio */
  constructor(
    name: string,
    process: (audio: ParticipantAudio) => void | Promise<void>,
    options: { clock: Clock; report: Report },
  ) {
    this.#name = name;
    this.#clock = options.clock;
    this.#report = options.report;
    this.#hook = new UserHook<ParticipantAudio>(process, {
      ...options,
      context: `processor ${name}`,
    });
  }

  /**
   * Calls the processor with the audio of a row, one participant after another. Returns a promise if
   * the processor is not done yet. It never rejects, and resolves with whether the processor timed
   * out and still holds its view.
   */
  run(row: readonly ParticipantAudio[]): Promise<boolean> | undefined {
    return this.#stuck ? undefined : this.#runFrom(row, 0);
  }

  [Symbol.dispose](): void {
    this.#limit?.[Symbol.dispose]();
  }

  #runFrom(row: readonly ParticipantAudio[], first: number): Promise<boolean> | undefined {
    for (let index = first; index < row.length; index++) {
      if (row[index]!.pcm.samples.length === 0) {
        this.#hook.fail(new TypeError(TRANSFERRED));
        continue;
      }
      const pending = this.#hook.run(row[index]!);
      if (pending) return this.#wait(pending, row, index + 1);
    }
    return undefined;
  }

  /** Waits for the processor, up to the limit, and goes on with the rest of the row. */
  #wait(pending: Promise<void>, row: readonly ParticipantAudio[], next: number): Promise<boolean> {
    return new Promise((resolve) => {
      const limit = this.#limit = this.#clock.schedule(() => {
        this.#stuck = true;
        this.#report(
          new DOMException(
            `processor ${this.#name} took more than ${PROCESSOR_LIMIT_MS} ms for 20 ms ` +
              "of audio; it receives no audio until it is done",
            "TimeoutError",
          ),
          `processor ${this.#name}`,
        );
        resolve(true);
      }, PROCESSOR_LIMIT_MS);
      pending.then(() => {
        limit[Symbol.dispose]();
        if (this.#stuck) this.#stuck = false;
        else resolve(this.#runFrom(row, next) ?? false);
      });
    });
  }
}
