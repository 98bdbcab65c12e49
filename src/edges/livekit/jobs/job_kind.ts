/** The kinds of jobs that LiveKit dispatches. @module */

/**
 * What the server hands out a job for: a room, once it is created (`"room"`), each person who joins one
 * (`"participant"`), or each person who publishes in one (`"publisher"`).
 */
export type LiveKitJobKind = "room" | "participant" | "publisher";
