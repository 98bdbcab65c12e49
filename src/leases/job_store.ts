/**
 * What several workers know together: which of them has which job, and for how long.
 *
 * A worker holds a lease on each of its jobs, and renews it while it lives. A job whose lease has expired
 * and that is not finished is free, for any worker. Each lease has a token greater than all before it
 * (a fencing token): a worker whose token is not the job's latest has lost the job.
 *
 * @module
 */
import type { JobOffer } from "../edge/jobs.ts";

/** A job's offer without the edge: data that is JSON. */
export type StoredOffer = Omit<JobOffer, "edge" | "attempt">;

/** A job, as the store keeps it. */
export interface StoredJob {
  /** Identifies the job among all workers. */
  readonly key: string;
  /** What the job is about. */
  readonly offer: StoredOffer;
  /** The worker that has, or had, it. */
  readonly workerId: string;
  /** How often the job has been begun. */
  readonly attempt: number;
  /** Whether the worker's lease has not expired. */
  readonly isHeld: boolean;
}

/** The right to a job. */
export interface Lease {
  /** The job. */
  readonly key: string;
  /** Greater than those of all leases before it. */
  readonly token: number;
}

/** The answer to a claim: the lease, or why there is none. */
export type ClaimResult =
  | { readonly status: "claimed"; readonly lease: Lease; readonly attempt: number }
  /** Another worker has it (`held`), it is over (`finished`), or there are too many jobs (`limit`). */
  | { readonly status: "held" | "finished" | "limit" };

/** What became of a lease that was to be renewed: `unknown` where the store has lost its data. */
export type RenewResult = "held" | "lost" | "unknown";

/**
 * How a lease is given back: the job is over (`finished`); another worker is to go on (`unfinished`) or
 * to begin (`declined`); or the store is to forget it (`forgotten`).
 */
export type ReleaseOutcome = "finished" | "unfinished" | "declined" | "forgotten";

/** A worker, as the others see it. */
export interface StoredWorker {
  /** Identifies it. */
  readonly workerId: string;
  /** How many jobs it runs. */
  readonly calls: number;
  /** Its load, from 0 to 1. */
  readonly load: number;
}

/**
 * A place where workers share their jobs. Each method is one atomic step, measured by the store's own
 * clock, and rejects where the store cannot be reached: `RedisJobStore` is one, and `MemoryJobStore` one
 * for tests.
 */
export interface JobStore {
  /**
   * Claims a job, unless it is finished, another worker holds it, or `maxJobs` are held. To a job that
   * is new, those whose lease has expired count as held: their calls go first.
   *
   * @param options with `isOwn` a job that this very worker holds is claimed once more, as the same
   *   attempt: the answer to its last claim was lost
   */
  claim(
    job: { key: string; offer: StoredOffer; workerId: string },
    options: { leaseMs: number; maxJobs: number; isOwn?: boolean },
  ): Promise<ClaimResult>;
  /** Renews leases that are still the latest, expired ones too; and says that the worker lives. */
  renew(
    leases: readonly Lease[],
    options: { leaseMs: number; worker: StoredWorker },
  ): Promise<RenewResult[]>;
  /**
   * Takes a lease back; does nothing where it is not the latest. What is not over may be claimed from
   * then on, and is among the free jobs after `afterMs`.
   */
  release(lease: Lease, options: { outcome: ReleaseOutcome; afterMs?: number }): Promise<void>;
  /** Returns the jobs that are not finished: those that are free alone, or all. */
  jobs(options: { freeOnly: boolean }): Promise<StoredJob[]>;
  /** Returns which of these jobs the store knows, finished ones included. */
  known(keys: readonly string[]): Promise<boolean[]>;
  /** Returns the workers that live. */
  workers(): Promise<StoredWorker[]>;
  /** Whether this is the first worker that asks within the time: it does what one of them is to do. */
  takeTurn(name: string, ms: number): Promise<boolean>;
}
