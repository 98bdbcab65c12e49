/** The contract of a source whose jobs workers share. @module */
import type { Call } from "../edge/call.ts";
import type { JobOffer, JobSource } from "../edge/jobs.ts";

/** A source whose jobs outlive the worker that has them. */
export interface ShareableJobs extends JobSource {
  /** Identifies a job among all workers. Default: the offer's id. */
  keyOf?(offer: JobOffer): string;
  /**
   * Returns whether a job of a worker that is gone is over, since its call has ended meanwhile or it was taken
   * back: then no agent takes it up. Default: it is not.
   */
  isOver?(offer: JobOffer): Promise<boolean>;
  /**
   * Called before an agent takes up the call of a worker that is gone: removes what is left of the
   * agent before, and returns the call to join. Default: the edge's own call.
   *
   * @param lease `token` is greater than those of all agents before
   */
  takeUp?(offer: JobOffer, lease: { token: number }): Promise<Call | undefined>;
  /** Returns the jobs that were announced and that no worker took. Called every 2 seconds by one worker. */
  untaken?(): Promise<JobOffer[]>;
}
