/** The connection that carries a participant's media to the SFU. @module */
import { Peer, type PeerOptions } from "../../../../../src/media/webrtc/peer.ts";
import type { RtcCandidate, RtcTrack } from "../../../../../src/media/webrtc/rtc_types.ts";
import { onlyCodec } from "../../../../../src/edges/getstream/child/sfu/publish_sdp.ts";
import {
  ErrorCode,
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
    const answer = await peer.acceptOffer(chosen(sdp, infos));
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
  const ids = infos.map(({ trackId }) => trackId);
  if (new Set(ids).size < ids.length) {
    throw new Refused("two tracks with one id", ErrorCode.PUBLISH_TRACKS_MISMATCH);
  }
  for (const { mid, trackType, codec } of infos) {
    if (!mids.has(mid)) throw new Refused(`no section has the mid "${mid}"`);
    if (trackType === TrackType.UNSPECIFIED) throw new Refused("a track without a type");
    if (/h264/i.test(codec?.name ?? "")) throw new Refused("H264 cannot be decoded");
    if (
      codec?.name && !sdp.includes(`${codec.name}/`.toUpperCase()) &&
      !sdp.includes(`${codec.name}/`.toLowerCase())
    ) throw new Refused(`a track of ${codec.name}, which the offer does not have`);
  }
}

/** Returns the offer with the codecs that the tracks announce: the answer chooses, not the offer. */
function chosen(sdp: string, infos: readonly TrackInfo[]): string {
  return infos.reduce(
    (rest, { mid, codec }) => codec?.name ? onlyCodec(rest, mid, codec.name) : rest,
    sdp,
  );
}
