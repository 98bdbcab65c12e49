/**
 * What several workers share, in Redis: a package of its own, since its client has weight.
 *
 * @module
 */
export { RedisJobStore, type RedisJobStoreOptions } from "./redis_job_store.ts";
