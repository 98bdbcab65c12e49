/** The room's format: everything between the sinks and the sources is in it. @module */

import { TICK_MS } from "../../audio/grid.ts";

/** Samples a second within the room: what WebRTC's codec runs at. */
export const ROOM_RATE = 48_000;
/** Samples of a tick. */
export const TICK_SAMPLES = ROOM_RATE * TICK_MS / 1000;

/** Samples as milliseconds. */
export function samplesToMs(samples: number): number {
  return samples * 1000 / ROOM_RATE;
}
