/**
 * The layer of published video. wrtc could send several in one section (simulcast), each encoded by this
 * process; an agent sends one, as publish options allow, which name the most.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type PublishOption, type VideoLayerSchema, VideoQuality } from "../proto/signal_pb.ts";

/** How video is published when the SFU does not specify it. */
const DEFAULT = { width: 1280, height: 720, bitrate: 1_500_000, fps: 30 };

/** The size of pictures, in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** What a section sends at most. */
export interface Layer extends PictureSize {
  /** Bits a second. */
  readonly bitrate: number;
  /** Pictures a second. */
  readonly fps: number;
}

/**
 * Returns the layer for an option of the SFU: pictures of their own size, with the option's bitrate, or
 * the same part of it that smaller pictures are of the option's size.
 */
export function layerOf(option: PublishOption | undefined, size: PictureSize | undefined): Layer {
  const target = option?.videoDimension ?? DEFAULT;
  const { width, height } = size ?? target;
  const isSmaller = width < target.width || height < target.height;
  const part = isSmaller ? Math.min(1, width * height / (target.width * target.height)) : 1;
  return {
    width,
    height,
    bitrate: Math.round((option?.bitrate || DEFAULT.bitrate) * part),
    fps: option?.fps || DEFAULT.fps,
  };
}

/** Returns a layer as the SFU is told of it: Stream's clients call the only one "q". */
export function describeLayer(layer: Layer): MessageInitShape<typeof VideoLayerSchema> {
  const { width, height, bitrate, fps } = layer;
  const quality = VideoQuality.LOW_UNSPECIFIED;
  return { rid: "q", videoDimension: { width, height }, bitrate, fps, quality };
}
