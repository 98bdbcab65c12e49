/**
 * One participant's connection to one SFU: a socket and two peer connections. During a migration a
 * participant has two.
 *
 * @module
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { RtcCandidate, RtcTrack } from "../../../../../src/media/webrtc/rtc_types.ts";
import {
  PeerType,
  SfuEventSchema,
  type TrackInfo,
  type TrackType,
} from "../../../../../src/edges/getstream/child/proto/signal_pb.ts";
import { Downlink, type Forward } from "./downlink.ts";
import type { Network } from "./network.ts";
import { Refused } from "./refused.ts";
import { Uplink } from "./uplink.ts";

/** A message of the SFU. */
export type Payload = NonNullable<MessageInitShape<typeof SfuEventSchema>["payload"]>;

/** Sends a message over a socket, if that is open. */
export function sendTo(socket: WebSocket | undefined, payload: Payload): void {
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send(toBinary(SfuEventSchema, create(SfuEventSchema, { payload })));
}

export class Leg {
  socket: WebSocket | undefined;
  /** Whether the socket ignores all messages and sends none. */
  isMute = false;
  isClosed = false;
  /** Whether the media has stopped without a message to the client. */
  #isBroken = false;
  readonly #network: Network;
  readonly #onChange: () => void;
  readonly #uplink: Uplink;
  readonly #downlink: Downlink;

  /** @param options `onChange` is called when the published tracks, or their state, have changed */
  constructor(
    readonly edge: string,
    options: { socket: WebSocket; network: Network; onChange: () => void },
  ) {
    this.socket = options.socket;
    this.#network = options.network;
    this.#onChange = options.onChange;
    this.#uplink = new Uplink({
      onCandidate: (candidate) => this.#trickle(PeerType.PUBLISHER, candidate),
      onState: options.onChange,
    });
    this.#downlink = new Downlink({
      onCandidate: (candidate) => this.#trickle(PeerType.SUBSCRIBER, candidate),
      isOnline: () => this.socket !== undefined,
      sendOffer: async (offer) => {
        const sdp = await this.#network.toAgent(offer.sdp);
        this.send({ case: "subscriberOffer", value: { ...offer, sdp } });
      },
    });
  }

  /** The published tracks. */
  get tracks(): ReadonlyMap<TrackType, RtcTrack> {
    return this.#uplink.tracks;
  }

  get isPublishing(): boolean {
    return this.#uplink.isUsed;
  }

  send(payload: Payload): void {
    if (!this.isMute) sendTo(this.socket, payload);
  }

  /** Accepts the agent's offer of its tracks; returns the answer. */
  async setPublisher(sdp: string, infos: readonly TrackInfo[]): Promise<string> {
    if (this.#isBroken || this.isClosed) {
      throw new Refused("the connection is gone", 500, { isFault: false });
    }
    const answer = await this.#uplink.accept(await this.#network.toSfu(sdp), infos);
    this.#onChange();
    return await this.#network.toAgent(answer);
  }

  async addCandidate(peer: PeerType, init: RtcCandidate): Promise<void> {
    const candidate = await this.#network.toSfu(init.candidate);
    const link = peer === PeerType.PUBLISHER ? this.#uplink : this.#downlink;
    // The connection may have been closed.
    if (candidate !== "") await link.addCandidate({ ...init, candidate }).catch(() => {});
  }

  /** Sets all tracks that this participant receives. */
  forward(tracks: Forward[]): void {
    this.#downlink.forward(tracks);
  }

  /** Offers another path through the network. */
  restartIce(): void {
    this.#downlink.restartIce();
  }

  async answer(negotiationId: number, sdp: string): Promise<void> {
    this.#downlink.answer(negotiationId, await this.#network.toSfu(sdp));
  }

  loseSocket(): void {
    this.socket = undefined;
    this.#downlink.giveUpOffer();
  }

  /** Whether the published audio has come out of the jitter buffer. */
  isFlowing(): Promise<boolean> {
    return this.#uplink.isFlowing();
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    try {
      this.socket?.close();
    } catch {
      // It was closed already.
    }
    await this.#closeLinks();
  }

  /** Closes the connections without a message; a later offer is refused. */
  async breakPeers(): Promise<void> {
    this.#isBroken = true;
    await this.#closeLinks();
  }

  async #closeLinks(): Promise<void> {
    await Promise.all([this.#uplink.close(), this.#downlink.close()]);
  }

  async #trickle(peerType: PeerType, found: RtcCandidate): Promise<void> {
    const candidate = await this.#network.toAgent(found.candidate);
    if (candidate === "") return;
    const iceCandidate = JSON.stringify({ ...found, candidate });
    this.send({ case: "iceTrickle", value: { peerType, iceCandidate } });
  }
}
