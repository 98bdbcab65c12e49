/** The room's sample rate, which agent audio has on the wire too. @module */
import { TICK_MS } from "../../audio/grid.ts";

/** Samples a second within the room: the rate of WebRTC's codec. */
export const ROOM_RATE = 48_000;
/** Samples of a tick. */
export const TICK_SAMPLES = ROOM_RATE * TICK_MS / 1000;

/** Returns the duration of samples in milliseconds. */
export function samplesToMs(samples: number): number {
  return samples * 1000 / ROOM_RATE;
}
