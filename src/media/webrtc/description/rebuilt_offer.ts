/**
 * Offers of peers, most of them SFUs, rebuilt: like an answer, an offer is never passed on to WebRTC's
 * native code, but written anew from what was understood of it. The peer's are the sections and their
 * order, the numbers of codecs and header extensions that this WebRTC knows, the directions, and the
 * names of streams; the rest of its text is dropped.
 *
 * @module
 */
import {
  EXTENSIONS,
  FEEDBACK,
  knownCodec,
  knownParameters,
  neededPayloads,
  usablePayloads,
} from "./codecs.ts";
import { directionOf, flowOf, parse, payloadsOf, type Section, type Session } from "./parsed.ts";
import { bandwidthLines, dataLines, streamLines } from "./sections.ts";
import { badSignal, candidateLines, transportLines } from "./transport.ts";

const MID = /^[\w.+-]{1,32}$/;
/** The name of a stream or track: an SFU's have colons and bars. */
const STREAM = /^[!-~]{1,256}$/;
const RID = /^[A-Za-z0-9]{1,16}$/;
/** A transport of more streams of one track than this is no simulcast. */
const MAX_RIDS = 8;

/** What all sections share, so that each name and number means one thing. */
interface Shared {
  transport: readonly string[];
  candidates: readonly string[];
  ssrcs: Set<number>;
  trackIds: Set<string>;
  /** What a payload type means. */
  codecs: Map<number, string>;
  /** What a header extension's number means, and the reverse. */
  extensions: Map<number | string, number | string>;
}

/**
 * Returns `offer` with what was understood of it. A section that cannot be used keeps its place and is
 * rejected.
 *
 * @throws {ProtocolError} no valid ICE or DTLS parameters, a section of an unknown kind, without a name
 * or with another's, or no section that shares the one transport
 */
export function rebuiltOffer(offer: string): string {
  const theirs = parse(offer);
  const mids = theirs.media.map(midOf);
  if (new Set(mids).size !== mids.length) {
    throw badSignal("two sections of the offer have one name");
  }
  const usable = usableSections(theirs);
  if (usable.length === 0) throw badSignal("the offer has no section in one bundle");
  const shared: Shared = {
    transport: transportLines("offer", [...usable, ...theirs.media, theirs]),
    candidates: candidateLines(offer),
    ssrcs: new Set(),
    trackIds: new Set(),
    codecs: new Map(),
    extensions: new Map(),
  };
  const sections = theirs.media.map((section) =>
    usable.includes(section) ? sectionLines(section, shared) : undefined
  );
  const live = mids.filter((_, index) => sections[index] !== undefined);
  if (live.length === 0) throw badSignal("the offer has no section with a known codec");
  const lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"];
  lines.push(`a=group:BUNDLE ${live.join(" ")}`, "a=msid-semantic: WMS *");
  if (theirs.extmapAllowMixed) lines.push("a=extmap-allow-mixed");
  if (theirs.icelite) lines.push("a=ice-lite");
  for (const [index, section] of theirs.media.entries()) {
    lines.push(...sections[index] ?? rejectedLines(section));
    // All sections are one transport, which the first one stands for.
    if (mids[index] === live[0]) lines.push(...shared.candidates);
  }
  return `${lines.join("\r\n")}\r\n`;
}

function midOf({ mid, type }: Section): string {
  if (type !== "audio" && type !== "video" && type !== "application") {
    throw badSignal(`the offer has a section of the unknown kind ${JSON.stringify(type)}`);
  }
  const name = String(mid ?? "");
  if (!MID.test(name)) throw badSignal("a section of the offer has no valid name");
  return name;
}

/** The sections that are not rejected and share the transport of a bundle, or stand alone. */
function usableSections({ media, groups = [] }: Session): Section[] {
  const open = media.filter(({ port, bundleOnly }) => Number(port) !== 0 || bundleOnly);
  const bundle = groups.find(({ type }) => type === "BUNDLE");
  const bundled = String(bundle?.mids ?? "").split(" ");
  return bundle === undefined && open.length === 1
    ? open
    : open.filter(({ mid }) => bundled.includes(String(mid)));
}

function rejectedLines({ type, mid }: Section): string[] {
  const [protocol, format] = type === "application"
    ? ["UDP/DTLS/SCTP", "webrtc-datachannel"]
    : ["UDP/TLS/RTP/SAVPF", "0"];
  return [`m=${type} 0 ${protocol} ${format}`, "c=IN IP4 0.0.0.0", `a=mid:${mid}`, "a=inactive"];
}

function sectionLines(section: Section, shared: Shared): string[] | undefined {
  const mid = String(section.mid);
  if (section.type === "application") return dataLines(section, mid, shared.transport);
  const payloads = offeredPayloads(section, shared.codecs);
  if (payloads.length === 0) return undefined;
  const flow = flowOf(section);
  return [
    `m=${section.type} 9 UDP/TLS/RTP/SAVPF ${payloads.join(" ")}`,
    "c=IN IP4 0.0.0.0",
    ...bandwidthLines(section),
    "a=rtcp:9 IN IP4 0.0.0.0",
    ...shared.transport,
    `a=mid:${mid}`,
    ...(section.extmapAllowMixed ? ["a=extmap-allow-mixed"] : []),
    ...extensionLines(section, shared.extensions),
    `a=${directionOf(flow)}`,
    ...(flow.send ? nameLines(section, shared.trackIds) : []),
    "a=rtcp-mux",
    ...(section.rtcpRsize ? ["a=rtcp-rsize"] : []),
    ...payloads.flatMap((payload) => codecLines(section, payload)),
    ...(flow.send ? sentLines(section, shared.ssrcs) : []),
  ];
}

/** The layers or streams of what they send. Layers are told apart by their names in the packets. */
function sentLines(section: Section, used: Set<number>): string[] {
  const layers = simulcastLines(section);
  return layers.length > 0 ? layers : streamLines(section, used);
}

/** The payload types whose codecs are known and mean the same in every section. */
function offeredPayloads(section: Section, codecs: Map<number, string>): number[] {
  const known = [...new Set(payloadsOf(section))].filter((payload) => {
    const codec = knownCodec(section, payload);
    return codec !== undefined && payload < 128 &&
      (codecs.get(payload) ?? meaningOf(section, payload)) === meaningOf(section, payload);
  });
  const usable = usablePayloads(section, known);
  for (const payload of usable) codecs.set(payload, meaningOf(section, payload));
  return usable;
}

function meaningOf(section: Section, payload: number): string {
  return `${knownCodec(section, payload)} ${parametersOf(section, payload)}`;
}

function parametersOf(section: Section, payload: number): string {
  const needed = neededPayloads(section, payload) ?? [];
  const codec = knownCodec(section, payload)!;
  if (needed.length > 0) return codec.startsWith("rtx/") ? `apt=${needed[0]}` : needed.join("/");
  return knownParameters(codec, section.fmtp.find((one) => one.payload === payload)?.config);
}

function codecLines(section: Section, payload: number): string[] {
  const [, name, rate, channels] = /^([^/]+)\/(\d+)\/(\d+)$/.exec(knownCodec(section, payload)!)!;
  const parameters = parametersOf(section, payload);
  const feedback = (section.rtcpFb ?? [])
    .filter((one) => one.payload === "*" || Number(one.payload) === payload)
    .map(({ type, subtype }) => subtype === undefined ? type : `${type} ${subtype}`)
    .filter((kind) => FEEDBACK.has(kind));
  return [
    `a=rtpmap:${payload} ${properName(name!)}/${rate}${channels === "1" ? "" : `/${channels}`}`,
    ...[...new Set(feedback)].map((kind) => `a=rtcp-fb:${payload} ${kind}`),
    ...(parameters === "" ? [] : [`a=fmtp:${payload} ${parameters}`]),
  ];
}

/** The usual spelling of a codec's name. */
function properName(name: string): string {
  return /^(vp|av|g7|pcm|cn)/.test(name) ? name.toUpperCase() : name;
}

function extensionLines({ ext = [] }: Section, known: Shared["extensions"]): string[] {
  const here = new Set<number | string>();
  return ext.flatMap(({ value, uri }) => {
    const isKnown = EXTENSIONS.has(uri) && value >= 1 && value <= 255 && value !== 15;
    if (!isKnown || here.has(value) || here.has(uri)) return [];
    if ((known.get(value) ?? uri) !== uri || (known.get(uri) ?? value) !== value) return [];
    here.add(value).add(uri);
    known.set(value, uri).set(uri, value);
    return [`a=extmap:${value} ${uri}`];
  });
}

/** The names of the section's streams and of its track. */
function nameLines({ msids, mid }: Section, trackIds: Set<string>): string[] {
  const named = msids.map((text) => text.trim().split(" "))
    .filter(([stream = "", track = ""]) =>
      STREAM.test(stream) && (track === "" || STREAM.test(track))
    );
  const track = named.find(([, one]) => one)?.[1] ?? "";
  const id = track === "" || trackIds.has(track) ? `sent-${mid}` : track;
  trackIds.add(id);
  const streams = new Set(named.map(([stream]) => stream!));
  return [...streams.size === 0 ? ["-"] : streams].slice(0, 4)
    .map((stream) => `a=msid:${stream} ${id}`);
}

/** The layers of a track that is sent in several sizes. */
function simulcastLines({ rids = [], simulcast }: Section): string[] {
  const { dir1, list1, dir2, list2 } = simulcast ?? {};
  const list = dir1 === "send" ? list1 : dir2 === "send" ? list2 : undefined;
  const sent = new Set(
    rids.filter(({ direction }) => direction === "send").map(({ id }) => String(id)),
  );
  const layers = new Set(String(list ?? "").split(";"));
  const isValid = layers.size > 1 && layers.size <= MAX_RIDS &&
    [...layers].every((layer) => RID.test(layer) && sent.has(layer));
  if (!isValid) return [];
  return [
    ...[...layers].map((layer) => `a=rid:${layer} send`),
    `a=simulcast:send ${[...layers].join(";")}`,
  ];
}
