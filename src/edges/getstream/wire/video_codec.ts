/**
 * The video codecs that wrtc can encode.
 *
 * @module
 */

/** A codec for published video. H264 is missing: wrtc cannot encode it. */
export type VideoCodec = "vp8" | "vp9" | "av1";

const CODECS: readonly string[] = ["vp8", "vp9", "av1"] satisfies VideoCodec[];

/** Whether this is the name of such a codec, in upper or lower case. */
export function isCodecName(name: string): name is VideoCodec {
  return CODECS.includes(name.toLowerCase());
}
