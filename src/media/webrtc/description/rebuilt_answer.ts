/**
 * Answers of peers, rebuilt. WebRTC's native code checks some of what a description says only by
 * ending the process, so nothing of a peer's text reaches it: an answer is written anew from our own
 * offer, and the peer's says only which of what was offered it takes.
 *
 * @module
 */
import { commonPayloads, knownParameters } from "./codecs.ts";
import {
  allowsMixed,
  codecOf,
  directionOf,
  feedbackLine,
  flowOf,
  parse,
  payloadsOf,
  type Section,
} from "./parsed.ts";
import { bandwidthLines, dataLines, streamLines } from "./sections.ts";
import { candidateLines, transportLines } from "./transport.ts";

/**
 * Returns an answer to `offer`, our own, with the sections, codecs, header extensions, directions and
 * streams that both descriptions name, and the ICE and DTLS parameters of `answer`.
 *
 * @throws {ProtocolError} the answer has no valid ICE or DTLS parameters
 */
export function rebuiltAnswer(offer: string, answer: string): string {
  const ours = parse(offer);
  const theirs = parse(answer);
  const byMid = new Map(theirs.media.map((section) => [String(section.mid), section]));
  const lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"];
  lines.push(`a=group:BUNDLE ${ours.media.map(({ mid }) => mid).join(" ")}`);
  if (allowsMixed(ours) && allowsMixed(theirs)) lines.push("a=extmap-allow-mixed");
  if (theirs.icelite) lines.push("a=ice-lite");
  const transport = transportLines("answer", [...theirs.media, theirs]);
  const used = new Set<number>();
  for (const [index, section] of ours.media.entries()) {
    lines.push(...sectionLines(section, byMid.get(String(section.mid)), { transport, used }));
    // All sections are one transport, which the first one stands for.
    if (index === 0) lines.push(...candidateLines(answer));
  }
  return `${lines.join("\r\n")}\r\n`;
}

function sectionLines(
  ours: Section,
  theirs: Section | undefined,
  { transport, used }: { transport: readonly string[]; used: Set<number> },
): string[] {
  if (ours.type === "application") return dataLines(theirs ?? ours, String(ours.mid), transport);
  const taken = commonPayloads(ours, theirs);
  const offered = flowOf(ours);
  const wanted = theirs ? flowOf(theirs) : { send: false, receive: false };
  // Without a codec in common nothing flows, whatever they say.
  const flow = {
    send: taken.length > 0 && wanted.send && offered.receive,
    receive: taken.length > 0 && wanted.receive && offered.send,
  };
  const payloads = taken.length > 0 ? taken : payloadsOf(ours);
  const feedback = (theirs?.rtcpFb ?? []).map(feedbackLine);
  const extensions = (theirs?.ext ?? []).map(({ value, uri }) => `${value} ${uri}`);
  return [
    `m=${ours.type} 9 ${ours.protocol} ${payloads.join(" ")}`,
    "c=IN IP4 0.0.0.0",
    ...(theirs ? bandwidthLines(theirs) : []),
    "a=rtcp:9 IN IP4 0.0.0.0",
    ...transport,
    `a=mid:${ours.mid}`,
    ...(ours.ext ?? [])
      .map(({ value, uri }) => `${value} ${uri}`)
      .filter((line) => extensions.includes(line))
      .map((line) => `a=extmap:${line}`),
    `a=${directionOf(flow)}`,
    ...(flow.send ? [`a=msid:- sent-${ours.mid}`] : []),
    "a=rtcp-mux",
    ...(ours.rtcpRsize && theirs?.rtcpRsize ? ["a=rtcp-rsize"] : []),
    ...payloads.flatMap((payload) => [
      ...ours.rtp.filter((one) => one.payload === payload).map(({ codec, rate, encoding }) =>
        `a=rtpmap:${payload} ${codec}/${rate}${encoding === undefined ? "" : `/${encoding}`}`
      ),
      ...(ours.rtcpFb ?? []).filter((one) => Number(one.payload) === payload).map(feedbackLine)
        .filter((line) => feedback.includes(line)),
      ...ours.fmtp.filter((one) => one.payload === payload)
        .map(({ config }) => `a=fmtp:${payload} ${parameters(ours, theirs, payload) || config}`),
    ]),
    ...(flow.send ? streamLines(theirs!, used) : []),
  ];
}

/** What they ask of the way in which we send them sound; empty for other codecs. */
function parameters(ours: Section, theirs: Section | undefined, payload: number): string {
  const codec = codecOf(ours, payload) ?? "";
  if (!codec.startsWith("opus/")) return "";
  return knownParameters(codec, theirs?.fmtp.find((one) => one.payload === payload)?.config);
}
