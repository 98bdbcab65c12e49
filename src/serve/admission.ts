/** Which jobs a worker takes: it keeps a place for each that it has accepted. @module */
import type { Call } from "../edge/call.ts";
import type {
  AcceptedJob,
  DeclinedJob,
  DeclineReason,
  JobOffer,
  RunningJob,
  WorkerLoad,
} from "../edge/jobs.ts";
import { EdgeError } from "../edge/errors.ts";
import { checkText } from "../edge/validation.ts";
import { checkMethods, checkObject, shown } from "../events/checks.ts";
import type { Clock } from "../events/clock.ts";
import { describeError } from "../events/error_text.ts";
import { promised, type Report } from "../events/user_code.ts";
import { waitFor } from "../events/waiting.ts";
import { declineMessage } from "./limits.ts";
import type { ServeOptions } from "./serve_options.ts";

/** Limit for the `accept` hook. */
const ACCEPT_MS = 5000;
/** How long a place is kept that its source neither starts nor releases. */
const PLACE_MS = 30_000;

/** What {@linkcode Admission} needs. */
export interface AdmissionInit extends Pick<ServeOptions, "accept"> {
  clock: Clock;
  report: Report;
  load: () => WorkerLoad;
  /** Whether a job of this id runs. */
  isRunning: (id: string) => boolean;
  onDeclined: (offer: JobOffer, reason: DeclineReason, message: string) => void;
  /** Called after the number of places has changed. */
  onChange: () => void;
  start: (offer: JobOffer, call: Call | undefined) => RunningJob;
}

/** A job that is not taken. */
export interface Refusal extends DeclinedJob {
  /** Whether the same job would be declined again: the application does not want it, or it runs. */
  readonly isFinal: boolean;
}

/** Answers the offers of sources. */
export class Admission implements Disposable {
  readonly #init: AdmissionInit;
  /** Ids of jobs that have a place and have not started. */
  readonly #places = new Set<string>();
  /** What frees places whose sources have forgotten them. */
  readonly #timers = new Set<Disposable>();

  constructor(init: AdmissionInit) {
    this.#init = init;
  }

  /** How many jobs have a place and have not started. */
  get places(): number {
    return this.#places.size;
  }

  /** Answers an offer. Never rejects. */
  async offer(offer: JobOffer): Promise<AcceptedJob | Refusal> {
    const { report, load, isRunning, onDeclined, onChange } = this.#init;
    try {
      checkOffer(offer);
    } catch (error) {
      report(error, "a job that a source offered");
      const message = describeError(error);
      return { accepted: false, reason: "application", message, isFinal: true };
    }
    const decline = (reason: DeclineReason, message: string, isFinal = false): Refusal => {
      onDeclined(offer, reason, message);
      return { accepted: false, reason, message, isFinal };
    };
    const { id } = offer;
    const before = load();
    if (before.declines) return decline(before.declines, declineMessage(before));
    if (isRunning(id) || this.#places.has(id)) {
      return decline("duplicate", `the worker has a job ${shown(id)} already`, true);
    }
    // Kept while the application is asked, or it would be given away meanwhile.
    this.#places.add(id);
    onChange();
    const refusal = await this.#refusal(offer);
    const after = load();
    if (refusal === undefined && after.declines !== "draining") return this.#place(offer);
    this.#release(id);
    return refusal === undefined
      ? decline("draining", declineMessage(after))
      : decline("application", refusal.message, refusal.isFinal);
  }

  /** Asks the application; returns why it does not want the job. */
  async #refusal(
    offer: JobOffer,
  ): Promise<Pick<Refusal, "message" | "isFinal"> | undefined> {
    const { accept, clock, report } = this.#init;
    if (!accept) return undefined;
    try {
      const limit = { timeoutMs: ACCEPT_MS, clock };
      const answer = await waitFor(promised(() => accept(offer)), "the answer of accept", limit);
      if (typeof answer !== "boolean") {
        throw new TypeError(`accept: expected true or false, got ${shown(answer)}`);
      }
      return answer
        ? undefined
        : { message: "the application does not take this job", isFinal: true };
    } catch (error) {
      report(error, `accept of ${offer.callId}`);
      return { message: "the application could not decide", isFinal: false };
    }
  }

  #place(offer: JobOffer): AcceptedJob {
    const { id } = offer;
    const { clock, report, start } = this.#init;
    let run: RunningJob | undefined;
    let isUsed = false;
    /** Whether this is the first use of the place. */
    const use = (): boolean => {
      if (isUsed) return false;
      timer[Symbol.dispose]();
      this.#timers.delete(timer);
      return isUsed = true;
    };
    const timer = clock.schedule(() => {
      if (!use()) return;
      this.#release(id);
      report(new Error(`no start and no release within ${PLACE_MS} ms`), `the place of ${id}`);
    }, PLACE_MS);
    this.#timers.add(timer);
    return {
      accepted: true,
      start: ({ call } = {}) => {
        if (use()) {
          this.#places.delete(id);
          run = start(offer, call);
        }
        return run ?? givenBack(id);
      },
      release: () => {
        if (use()) this.#release(id);
      },
    };
  }

  /** Forgets no place: one may be used later, and is not freed any more. */
  [Symbol.dispose](): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#timers.clear();
  }

  #release(id: string): void {
    if (this.#places.delete(id)) this.#init.onChange();
  }
}

/** A job that does not run: its place was released, or has expired. */
function givenBack(id: string): RunningJob {
  const error = new EdgeError(`the place of ${shown(id)} was given back: offer the job again`, {
    code: "worker-released",
    retryable: true,
  });
  const ended = Promise.resolve({ status: "failed", error } as const);
  return { ended, end: () => ended };
}

/** Throws a TypeError unless a job can be run. */
export function checkOffer(offer: JobOffer): void {
  checkObject(offer, "job", "an object like { id, edge, callId }");
  checkText(offer.id, "job.id");
  checkText(offer.callId, "job.callId");
  if (offer.callType !== undefined) checkText(offer.callType, "job.callType");
  checkMethods(offer.edge, "job.edge", "an EdgeTransport", ["createCall", "join"]);
  if (offer.user === undefined) return;
  checkObject(offer.user, "job.user", "an object like { id, name }");
  checkText(offer.user.id, "job.user.id");
  if (offer.user.name !== undefined) checkText(offer.user.name, "job.user.name");
}
