/** The room's format and grid. Everything between the sinks and the sources is in it. @module */

/** Samples a second within the room: what WebRTC's codec runs at. */
export const ROOM_RATE = 48_000;
/** One tick of the room's clock. */
export const TICK_MS = 10;
/** Samples of a tick. */
export const TICK_SAMPLES = ROOM_RATE * TICK_MS / 1000;
/** Ticks in the slot that an agent hears. */
export const TICKS_PER_SLOT = 2;

/** Samples as milliseconds. */
export function samplesToMs(samples: number): number {
  return samples * 1000 / ROOM_RATE;
}
