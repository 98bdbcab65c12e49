/** The codecs and header extensions that this WebRTC knows, and what may be said of them. @module */
import { codecOf, payloadsOf, type Section } from "./parsed.ts";

/** Codecs that carry no media of their own. */
const HELPERS = new Set(["rtx", "red", "ulpfec", "flexfec-03", "telephone-event", "cn"]);

/** Without iSAC and iLBC, which WebRTC still decodes here and nothing that is kept up still sends. */
const CODECS: Record<string, ReadonlySet<string>> = {
  audio: new Set([
    ...["opus/48000/2", "red/48000/2", "g722/8000/1", "pcmu/8000/1", "pcma/8000/1"],
    ...["cn/8000/1", "cn/16000/1", "cn/32000/1", "cn/48000/1"],
    ...["telephone-event/8000/1", "telephone-event/16000/1"],
    ...["telephone-event/32000/1", "telephone-event/48000/1"],
  ]),
  video: new Set(
    ["vp8", "vp9", "av1", "rtx", "red", "ulpfec", "flexfec-03"].map((name) => `${name}/90000/1`),
  ),
};

/** Codecs that need no description. */
const STATIC: Record<number, string> = { 0: "pcmu/8000/1", 8: "pcma/8000/1", 9: "g722/8000/1" };

/** Parameters of the codecs, and their values. */
const PARAMETERS: Record<string, Record<string, RegExp>> = {
  opus: {
    minptime: /^\d{1,3}$/,
    useinbandfec: /^[01]$/,
    usedtx: /^[01]$/,
    stereo: /^[01]$/,
    "sprop-stereo": /^[01]$/,
    cbr: /^[01]$/,
    maxaveragebitrate: /^\d{4,6}$/,
    maxplaybackrate: /^\d{4,5}$/,
  },
  vp8: { "max-fr": /^\d{1,3}$/, "max-fs": /^\d{1,6}$/ },
  vp9: { "profile-id": /^[0-3]$/ },
  av1: { "level-idx": /^\d{1,2}$/, profile: /^[0-2]$/, tier: /^[01]$/ },
  "flexfec-03": { "repair-window": /^\d{1,9}$/ },
};

const URN = "urn:ietf:params:rtp-hdrext:";
const EXPERIMENT = "http://www.webrtc.org/experiments/rtp-hdrext/";
/** Header extensions that this WebRTC knows. */
export const EXTENSIONS: ReadonlySet<string> = new Set([
  ...["ssrc-audio-level", "toffset", "sdes:mid"].map((name) => URN + name),
  ...["sdes:rtp-stream-id", "sdes:repaired-rtp-stream-id"].map((name) => URN + name),
  ...["abs-send-time", "abs-capture-time", "playout-delay", "video-content-type"]
    .map((name) => EXPERIMENT + name),
  ...["video-timing", "color-space", "video-layers-allocation00"].map((name) => EXPERIMENT + name),
  "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
  "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
  "urn:3gpp:video-orientation",
]);

/** Kinds of feedback that this WebRTC knows. */
export const FEEDBACK: ReadonlySet<string> = new Set([
  ...["nack", "nack pli", "ccm fir", "goog-remb", "transport-cc", "rrtr"],
]);

/** Returns the codec of a payload type, named or not. */
export function knownCodec(section: Section, payload: number): string | undefined {
  const codec = codecOf(section, payload) ??
    (section.type === "audio" ? STATIC[payload] : undefined);
  return codec !== undefined && CODECS[section.type]?.has(codec) ? codec : undefined;
}

/** Returns the understood parameters of a codec that carries media, for its `a=fmtp` line. */
export function knownParameters(codec: string, config: string | number | undefined): string {
  const known = PARAMETERS[codec.split("/")[0]!] ?? {};
  const seen = new Set<string>();
  return String(config ?? "").split(";").flatMap((part) => {
    const [name = "", value = ""] = part.trim().split("=");
    if (!Object.hasOwn(known, name) || seen.has(name) || !known[name]!.test(value)) return [];
    seen.add(name);
    return [`${name}=${value}`];
  }).join(";");
}

/** The payload types that a payload repairs or repeats, and needs; `undefined` when it names none. */
export function neededPayloads(section: Section, payload: number): number[] | undefined {
  const name = (codecOf(section, payload) ?? "").split("/")[0];
  const config = String(section.fmtp.find((one) => one.payload === payload)?.config ?? "");
  if (name === "rtx") {
    const apt = /^apt=(\d{1,3})$/.exec(config)?.[1];
    return apt === undefined ? undefined : [Number(apt)];
  }
  if (name !== "red" || config === "") return [];
  return /^\d{1,3}(\/\d{1,3}){0,7}$/.test(config) ? config.split("/").map(Number) : undefined;
}

/** Returns those of the payload types that have what they need, if any of them carries media. */
export function usablePayloads(section: Section, payloads: readonly number[]): number[] {
  const name = (payload: number): string =>
    (knownCodec(section, payload) ?? codecOf(section, payload) ?? "").split("/")[0]!;
  const usable = payloads.filter((payload) =>
    // What repairs or repeats a codec needs that codec, and is none that could be needed so.
    neededPayloads(section, payload)?.every((one) =>
      payloads.includes(one) && name(one) !== "rtx" && name(one) !== name(payload)
    ) ?? false
  );
  return usable.some((payload) => !HELPERS.has(name(payload))) ? usable : [];
}

/** Returns the payload types that both sides name with the same meaning, in the order of the answer. */
export function commonPayloads(ours: Section, theirs: Section | undefined): number[] {
  if (!theirs || theirs.type !== ours.type) return [];
  const offered = new Set(payloadsOf(ours));
  const same = [...new Set(payloadsOf(theirs))].filter((payload) => {
    const name = codecOf(theirs, payload);
    // Those of the static range need no name.
    return offered.has(payload) &&
      (name === undefined ? payload < 35 : name === codecOf(ours, payload));
  });
  return usablePayloads(ours, same);
}
