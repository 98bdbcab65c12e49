/**
 * The store of shared jobs in Redis, with its client, `@redis/client`.
 *
 * @module
 */
export { RedisJobStore, type RedisJobStoreOptions } from "./redis_job_store.ts";
