/** A peer connection that no peer and no order of events can break. @module */
import { ClosedError, ProtocolError } from "../../edge/errors.ts";
import { rtc } from "./rtc.ts";
import type {
  RtcCandidate,
  RtcConfiguration,
  RtcConnectionState,
  RtcDataChannel,
  RtcDataChannelInit,
  RtcDirection,
  RtcIceServer,
  RtcPeerConnection,
  RtcTrack,
  RtcTransceiver,
} from "./rtc_types.ts";
import { rebuiltCandidate } from "./description/candidate.ts";
import { rebuiltAnswer } from "./description/rebuilt_answer.ts";
import { rebuiltOffer } from "./description/rebuilt_offer.ts";
import {
  countCandidates,
  filterCandidates,
  transportSection,
  withAudioNack,
  withPacketTime,
} from "./sdp.ts";

/** Options of a {@linkcode Peer}. */
export interface PeerOptions {
  /** STUN and TURN servers; none unless given. */
  iceServers?: RtcIceServer[];
  /** The UDP ports to use. Default any free one. One port serves one peer. */
  portRange?: { min: number; max: number };
  /** Which candidates may be used or passed on. Default all. */
  keepCandidate?: (candidate: string, side: "local" | "remote") => boolean;
  /** The maximum of remote candidates, including those in descriptions. Default 64. */
  maxRemoteCandidates?: number;
  /** How long the packets of sound are, both ways. Default 10 ms. */
  packetMs?: 10 | 20;
  /** Takes the offers that {@linkcode Peer.negotiate} creates. */
  onOffer?(sdp: string): void;
  /** Takes a local candidate, never before the description it belongs to. */
  onCandidate?(candidate: RtcCandidate): void;
  /** The connection's state has changed. */
  onState?(state: RtcConnectionState): void;
  /** The other side sends a track. */
  onTrack?(event: { track: RtcTrack; transceiver: RtcTransceiver; streamIds: string[] }): void;
  /** Takes an error of work that no caller waits for. */
  onError?(error: unknown): void;
}

/** An offer that is not in force yet. */
export interface HeldOffer {
  /** The offer, without candidates. */
  readonly sdp: string;
  /** Puts it in force, and gathers candidates with these servers. */
  start(iceServers: RtcIceServer[]): Promise<void>;
}

/**
 * One peer connection, with what wrtc leaves to its users: it keeps candidates that arrive before their
 * description, creates one offer at a time, asks for short packets and for those that are lost again,
 * and closes in the order that does not crash. Offers, answers and candidates of the other side are
 * rebuilt from what was understood of them, since some texts end the process: see `description/`. All
 * sections share one transport.
 */
export class Peer {
  /** @internal wrtc's own connection, for what this class does not cover. */
  readonly connection: RtcPeerConnection;
  readonly #options: PeerOptions;
  readonly #maxRemote: number;
  /** Local candidates found before their description was passed on. */
  #localWaiting: RtcCandidate[] | undefined = [];
  #remoteWaiting: string[] = [];
  #remoteCount = 0;
  #rejectedCandidates = 0;
  /** The section that stands for the transport; `undefined` before the first remote description. */
  #transport: Pick<RtcCandidate, "sdpMid" | "sdpMLineIndex"> | undefined;
  #turnsPictures = false;
  #offerOut = false;
  #offerWanted: { iceRestart: boolean } | undefined;
  readonly #channels: RtcDataChannel[] = [];
  #closed: Promise<void> | undefined;

  /** Opens no port before the first description. Close it in any case. */
  constructor(options: PeerOptions = {}) {
    this.#options = options;
    this.#maxRemote = options.maxRemoteCandidates ?? 64;
    const connection = new rtc.RTCPeerConnection(this.#configuration(options.iceServers));
    this.connection = connection;
    connection.onicecandidate = ({ candidate }) => {
      if (candidate === null || candidate.candidate === "") return;
      if (!this.#keeps(candidate.candidate, "local")) return;
      if (this.#localWaiting === undefined) options.onCandidate?.(plain(candidate));
      else this.#localWaiting.push(plain(candidate));
    };
    connection.onconnectionstatechange = () => options.onState?.(connection.connectionState);
    connection.ontrack = ({ track, transceiver, streams }) =>
      options.onTrack?.({ track, transceiver, streamIds: streams.map((stream) => stream.id) });
  }

  /**
   * Describes what WebRTC can send or receive here, as an offer of audio and video. Opens no port.
   */
  static async describe(direction: RtcDirection): Promise<string> {
    const connection = new rtc.RTCPeerConnection();
    try {
      connection.addTransceiver("audio", { direction });
      connection.addTransceiver("video", { direction });
      // Not set as local description, it opens no port and gathers nothing.
      return (await connection.createOffer()).sdp;
    } finally {
      connection.close();
    }
  }

  /** The state of the connection. */
  get state(): RtcConnectionState {
    return this.#closed === undefined ? this.connection.connectionState : "closed";
  }

  /** Remote candidates that were rejected, by the filter or for their number. */
  get rejectedCandidates(): number {
    return this.#rejectedCandidates;
  }

  /**
   * Whether the other side turns pictures that lie or stand on their head. One that has not agreed to it
   * is sent no such picture at all.
   */
  get turnsPictures(): boolean {
    return this.#turnsPictures;
  }

  /** Adds a media section. Takes effect with the next offer. */
  addTransceiver(kind: "audio" | "video" | RtcTrack, direction: RtcDirection): RtcTransceiver {
    this.#assertOpen();
    return this.connection.addTransceiver(kind, { direction });
  }

  /** Adds a channel for messages. Takes effect with the next offer; closing the peer closes it. */
  createDataChannel(label: string, init: RtcDataChannelInit = {}): RtcDataChannel {
    this.#assertOpen();
    const channel = this.connection.createDataChannel(label, init);
    channel.binaryType = "arraybuffer";
    this.#channels.push(channel);
    return channel;
  }

  /**
   * Creates the first offer for a server that names its ICE servers only when it has the offer: it is in
   * force, and candidates are gathered, when the result's `start` is called.
   */
  async holdOffer(): Promise<HeldOffer> {
    this.#assertOpen();
    this.#offerOut = true;
    const offer = await this.connection.createOffer();
    return {
      sdp: this.#outgoing(offer.sdp),
      start: async (iceServers) => {
        this.#assertOpen();
        if (iceServers.length > 0) {
          this.connection.setConfiguration(this.#configuration(iceServers));
        }
        await this.connection.setLocalDescription(offer);
        queueMicrotask(() => this.#releaseLocalCandidates());
      },
    };
  }

  /**
   * Creates an offer and passes it to `onOffer`. While another offer is unanswered, the new one follows
   * its answer.
   */
  negotiate(options: { iceRestart?: boolean } = {}): void {
    this.#assertOpen();
    const iceRestart = options.iceRestart ?? false;
    if (this.#offerOut) {
      this.#offerWanted = { iceRestart: iceRestart || (this.#offerWanted?.iceRestart ?? false) };
      return;
    }
    this.#offer(iceRestart).then(
      (sdp) => {
        if (this.#closed !== undefined) return;
        this.#options.onOffer?.(sdp);
        this.#releaseLocalCandidates();
      },
      (error) => {
        if (this.#closed === undefined) this.#options.onError?.(error);
      },
    );
  }

  /** Creates an offer and returns it. Local candidates follow it. */
  async createOffer(options: { iceRestart?: boolean } = {}): Promise<string> {
    this.#assertOpen();
    const sdp = await this.#offer(options.iceRestart ?? false);
    queueMicrotask(() => this.#releaseLocalCandidates());
    return sdp;
  }

  /**
   * Applies the answer to the pending offer.
   *
   * @throws {ProtocolError} no offer is pending, or the answer has no valid transport
   */
  async acceptAnswer(sdp: string): Promise<void> {
    this.#assertOpen();
    if (!this.#offerOut) {
      throw new ProtocolError("unexpected answer: no offer is pending", { code: "bad-signal" });
    }
    const offer = withAudioNack(this.connection.localDescription?.sdp ?? "");
    await this.#setRemote("answer", rebuiltAnswer(offer, sdp));
    this.#offerOut = false;
    const wanted = this.#offerWanted;
    this.#offerWanted = undefined;
    if (wanted !== undefined && this.#closed === undefined) this.negotiate(wanted);
  }

  /**
   * Applies a remote offer and returns the answer to it.
   *
   * @throws {ProtocolError} the offer has no valid transport, or sections without a name
   */
  async acceptOffer(sdp: string): Promise<string> {
    this.#assertOpen();
    const offer = rebuiltOffer(sdp);
    await this.#setRemote("offer", offer);
    const answer = await this.connection.createAnswer();
    await this.connection.setLocalDescription(answer);
    queueMicrotask(() => this.#releaseLocalCandidates());
    return withAudioNack(this.#outgoing(answer.sdp), offer);
  }

  /**
   * Adds a remote candidate, at any time: one that arrives too early waits. One that names no IP
   * address, or that the filter rejects, is counted and dropped.
   */
  async addCandidate(
    { candidate, usernameFragment }: Pick<RtcCandidate, "candidate" | "usernameFragment">,
  ): Promise<void> {
    this.#assertOpen();
    if (candidate === "") return;
    const rebuilt = rebuiltCandidate(candidate, usernameFragment);
    const isKept = rebuilt !== undefined && this.#keeps(rebuilt, "remote");
    if (!isKept || this.#remoteCount >= this.#maxRemote) {
      this.#rejectedCandidates++;
      return;
    }
    this.#remoteCount++;
    if (this.#transport !== undefined) await this.#apply(rebuilt);
    else this.#remoteWaiting.push(rebuilt);
  }

  /** Returns wrtc's statistics, by id. */
  async stats(): Promise<Map<string, Record<string, unknown>>> {
    this.#assertOpen();
    return await this.connection.getStats();
  }

  /** Closes the connection, whose sinks must have been stopped. Idempotent. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    const connection = this.connection;
    connection.onicecandidate = null;
    connection.onconnectionstatechange = null;
    connection.ontrack = null;
    for (const channel of this.#channels) {
      channel.onopen = channel.onmessage = channel.onclose = null;
    }
    this.#localWaiting = undefined;
    this.#remoteWaiting = [];
    // wrtc may crash when a connection closes while a sender still holds a track.
    await Promise.allSettled(
      connection.getTransceivers()
        .filter(({ sender }) => sender.track !== null)
        .map(({ sender }) => sender.replaceTrack(null)),
    );
    connection.close();
  }

  /** wrtc wants all of it each time. */
  #configuration(iceServers: RtcIceServer[] = []): RtcConfiguration {
    const { portRange } = this.#options;
    return {
      iceServers,
      bundlePolicy: "max-bundle",
      ...(portRange === undefined ? {} : { portRange }),
    };
  }

  async #offer(iceRestart: boolean): Promise<string> {
    this.#offerOut = true;
    try {
      if (iceRestart) {
        // New candidates belong to the new description, and count anew.
        this.#localWaiting = [];
        this.#remoteCount = 0;
      }
      const offer = await this.connection.createOffer(iceRestart ? { iceRestart } : {});
      await this.connection.setLocalDescription(offer);
      return withAudioNack(this.#outgoing(offer.sdp));
    } catch (error) {
      this.#offerOut = false;
      throw error;
    }
  }

  async #setRemote(type: "offer" | "answer", sdp: string): Promise<void> {
    const cleaned = filterCandidates(
      sdp,
      (candidate) => this.#keeps(candidate, "remote"),
      Math.max(0, this.#maxRemote - this.#remoteCount),
    );
    this.#remoteCount += countCandidates(cleaned);
    await this.connection.setRemoteDescription({ type, sdp: this.#paced(cleaned) });
    this.#transport = transportSection(cleaned);
    this.#turnsPictures = /^a=extmap:\d+ urn:3gpp:video-orientation\s*$/m.test(cleaned);
    const waiting = this.#remoteWaiting;
    this.#remoteWaiting = [];
    for (const candidate of waiting) await this.#apply(candidate);
  }

  async #apply(candidate: string): Promise<void> {
    if (this.#closed !== undefined || this.#transport === undefined) return;
    try {
      await this.connection.addIceCandidate({ candidate, ...this.#transport });
    } catch (error) {
      // One bad candidate of many does not end the connection.
      this.#rejectedCandidates++;
      if (this.#closed === undefined) this.#options.onError?.(error);
    }
  }

  #outgoing(sdp: string): string {
    return this.#paced(filterCandidates(sdp, (candidate) => this.#keeps(candidate, "local")));
  }

  #paced(sdp: string): string {
    return withPacketTime(sdp, this.#options.packetMs);
  }

  #releaseLocalCandidates(): void {
    const waiting = this.#localWaiting;
    this.#localWaiting = undefined;
    for (const candidate of waiting ?? []) this.#options.onCandidate?.(candidate);
  }

  #keeps(candidate: string, side: "local" | "remote"): boolean {
    return this.#options.keepCandidate?.(candidate, side) ?? true;
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new ClosedError("the peer connection");
  }
}

function plain(candidate: RtcCandidate): RtcCandidate {
  return {
    candidate: candidate.candidate,
    sdpMid: candidate.sdpMid ?? null,
    sdpMLineIndex: candidate.sdpMLineIndex ?? null,
  };
}
