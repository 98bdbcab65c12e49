/** The time grid of all audio: the ticks of a room's clock, and slots. @module */

/** The length of a tick of a room's clock, in milliseconds: that of WebRTC's own frames. */
export const TICK_MS = 10;
/** The length of a slot, in milliseconds: agents receive audio in slots. */
export const SLOT_MS = 20;
/** Ticks per slot. */
export const TICKS_PER_SLOT = SLOT_MS / TICK_MS;
