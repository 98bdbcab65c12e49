/** Filters of what an agent hears: they change participants' audio before anything else hears it. @module */
import type { Participant } from "../edge/types.ts";
import { promiseIn, type Report, UserHook } from "../events/user_code.ts";
import type { Clock } from "../events/clock.ts";
import { checkMethods } from "../events/checks.ts";

/**
 * Changes each participant's audio before the speaker filter, the processors, the VAD and the
 * recogniser hear it: removes noise, for instance, or sets the level. `AudioReceivedEvent` carries the
 * audio as it came.
 *
 * @example Half as loud
 * ```ts
 * import type { InputFilter } from "@ringline/edge";
 *
 * const quieter: InputFilter = {
 *   name: "quieter",
 *   open: () => ({
 *     process: (samples) => samples.forEach((value, at) => samples[at] = value / 2),
 *     [Symbol.dispose]() {},
 *   }),
 * };
 * ```
 */
export interface InputFilter {
  /** Names the filter in errors. */
  readonly name: string;
  /**
   * Opens a stream for one track of one participant, without waiting; streams share nothing. Where it
   * throws, the track is heard unfiltered, and the failure is reported.
   *
   * @param options.sampleRate samples per second, the agent's
   */
  open(options: {
    readonly sampleRate: number;
    readonly participant: Participant;
  }): InputFilterStream;
}

/** A filter at work on one track. */
export interface InputFilterStream extends Disposable {
  /**
   * Changes the next 20 ms, mono, in place: the view is valid during the call only. Where it throws, or
   * returns a promise, these 20 ms are heard as they were before it, and the failure is reported.
   */
  process(samples: Int16Array): void;
}

/** Throws a TypeError unless these are input filters. */
export function checkInputFilters(filters: unknown): void {
  if (filters === undefined) return;
  if (!Array.isArray(filters)) throw new TypeError("inputFilters: expected an array of filters");
  for (const [index, filter] of filters.entries()) {
    checkMethods(filter, `inputFilters[${index}]`, "an InputFilter", ["open"]);
  }
}

/** The filters of an agent at work on one track, one after the other. */
export class InputFilterChain implements Disposable {
  readonly #streams: { stream: InputFilterStream; hook: UserHook }[] = [];
  readonly #before: Int16Array;
  readonly #report: Report;

  constructor(
    filters: readonly InputFilter[],
    options: {
      sampleRate: number;
      participant: Participant;
      slotSamples: number;
      clock: Clock;
      report: Report;
    },
  ) {
    const { sampleRate, participant, slotSamples, clock, report } = options;
    this.#before = new Int16Array(slotSamples);
    this.#report = report;
    for (const filter of filters) {
      try {
        const stream = filter.open({ sampleRate, participant });
        checkMethods(stream, `${filter.name}.open()`, "an InputFilterStream", ["process"]);
        const context = `the input filter ${filter.name}; the audio is heard without it`;
        this.#streams.push({ stream, hook: new UserHook(() => {}, { clock, report, context }) });
      } catch (error) {
        report(error, `the input filter ${filter.name}; ${participant.id} is heard without it`);
      }
    }
  }

  /** Changes these samples in place. */
  process(samples: Int16Array): void {
    for (const { stream, hook } of this.#streams) {
      this.#before.set(samples);
      try {
        const promise = promiseIn(stream.process(samples) as unknown);
        if (!promise) continue;
        promise.catch(() => {});
        throw new TypeError("expected process() to change the samples in place, got a promise");
      } catch (error) {
        samples.set(this.#before);
        hook.fail(error);
      }
    }
  }

  [Symbol.dispose](): void {
    for (const { stream } of this.#streams.splice(0)) {
      try {
        stream[Symbol.dispose]?.();
      } catch (error) {
        this.#report(error, "closing an input filter");
      }
    }
  }
}
