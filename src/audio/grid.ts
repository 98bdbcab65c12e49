/** The grid that all sound lies on: a room's clock ticks, and what is heard comes in slots. @module */

/** How long a tick of a room's clock is, in milliseconds: the length of WebRTC's own frames. */
export const TICK_MS = 10;
/** How long a slot is, in milliseconds: all that is heard is cut into slots. */
export const SLOT_MS = 20;
/** Ticks of a slot. */
export const TICKS_PER_SLOT = SLOT_MS / TICK_MS;
