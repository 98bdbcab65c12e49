/**
 * Frames between agent and media process: a mark, a kind, a length, a body, padded so that every
 * body begins at a multiple of eight bytes and samples can be read where they lie.
 *
 * @module
 */

/** What a frame carries. */
export const FrameKind = {
  /** JSON as UTF-8. Both ways, always first. */
  control: 1,
  /** One tick's slots of all participants. To the agent. */
  row: 2,
  /** What the agent says. To the media process. */
  said: 3,
  /** A piece of a picture. Both ways, always last. */
  video: 4,
  /** How far what the agent says has been played. To the agent. */
  report: 5,
} as const;

/** Bytes before a body. */
export const HEADER_BYTES = 8;
/** "RL" at the start of every frame: whoever writes to the pipe by mistake does not get it right. */
export const MAGIC = 0x4c52;

/** The most bytes of a body, by kind. */
export const MAX_FRAME_BYTES: Readonly<Record<number, number>> = {
  [FrameKind.control]: 1 << 20,
  // 1024 participants at 48 kHz.
  [FrameKind.row]: 24 + 1024 * (8 + 1920),
  [FrameKind.said]: 16 + (1 << 14),
  [FrameKind.video]: 40 + (1 << 14),
  [FrameKind.report]: 40,
};

/** A body's bytes with their padding. */
export function paddedLength(length: number): number {
  return (length + 7) & ~7;
}
