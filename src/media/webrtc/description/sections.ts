/** Lines of a section that offers and answers share. @module */
import type { Section } from "./parsed.ts";

/** A limit in kilobits a second that is no mistake: WebRTC takes a limit of nothing for none. */
const KILOBITS = /^[1-9]\d{0,6}$/;

/** Returns the limit of what may be sent to the section's owner. */
export function bandwidthLines({ bandwidth = [] }: Section): string[] {
  const limit = bandwidth.find(({ type }) => type === "AS")?.limit;
  return limit !== undefined && KILOBITS.test(String(limit)) ? [`b=AS:${limit}`] : [];
}

/** Returns the lines of a section of data channels. */
export function dataLines(theirs: Section, mid: string, transport: readonly string[]): string[] {
  const port = Number(theirs.sctpPort ?? 5000);
  const size = Number(theirs.maxMessageSize ?? 65_536);
  return [
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "c=IN IP4 0.0.0.0",
    ...transport,
    `a=mid:${mid}`,
    `a=sctp-port:${port > 0 && port < 65_536 ? port : 5000}`,
    `a=max-message-size:${size > 0 && size < 2 ** 31 ? size : 65_536}`,
  ];
}

/** Returns the streams that they send and the repair stream, unless another section has them. */
export function streamLines({ ssrcs = [], ssrcGroups = [] }: Section, used: Set<number>): string[] {
  const group = ssrcGroups.find(({ semantics }) => semantics === "FID");
  const pair = String(group?.ssrcs ?? "").split(" ").map(Number);
  const named = pair.length === 2 ? pair : ssrcs.slice(0, 1).map(({ id }) => id);
  const valid =
    named.every((id) => Number.isInteger(id) && id > 0 && id < 2 ** 32 && !used.has(id)) &&
    new Set(named).size === named.length;
  // Without them the receiver learns the streams from the packets.
  if (!valid) return [];
  for (const id of named) used.add(id);
  return [
    ...(named.length === 2 ? [`a=ssrc-group:FID ${named.join(" ")}`] : []),
    ...named.map((id) => `a=ssrc:${id} cname:peer`),
  ];
}
