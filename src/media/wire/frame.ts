/**
 * The frames between the two processes: magic, kind, length and body, padded so that every body
 * begins at a multiple of eight bytes and samples can be read in place.
 *
 * @module
 */

/** The content of a frame, and its direction. */
export const FrameKind = {
  /** JSON as UTF-8. Both directions, always first. */
  control: 1,
  /** A row: one slot of each participant. To the parent. */
  participantAudio: 2,
  /** The agent's speech. To the child. */
  agentAudio: 3,
  /** A fragment of a picture. Both directions, always last. */
  video: 4,
  /** How much of the agent's audio has been played. To the parent. */
  playoutReport: 5,
} as const;

/** Bytes before a body: magic u16, kind u8, zero u8, length u32. */
export const HEADER_BYTES = 8;
/** "RL", the first bytes of every frame: stray output on the pipe does not begin with it. */
export const MAGIC = 0x4c52;

/** The maximum length of a body in bytes, by kind. */
export const MAX_FRAME_BYTES: Readonly<Record<number, number>> = {
  [FrameKind.control]: 1 << 20,
  // 1024 participants at 48 kHz.
  [FrameKind.participantAudio]: 24 + 1024 * (8 + 1920),
  [FrameKind.agentAudio]: 16 + (1 << 14),
  [FrameKind.video]: 40 + (1 << 14),
  [FrameKind.playoutReport]: 40,
};

/** Returns a body's length with its padding. */
export function paddedLength(length: number): number {
  return (length + 7) & ~7;
}
