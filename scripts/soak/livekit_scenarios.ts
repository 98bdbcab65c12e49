/** The names of the scenarios on LiveKit's own server. @module */

/** The scenarios of `livekit.ts`. */
export const LIVEKIT_SCENARIOS = ["livekit-outages", "livekit-rooms"] as const;
export type LiveKitScenario = typeof LIVEKIT_SCENARIOS[number];
