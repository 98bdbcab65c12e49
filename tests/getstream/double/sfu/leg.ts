/**
 * One participant's connection to one SFU: a socket and two peer connections. During a migration a
 * participant has two.
 *
 * @module
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { rtc } from "../../../../src/media/rtc.ts";
import type {
  RtcCandidate,
  RtcPeerConnection,
  RtcSender,
  RtcTrack,
} from "../../../../src/media/rtc_types.ts";
import {
  PeerType,
  SfuEventSchema,
  type TrackInfo,
  TrackType,
} from "../../../../src/edge/getstream/proto/signal_pb.ts";
import { Refused } from "./refused.ts";

type Payload = NonNullable<MessageInitShape<typeof SfuEventSchema>["payload"]>;

/** A track that somebody else is to be sent. */
export interface Forward {
  /** The name of its stream. */
  key: string;
  kind: "audio" | "video";
  track: RtcTrack;
}

// wrtc has more than the package's own types say.
interface Streams {
  MediaStream: new (init: { id: string }) => object;
}
const { MediaStream } = rtc as unknown as Streams;

export class Leg {
  readonly tracks = new Map<TrackType, RtcTrack>();
  socket: WebSocket | undefined;
  /** The socket neither hears nor says anything. */
  isMute = false;
  publisher: RtcPeerConnection | undefined;
  subscriber: RtcPeerConnection | undefined;
  isClosed = false;
  isBroken = false;
  readonly #forwards = new Map<string, { sender: RtcSender; track: RtcTrack | null }>();
  readonly #early: Record<"publisher" | "subscriber", RtcCandidate[]> = {
    publisher: [],
    subscriber: [],
  };
  #infos: readonly TrackInfo[] = [];
  #negotiation = 0;
  #answer: PromiseWithResolvers<string> | undefined;
  #wanted: Forward[] = [];
  #busy: Promise<void> | undefined;
  #isDirty = false;
  #iceRestart = false;

  constructor(readonly edge: string, readonly onChange: () => void) {}

  send(payload: Payload): void {
    if (this.isMute || this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(toBinary(SfuEventSchema, create(SfuEventSchema, { payload })));
  }

  /** Takes the agent's offer of what it publishes. */
  async setPublisher(sdp: string, infos: readonly TrackInfo[]): Promise<string> {
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
    if (infos.length !== active) {
      throw new Refused(`${active} sections and ${infos.length} tracks`);
    }
    this.#infos = infos;
    const pc = this.publisher ??= this.#createPublisher();
    await pc.setRemoteDescription({ type: "offer", sdp });
    const answer = await pc.createAnswer();
    await pc.setLocalDescription(answer);
    await this.#takeEarly("publisher", pc);
    for (const transceiver of pc.getTransceivers()) {
      const info = infos.find(({ mid }) => mid === transceiver.mid);
      if (info) this.tracks.set(info.trackType, transceiver.receiver.track);
    }
    this.onChange();
    return answer.sdp;
  }

  get published(): readonly TrackInfo[] {
    return this.#infos;
  }

  async addCandidate(peer: PeerType, candidate: RtcCandidate): Promise<void> {
    const name = peer === PeerType.PUBLISHER ? "publisher" : "subscriber";
    const pc = this[name];
    if (pc?.remoteDescription) await pc.addIceCandidate(candidate).catch(() => {});
    else this.#early[name].push(candidate);
  }

  /** The whole of what this participant is to be sent. */
  forward(tracks: Forward[]): void {
    this.#wanted = tracks;
    this.#negotiate();
  }

  /** Offers with another way through the network. */
  restartIce(): void {
    this.#iceRestart = true;
    this.#negotiate();
  }

  answer(negotiationId: number, sdp: string): void {
    if (negotiationId !== this.#negotiation) {
      throw new Refused(`negotiation ${negotiationId} is not open, ${this.#negotiation} is`);
    }
    // The answer may have been on its way while its participant left or lost his socket.
    this.#answer?.resolve(sdp);
  }

  /** The socket is gone: what was offered by it will not be answered. */
  loseSocket(): void {
    this.socket = undefined;
    this.#answer?.reject(new Refused("the socket is gone"));
  }

  /** Whether sound of what is published really comes out by now. */
  async isFlowing(): Promise<boolean> {
    if (this.publisher?.connectionState !== "connected") return false;
    if (!this.tracks.has(TrackType.AUDIO)) return true;
    for (const report of (await this.publisher.getStats()).values()) {
      if (report.type === "inbound-rtp" && Number(report.jitterBufferEmittedCount) >= 960) {
        return true;
      }
    }
    return false;
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#answer?.reject(new Refused("closed"));
    try {
      this.socket?.close();
    } catch {
      // It was closed already.
    }
    await this.closePeers();
  }

  /** The connections fall silent; whoever asks is told that they are gone. */
  async breakPeers(): Promise<void> {
    this.isBroken = true;
    await this.closePeers();
  }

  async closePeers(): Promise<void> {
    for (const pc of [this.publisher, this.subscriber]) {
      if (!pc) continue;
      pc.onicecandidate = pc.ontrack = null;
      await Promise.allSettled(
        pc.getTransceivers().filter(({ sender }) => sender.track)
          .map(({ sender }) => sender.replaceTrack(null)),
      );
      pc.close();
    }
  }

  #createPublisher(): RtcPeerConnection {
    const pc = new rtc.RTCPeerConnection({ bundlePolicy: "max-bundle" });
    pc.onicecandidate = ({ candidate }) => this.#trickle(PeerType.PUBLISHER, candidate);
    pc.onconnectionstatechange = () => this.onChange();
    return pc;
  }

  #createSubscriber(): RtcPeerConnection {
    const pc = new rtc.RTCPeerConnection({ bundlePolicy: "max-bundle" });
    pc.onicecandidate = ({ candidate }) => this.#trickle(PeerType.SUBSCRIBER, candidate);
    return pc;
  }

  #trickle(peerType: PeerType, candidate: RtcCandidate | null): void {
    if (!candidate?.candidate) return;
    const { sdpMid, sdpMLineIndex } = candidate;
    const iceCandidate = JSON.stringify({
      candidate: candidate.candidate,
      sdpMid,
      sdpMLineIndex,
    });
    this.send({ case: "iceTrickle", value: { peerType, iceCandidate } });
  }

  async #takeEarly(name: "publisher" | "subscriber", pc: RtcPeerConnection): Promise<void> {
    for (const candidate of this.#early[name].splice(0)) {
      await pc.addIceCandidate(candidate).catch(() => {});
    }
  }

  #negotiate(): void {
    if (this.isBroken) return;
    this.#isDirty = true;
    this.#busy ??= this.#run().finally(() => this.#busy = undefined);
  }

  async #run(): Promise<void> {
    while (this.#isDirty && !this.isClosed && !this.isBroken) {
      this.#isDirty = false;
      try {
        await this.#round();
      } catch (error) {
        // Whoever comes back is made another offer.
        if (this.isClosed || this.isBroken || !this.socket) continue;
        console.error("sfu:", error);
      }
    }
  }

  async #round(): Promise<void> {
    const iceRestart = this.#iceRestart;
    this.#iceRestart = false;
    let isNew = iceRestart;
    const keys = new Set(this.#wanted.map(({ key }) => key));
    for (const [key, forward] of this.#forwards) {
      if (keys.has(key) || forward.track === null) continue;
      forward.track = null;
      await forward.sender.replaceTrack(null);
    }
    if (this.#wanted.length === 0 && !this.subscriber) return;
    const pc = this.subscriber ??= this.#createSubscriber();
    for (const { key, track } of this.#wanted) {
      const forward = this.#forwards.get(key);
      if (!forward) {
        const init = { direction: "sendonly", streams: [new MediaStream({ id: key })] } as const;
        const { sender } = pc.addTransceiver(track, init);
        this.#forwards.set(key, { sender, track });
        isNew = true;
      } else if (forward.track !== track) {
        forward.track = track;
        await forward.sender.replaceTrack(track);
      }
    }
    // Without a socket nobody would answer: whoever comes back is offered everything.
    if (!isNew || !this.socket) return;
    const offer = await pc.createOffer(iceRestart ? { iceRestart } : {});
    const answer = this.#answer = Promise.withResolvers<string>();
    // It may be given up before it is waited for.
    answer.promise.catch(() => {});
    const negotiationId = ++this.#negotiation;
    await pc.setLocalDescription(offer);
    this.send({ case: "subscriberOffer", value: { sdp: offer.sdp, negotiationId, iceRestart } });
    const timer = setTimeout(() => answer.reject(new Refused("an offer was not answered")), 5000);
    try {
      const sdp = await answer.promise;
      await pc.setRemoteDescription({ type: "answer", sdp });
      await this.#takeEarly("subscriber", pc);
    } finally {
      clearTimeout(timer);
      this.#answer = undefined;
    }
  }
}

/** The codec that a section names first, which is what its sender uses. */
function firstCodec(sdp: string, mid: string): string | undefined {
  const section = sdp.split(/^m=/m).find((one) => one.includes(`a=mid:${mid}\r\n`));
  const payload = section?.split(/\s/)[3];
  return section?.match(new RegExp(`a=rtpmap:${payload} ([^/]+)/`))?.[1]?.toLowerCase();
}
