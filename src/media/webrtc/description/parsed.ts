/** Session descriptions as they are read, before anything of them is believed. @module */
import sdpTransform from "sdp-transform";

/** A parsed section, as far as it is used. Numbers may come as texts, and texts as numbers. */
export interface Section extends Transport {
  type: string;
  port: number;
  protocol: string;
  payloads?: string | number;
  mid?: string | number;
  direction?: string;
  bundleOnly?: string;
  extmapAllowMixed?: string;
  rtp: { payload: number; codec: string; rate?: number; encoding?: number }[];
  fmtp: { payload: number; config: string | number }[];
  rtcpFb?: { payload: number | string; type: string; subtype?: string }[];
  ext?: { value: number; uri: string }[];
  rtcpRsize?: string;
  ssrcs?: { id: number }[];
  ssrcGroups?: { semantics: string; ssrcs: string }[];
  bandwidth?: { type: string; limit: number | string }[];
  rids?: { id: number | string; direction: string; params?: string }[];
  simulcast?: { dir1?: string; list1?: string | number; dir2?: string; list2?: string | number };
  sctpPort?: number;
  maxMessageSize?: number;
  /** What follows `a=msid:`, line by line. */
  msids: string[];
}

/** The ICE and DTLS parameters of a section, or of a whole session. */
export interface Transport {
  setup?: string;
  iceUfrag?: string | number;
  icePwd?: string | number;
  fingerprint?: { type: string; hash: string };
}

/** A parsed description. */
export interface Session extends Transport {
  media: Section[];
  groups?: { type: string; mids: string | number }[];
  extmapAllowMixed?: string;
  icelite?: string;
}

/** Reads a description; what it does not understand is absent. */
export function parse(sdp: string): Session {
  const session = sdpTransform.parse(sdp) as Session;
  // The parser cuts streams' names at the first sign that is no letter: an SFU's have colons.
  let at = -1;
  for (const section of session.media) section.msids = [];
  for (const line of sdp.split(/\r\n|\r|\n/)) {
    if (line.startsWith("m=")) at++;
    else if (line.startsWith("a=msid:")) session.media[at]?.msids.push(line.slice(7));
  }
  return session;
}

/** Whether header extensions of both lengths may be mixed, in the session or in each section. */
export function allowsMixed({ extmapAllowMixed, media }: Session): boolean {
  const withExtensions = media.filter(({ type }) => type !== "application");
  return extmapAllowMixed !== undefined ||
    withExtensions.length > 0 && withExtensions.every((one) => one.extmapAllowMixed !== undefined);
}

/** The payload types that a section lists, in its order. */
export function payloadsOf({ payloads = "" }: Section): number[] {
  return String(payloads).split(" ").filter((one) => /^\d{1,3}$/.test(one)).map(Number);
}

/** The name of a payload's codec with its rate and channels; `undefined` without one. */
export function codecOf(section: Section, payload: number): string | undefined {
  const one = section.rtp.find((each) => each.payload === payload);
  return one && `${one.codec}/${one.rate}/${one.encoding ?? 1}`.toLowerCase();
}

/** Returns a line of feedback. */
export function feedbackLine(
  { payload, type, subtype }: { payload: number | string; type: string; subtype?: string },
): string {
  return `a=rtcp-fb:${payload} ${type}${subtype === undefined ? "" : ` ${subtype}`}`;
}

/** Which way media flows, as one end sees it. */
export interface Flow {
  send: boolean;
  receive: boolean;
}

/** Returns the flow that a section asks for. */
export function flowOf({ direction = "sendrecv" }: Section): Flow {
  return {
    send: direction === "sendrecv" || direction === "sendonly",
    receive: direction === "sendrecv" || direction === "recvonly",
  };
}

/** Returns the name of a flow. */
export function directionOf({ send, receive }: Flow): string {
  return send ? (receive ? "sendrecv" : "sendonly") : receive ? "recvonly" : "inactive";
}
