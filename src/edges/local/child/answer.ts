/**
 * Answers of browsers, rebuilt. WebRTC's native code checks some of what a description says only by
 * ending the process, so nothing of a peer's text reaches it: an answer is written anew from our own
 * offer, and the peer's says only which of what was offered it takes.
 *
 * @module
 */
import sdpTransform from "sdp-transform";
import { ProtocolError } from "../../../edge/errors.ts";

/** A parsed section, as far as it is used. Numbers may come as texts, and texts as numbers. */
interface Section {
  type: string;
  protocol: string;
  payloads?: string | number;
  mid?: string | number;
  direction?: string;
  setup?: string;
  iceUfrag?: string | number;
  icePwd?: string | number;
  fingerprint?: Fingerprint;
  rtp: { payload: number; codec: string; rate?: number; encoding?: number }[];
  fmtp: { payload: number; config: string | number }[];
  rtcpFb?: { payload: number | string; type: string; subtype?: string }[];
  ext?: { value: number; uri: string }[];
  rtcpRsize?: string;
  ssrcs?: { id: number }[];
  ssrcGroups?: { semantics: string; ssrcs: string }[];
}

interface Fingerprint {
  type: string;
  hash: string;
}

interface Session extends Partial<Pick<Section, "iceUfrag" | "icePwd" | "fingerprint" | "setup">> {
  media: Section[];
  extmapAllowMixed?: string;
}

/** Bytes of the fingerprints that are accepted. */
const HASH_BYTES: Record<string, number> = { "sha-256": 32, "sha-384": 48, "sha-512": 64 };

/** Codecs that carry no media of their own. */
const HELPERS = new Set(["rtx", "red", "ulpfec", "flexfec-03", "telephone-event", "cn"]);

/** Which way media flows, as one end sees it. */
interface Flow {
  send: boolean;
  receive: boolean;
}

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
  if (ours.extmapAllowMixed && theirs.extmapAllowMixed) lines.push("a=extmap-allow-mixed");
  const transport = transportLines(theirs);
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
  const taken = takenPayloads(ours, theirs);
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
        .map(({ config }) => `a=fmtp:${payload} ${config}`),
    ]),
    ...(flow.send ? streamLines(theirs!, used) : []),
  ];
}

/** The payload types that both sides name with the same meaning, in the order of the answer. */
function takenPayloads(ours: Section, theirs: Section | undefined): number[] {
  if (!theirs || theirs.type !== ours.type) return [];
  const codec = (section: Section, payload: number): string | undefined => {
    const one = section.rtp.find((each) => each.payload === payload);
    return one && `${one.codec}/${one.rate}/${one.encoding ?? 1}`.toLowerCase();
  };
  const offered = new Set(payloadsOf(ours));
  const same = [...new Set(payloadsOf(theirs))].filter((payload) => {
    const name = codec(theirs, payload);
    // Those of the static range need no name.
    return offered.has(payload) &&
      (name === undefined ? payload < 35 : name === codec(ours, payload));
  });
  // What repairs or repeats a codec needs that codec.
  const needed = (payload: number): number[] => {
    const { config = "" } = ours.fmtp.find((one) => one.payload === payload) ?? {};
    const [name] = codec(ours, payload)?.split("/") ?? [];
    if (name === "rtx") return [Number(/^apt=(\d+)$/.exec(String(config))?.[1])];
    return name === "red" && config !== "" ? String(config).split("/").map(Number) : [];
  };
  const taken = same.filter((payload) => needed(payload).every((one) => same.includes(one)));
  const carriesMedia = taken.some((payload) =>
    !HELPERS.has(codec(ours, payload)?.split("/")[0] ?? "")
  );
  return carriesMedia ? taken : [];
}

function payloadsOf({ payloads = "" }: Section): number[] {
  return String(payloads).split(" ").filter((one) => /^\d{1,3}$/.test(one)).map(Number);
}

function feedbackLine(
  { payload, type, subtype }: { payload: number | string; type: string; subtype?: string },
): string {
  return `a=rtcp-fb:${payload} ${type}${subtype === undefined ? "" : ` ${subtype}`}`;
}

function flowOf({ direction = "sendrecv" }: Section): Flow {
  return {
    send: direction === "sendrecv" || direction === "sendonly",
    receive: direction === "sendrecv" || direction === "recvonly",
  };
}

function directionOf({ send, receive }: Flow): string {
  return send ? (receive ? "sendrecv" : "sendonly") : receive ? "recvonly" : "inactive";
}

/** The stream that they send and its repair stream, unless another section has them. */
function streamLines({ ssrcs = [], ssrcGroups = [] }: Section, used: Set<number>): string[] {
  const pair = ssrcGroups.find(({ semantics }) => semantics === "FID")?.ssrcs;
  const ids = String(pair ?? "").split(" ").map(Number);
  const named = ids.length === 2 ? ids : ssrcs.slice(0, 1).map(({ id }) => id);
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

/** ICE and DTLS: one transport for all sections. */
function transportLines(theirs: Session): string[] {
  const from = [...theirs.media, theirs];
  const ufrag = String(from.find((one) => one.iceUfrag !== undefined)?.iceUfrag ?? "");
  const password = String(from.find((one) => one.icePwd !== undefined)?.icePwd ?? "");
  if (!/^[\w+/]{4,256}$/.test(ufrag) || !/^[\w+/]{22,256}$/.test(password)) {
    throw new ProtocolError("the answer has no valid ICE credentials", { code: "bad-signal" });
  }
  const { type, hash } = from.find((one) => one.fingerprint)?.fingerprint ?? { type: "", hash: "" };
  const algorithm = String(type).toLowerCase();
  const bytes = Object.hasOwn(HASH_BYTES, algorithm) ? HASH_BYTES[algorithm]! : 0;
  if (bytes === 0 || !new RegExp(`^([0-9A-F]{2}:){${bytes - 1}}[0-9A-F]{2}$`, "i").test(hash)) {
    throw new ProtocolError("the answer has no valid fingerprint", { code: "bad-signal" });
  }
  const setup = from.find((one) => one.setup)?.setup;
  if (setup !== "active" && setup !== "passive") {
    throw new ProtocolError("the answer has no DTLS role", { code: "bad-signal" });
  }
  return [
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${password}`,
    "a=ice-options:trickle",
    `a=fingerprint:${algorithm} ${hash.toUpperCase()}`,
    `a=setup:${setup}`,
  ];
}

function candidateLines(answer: string): string[] {
  return [...answer.matchAll(/^a=(candidate:.*)$/gm)]
    .flatMap(([, line]) => rebuiltCandidate(line!.trimEnd()) ?? [])
    .map((line) => `a=${line}`);
}

// candidate:<foundation> <component> <protocol> <priority> <address> <port> typ <type> ...
const CANDIDATE =
  /^candidate:([\w+/]{1,32}) ([12]) udp (\d{1,10}) ([\da-f.:]{2,45}) (\d{1,5}) typ (host|srflx|prflx|relay)(?: |$)/i;

/** Returns a candidate with what it needs, and nothing else of the line; `undefined` for another text. */
export function rebuiltCandidate(line: string): string | undefined {
  const match = CANDIDATE.exec(line);
  if (match === null) return undefined;
  const [, foundation, component, priority, address, port, type] = match;
  if (Number(priority) >= 2 ** 32 || Number(port) > 65_535) return undefined;
  const related = type!.toLowerCase() === "host" ? "" : " raddr 0.0.0.0 rport 9";
  return `candidate:${foundation} ${component} udp ${priority} ${address} ${port} ` +
    `typ ${type!.toLowerCase()}${related}`;
}

function parse(sdp: string): Session {
  return sdpTransform.parse(sdp) as Session;
}
