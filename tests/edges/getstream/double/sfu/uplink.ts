/** The connection that carries a participant's media to the SFU. @module */
import { Peer, type PeerOptions } from "../../../../../src/media/webrtc/peer.ts";
import type { RtcCandidate, RtcTrack } from "../../../../../src/media/webrtc/rtc_types.ts";
import {
  type TrackInfo,
  TrackType,
} from "../../../../../src/edges/getstream/child/proto/signal_pb.ts";
import { Refused } from "./refused.ts";

/** Samples of a track that must have come out before it counts as flowing. */
const FLOWING_SAMPLES = 960;

export class Uplink {
  readonly tracks = new Map<TrackType, RtcTrack>();
  readonly #options: Pick<PeerOptions, "onCandidate" | "onState">;
  #peer: Peer | undefined;

  constructor(options: Pick<PeerOptions, "onCandidate" | "onState">) {
    this.#options = options;
  }

  /** Whether anything was published. */
  get isUsed(): boolean {
    return this.#peer !== undefined;
  }

  /** Takes the participant's offer of what they publish; returns the answer. */
  async accept(sdp: string, infos: readonly TrackInfo[]): Promise<string> {
    checkTracks(sdp, infos);
    const peer = this.#peer ??= new Peer(this.#options);
    const answer = await peer.acceptOffer(sdp);
    for (const transceiver of peer.connection.getTransceivers()) {
      const info = infos.find(({ mid }) => mid === transceiver.mid);
      if (info) this.tracks.set(info.trackType, transceiver.receiver.track);
    }
    return answer;
  }

  async addCandidate(candidate: RtcCandidate): Promise<void> {
    await this.#peer?.addCandidate(candidate);
  }

  /** Whether sound of what is published really comes out by now. */
  async isFlowing(): Promise<boolean> {
    if (this.#peer?.state !== "connected") return false;
    if (!this.tracks.has(TrackType.AUDIO)) return true;
    return [...(await this.#peer.stats()).values()].some(({ type, jitterBufferEmittedCount }) =>
      type === "inbound-rtp" && Number(jitterBufferEmittedCount) >= FLOWING_SAMPLES
    );
  }

  async close(): Promise<void> {
    await this.#peer?.close();
  }
}

/** Refuses tracks that do not fit the offer. */
function checkTracks(sdp: string, infos: readonly TrackInfo[]): void {
  const mids = new Set([...sdp.matchAll(/^a=mid:(\S+)/gm)].map(([, mid]) => mid));
  for (const { mid, trackType, codec } of infos) {
    if (!mids.has(mid)) throw new Refused(`no section has the mid "${mid}"`);
    if (trackType === TrackType.UNSPECIFIED) throw new Refused("a track without a type");
    if (/h264/i.test(codec?.name ?? "")) throw new Refused("H264 cannot be decoded");
    const offered = firstCodec(sdp, mid);
    if (codec?.name && codec.name.toLowerCase() !== offered) {
      throw new Refused(`a track of ${codec.name} in a section of ${offered}`);
    }
  }
  const active = [...sdp.matchAll(/^m=(?!application)/gm)].length;
  if (infos.length !== active) throw new Refused(`${active} sections and ${infos.length} tracks`);
}

/** The codec that a section names first, which is what its sender uses. */
function firstCodec(sdp: string, mid: string): string | undefined {
  const section = sdp.split(/^m=/m).find((one) => one.includes(`a=mid:${mid}\r\n`));
  const payload = section?.split(/\s/)[3];
  return section?.match(new RegExp(`a=rtpmap:${payload} ([^/]+)/`))?.[1]?.toLowerCase();
}
