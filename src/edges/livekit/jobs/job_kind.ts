/** What a server hands out jobs for. @module */

/**
 * What the server hands out a job for: a room, once it is created (`"room"`), each person who joins one
 * (`"participant"`), or each person who publishes in one (`"publisher"`).
 */
export type LiveKitJobKind = "room" | "participant" | "publisher";

/** All of them. */
export const JOB_KINDS: readonly LiveKitJobKind[] = ["room", "participant", "publisher"];
