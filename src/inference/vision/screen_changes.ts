/** A processor that notices another picture on a shared screen. @module */
import type { TrackInfo } from "../../edge/types.ts";
import { TrackType } from "../../edge/types.ts";
import type { VideoFrame } from "../../edge/video_frame.ts";
import type { EncodedImage } from "../contracts/messages.ts";
import { encodeFrame, type EncodeFrameOptions } from "./encode_frame.ts";
import { pixelsOf } from "./frame_pixels.ts";
import { checkOptions, shown as described } from "../../events/checks.ts";

/** Options for {@linkcode screenChanges}. */
export interface ScreenChangesOptions extends EncodeFrameOptions {
  /** The fraction of the screen that must have changed, 0 to 1. Default 0.02. */
  share?: number;
  /** Frames a second that are compared. Default 2. */
  fps?: number;
  /** How long to wait for a changing screen to stand still, in milliseconds. Default 1000. */
  settleMs?: number;
}

/** A processor that compares shared screens; pass it to an agent in `processors`. */
export interface ScreenChanges {
  /** For messages. */
  readonly name: string;
  /** Frames a second that it takes. */
  readonly videoFps: number;
  /** How long a frame may take: as long as `onChange` does. */
  readonly videoLimitMs: number;
  /** Compares a frame. */
  processVideo(frame: VideoFrame, track: TrackInfo): Promise<void>;
  /** Another track is routed to it. */
  videoSourceChanged(track: TrackInfo | undefined): void;
}

/** Screens are compared as small as this. */
const COMPARED_SIDE = 64;
/** A change of brightness less than this is none: video is never quite the same twice. */
const NOISE = 12;

/**
 * Calls `onChange` with an image of a shared screen: of its first, and of each that is another one,
 * once it stands still. It ignores cameras. While `onChange` is pending, for instance until a reply
 * is spoken, frames are skipped; where it fails it is called again with the next one.
 *
 * @example
 * ```ts
 * import { screenChanges } from "@ringline/edge";
 *
 * const watching = screenChanges(({ width, height }) => console.log(`${width} x ${height}`));
 * console.log(watching.videoFps); // 2
 * ```
 */
export function screenChanges(
  onChange: (image: EncodedImage, track: TrackInfo) => void | Promise<void>,
  options: ScreenChangesOptions = {},
): ScreenChanges {
  if (typeof onChange !== "function") {
    throw new TypeError(`onChange: expected a function, got ${described(onChange)}`);
  }
  checkOptions(options, "options", {
    share: true,
    fps: true,
    settleMs: true,
    maxSide: true,
    encoder: true,
  }, "an object like { share: 0.02 }, or nothing");
  const { share = 0.02, fps = 2, settleMs = 1000, maxSide, encoder } = options;
  let shown: Uint8ClampedArray | undefined;
  let before: Uint8ClampedArray | undefined;
  let stillSinceMs = 0;
  return {
    name: "screen-changes",
    videoFps: fps,
    videoLimitMs: Infinity,
    async processVideo(frame, track) {
      if (track.type !== TrackType.SCREEN_SHARE) return;
      const now = pixelsOf(frame, COMPARED_SIDE).data;
      if (!before || differs(before, now, share)) stillSinceMs = frame.timestampMs;
      before = now;
      const isStill = !shown || frame.timestampMs - stillSinceMs >= settleMs;
      if (!isStill || (shown && !differs(shown, now, share))) return;
      const previous = shown;
      shown = now;
      try {
        await onChange(await encodeFrame(frame, { maxSide, encoder }), track);
      } catch (error) {
        // `onChange` has not seen it yet.
        if (shown === now) shown = previous;
        throw error;
      }
    },
    videoSourceChanged() {
      shown = before = undefined;
    },
  };
}

function differs(one: Uint8ClampedArray, other: Uint8ClampedArray, share: number): boolean {
  if (one.length !== other.length) return true;
  let changed = 0;
  for (let at = 0; at < one.length; at += 4) {
    const difference = Math.abs(one[at]! - other[at]!) + Math.abs(one[at + 1]! - other[at + 1]!) +
      Math.abs(one[at + 2]! - other[at + 2]!);
    if (difference > 3 * NOISE) changed++;
  }
  return changed > share * one.length / 4;
}
