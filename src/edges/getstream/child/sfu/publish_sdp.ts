/**
 * Changes to the session descriptions of published tracks: the codec and the bitrate that the SFU
 * asked for. wrtc refuses to set a sender's parameters once it sends, so the descriptions carry them.
 *
 * @module
 */

/** Runs `change` over the lines of the section with this `mid`. */
function changeSection(sdp: string, mid: string, change: (lines: string[]) => string[]): string {
  const sections: string[][] = [[]];
  for (const line of sdp.split(/\r?\n/)) {
    if (line.startsWith("m=")) sections.push([]);
    sections.at(-1)!.push(line);
  }
  return sections
    .map((lines) => lines.includes(`a=mid:${mid}`) ? change(lines) : lines)
    .flat().join("\r\n");
}

/**
 * Returns the description with one codec and its retransmission left in a section. The other side
 * can only answer with that codec, and the sender follows the answer. A section without the codec
 * stays as it is.
 */
export function onlyCodec(sdp: string, mid: string, codec: string): string {
  return changeSection(sdp, mid, (lines) => {
    const kept = new Set<string>();
    for (const line of lines) {
      const [, payload, name] = /^a=rtpmap:(\d+) ([^/]+)\//.exec(line) ?? [];
      if (name?.toLowerCase() === codec.toLowerCase()) kept.add(payload!);
    }
    if (kept.size === 0) return lines;
    for (const line of lines) {
      const [, payload, of] = /^a=fmtp:(\d+) apt=(\d+)/.exec(line) ?? [];
      if (of !== undefined && kept.has(of)) kept.add(payload!);
    }
    return lines.flatMap((line) => {
      if (line.startsWith("m=")) {
        const [media, port, protocol, ...payloads] = line.split(" ");
        return [[media, port, protocol, ...payloads.filter((one) => kept.has(one))].join(" ")];
      }
      const [, payload] = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+)\b/.exec(line) ?? [];
      return payload === undefined || kept.has(payload) ? [line] : [];
    });
  });
}

/** Returns the description with a section limited to a bitrate, in bits a second. */
export function withBitrate(sdp: string, mid: string, bitrate: number): string {
  if (!(bitrate > 0)) return sdp;
  return changeSection(sdp, mid, (lines) => {
    const rest = lines.filter((line) => !/^b=(AS|TIAS):/.test(line));
    // RFC 8866: bandwidth stands after the connection's data.
    const at = rest.findIndex((line) => line.startsWith("c=")) + 1 || 1;
    return rest.toSpliced(at, 0, `b=AS:${Math.max(1, Math.round(bitrate / 1000))}`);
  });
}
