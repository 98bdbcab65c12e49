/** A worker whose decisions and jobs are the test's. */
import type {
  AcceptedJob,
  Call,
  CloseReason,
  DeclinedJob,
  JobOffer,
  JobOutcome,
  JobWorker,
  RunningJob,
  WorkerLoad,
} from "@ringline/edge";

/** A job that the worker has taken. */
export class TestJob implements AcceptedJob, RunningJob {
  readonly accepted = true;
  readonly #done = Promise.withResolvers<JobOutcome>();
  readonly ended: Promise<JobOutcome> = this.#done.promise;
  state: "accepted" | "released" | "running" | "ended" = "accepted";
  call: Call | undefined;

  constructor(readonly offer: JobOffer, readonly onStart: (job: TestJob) => void) {}

  start({ call }: { call?: Call } = {}): RunningJob {
    if (this.state !== "accepted") return this;
    this.state = "running";
    this.call = call;
    this.onStart(this);
    return this;
  }

  release(): void {
    if (this.state === "accepted") this.state = "released";
  }

  end(outcome: JobOutcome = { status: "finished", reason: "aborted" }): Promise<JobOutcome> {
    this.state = "ended";
    this.#done.resolve(outcome);
    return this.ended;
  }

  finish(reason: CloseReason): void {
    void this.end({ status: "finished", reason });
  }
}

/** A worker, which takes what it is offered unless the test says otherwise. */
export class TestWorker implements JobWorker {
  readonly jobs: TestJob[] = [];
  readonly reports: string[] = [];
  load: WorkerLoad = {
    load: 0,
    calls: 0,
    maxCalls: Infinity,
    cpu: 0,
    memory: 0,
    declines: undefined,
  };
  /** Answers an offer. */
  answer: (job: TestJob) => Promise<AcceptedJob | DeclinedJob> = (job) => Promise.resolve(job);

  constructor(readonly onStart: (job: TestJob) => void = () => {}) {}

  async offer(offer: JobOffer): Promise<AcceptedJob | DeclinedJob> {
    const job = new TestJob(offer, this.onStart);
    this.jobs.push(job);
    return await this.answer(job);
  }

  report(error: unknown, context: string): void {
    this.reports.push(`${context}: ${(error as { code?: string }).code ?? error}`);
  }
}

/** The answer of a worker that does not take a job. */
export const declined: DeclinedJob = { accepted: false, reason: "calls", message: "too many" };
