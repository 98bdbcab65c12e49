/** What an SFU's offer says about the media in it. @module */

/** The codecs that wrtc decodes. */
const DECODED = ["vp8", "vp9", "av1"];

/**
 * Returns the ids of the streams whose video wrtc cannot decode: a section that offers H264 and nothing
 * else, as the SFU forwards it from a device that encodes nothing else.
 */
export function undecodable(sdp: string): string[] {
  return sdp.split(/^m=/m).slice(1).flatMap((section) => {
    const [, port] = /^video (\d+)/.exec(section) ?? [];
    const [, streamId] = /^a=msid:(\S+)/m.exec(section) ?? [];
    if (port === undefined || port === "0" || streamId === undefined) return [];
    if (/^a=(inactive|recvonly)\r?$/m.test(section)) return [];
    const codecs = [...section.matchAll(/^a=rtpmap:\d+ ([^/\s]+)\//gm)]
      .map(([, name]) => name!.toLowerCase());
    return codecs.some((name) => DECODED.includes(name)) ? [] : [streamId];
  });
}
