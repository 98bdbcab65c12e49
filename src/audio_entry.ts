/**
 * Audio that is useful alone: a ring of slots, a resampler and a mixer over the fastest kernel that
 * the machine and the permissions allow.
 *
 * Importing this opens nothing and needs no permission.
 *
 * @module
 */
export * from "./audio/mod.ts";
export * from "./native/mod.ts";
