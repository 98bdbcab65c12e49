/**
 * Jobs that several workers share: each worker holds leases on its jobs, and a job whose worker is gone is
 * taken up by another. `@ringline/redis` has the store in Redis.
 *
 * @module
 */
export { sharedJobs, type SharedJobsOptions } from "./shared_jobs.ts";
export type { ShareableJobs } from "./shareable_jobs.ts";
export type {
  ClaimResult,
  JobStore,
  Lease,
  ReleaseOutcome,
  RenewResult,
  StoredJob,
  StoredOffer,
  StoredWorker,
} from "./job_store.ts";
export { MemoryJobStore } from "./memory_job_store.ts";
