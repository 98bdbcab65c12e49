/**
 * Video codecs: those that WebRTC has here, and those that Stream asks for.
 *
 * @module
 */

/** A codec that video can be published with. H264 is not there: the add-on cannot encode it. */
export type VideoCodec = "vp8" | "vp9" | "av1";

const CODECS: readonly string[] = ["vp8", "vp9", "av1"] satisfies VideoCodec[];

/** Whether this is the name of a codec that can be used, in any case. */
export function isCodecName(name: string): name is VideoCodec {
  return CODECS.includes(name.toLowerCase());
}
