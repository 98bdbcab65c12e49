/** A source of jobs that several workers share, so that none is lost with its worker. @module */
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { JobFeed, JobSource, JobWorker } from "../edge/jobs.ts";
import { checkMethods, checkOptions, shown } from "../events/checks.ts";
import type { JobStore } from "./job_store.ts";
import type { ShareableJobs } from "./shareable_jobs.ts";
import { SharedFeed } from "./shared_feed.ts";

/** Options for {@linkcode sharedJobs}. */
export interface SharedJobsOptions {
  /** Where the workers share their jobs. */
  store: JobStore;
  /** The edge that the jobs' calls are joined over, where the source does not say it. */
  edge?: EdgeTransport;
  /** The most jobs of all workers together. Default: no limit. */
  calls?: number;
  /** How long a worker may say nothing before its jobs are taken up by others. Default 2000. */
  leaseMs?: number;
  /** The worker's name, for the others. Default: a new id. */
  workerId?: string;
}

/**
 * Returns a source of the same jobs that loses none with its worker: a worker holds a lease on each of
 * its jobs in a store that all workers share. Where the lease expires and the job is not finished, another
 * worker's agent takes the call up; so it does with a job that no worker had a place for. A worker that
 * has lost a lease ends that job.
 *
 * A job is finished when its agent left, or the call ended; not when its worker was killed or closed,
 * the network failed, or the agent failed (up to three times).
 *
 * While the store cannot be reached, running calls go on, new jobs are accepted without a lease, and
 * no call is taken up: also for a while after it is back, in which the others renew their leases.
 *
 * @example
 * ```ts
 * import { type JobSource, type JobWorker } from "@ringline/edge";
 * import { MemoryJobStore, sharedJobs } from "@ringline/edge/leases";
 * import { MemoryEdge } from "@ringline/edge/testing";
 *
 * const edge = new MemoryEdge();
 * const openJobs = async (worker: JobWorker) => {
 *   const place = await worker.offer({ id: "1", edge, callId: "kitchen" });
 *   if (place.accepted) place.start();
 *   return { close() {} };
 * };
 * const source: JobSource = sharedJobs({ edge, openJobs }, { store: new MemoryJobStore() });
 * console.log(typeof source.openJobs); // function
 * ```
 *
 * @throws {TypeError | RangeError} an option is wrong.
 */
export function sharedJobs(source: ShareableJobs, options: SharedJobsOptions): JobSource {
  checkMethods(source, "source", "a source of jobs of an edge", ["openJobs"]);
  checkOptions(options, "options", {
    store: true,
    edge: true,
    calls: true,
    leaseMs: true,
    workerId: true,
  }, "an object like { store }");
  const edge = source.edge ?? options.edge;
  checkMethods(edge, "edge", "an EdgeTransport, as the source has none", ["createCall", "join"]);
  const { store, calls = Infinity, leaseMs = 2000, workerId = crypto.randomUUID() } = options;
  checkMethods(store, "store", "a JobStore, e.g. a RedisJobStore", ["claim", "renew", "release"]);
  if (calls !== Infinity && !(Number.isSafeInteger(calls) && calls > 0)) {
    throw new RangeError(`calls: expected a whole number from 1 on, got ${shown(calls)}`);
  }
  if (typeof leaseMs !== "number" || !(leaseMs >= 100) || leaseMs === Infinity) {
    throw new RangeError(`leaseMs: expected a number of at least 100, got ${shown(leaseMs)}`);
  }
  if (typeof workerId !== "string" || workerId === "") {
    throw new TypeError(`workerId: expected a text, got ${shown(workerId)}`);
  }
  return {
    edge: edge!,
    openJobs(worker: JobWorker, { signal }: { signal: AbortSignal }): Promise<JobFeed> {
      return SharedFeed.open({
        source,
        edge: edge!,
        worker,
        store,
        signal,
        maxJobs: calls,
        leaseMs,
        workerId,
      });
    },
  };
}
