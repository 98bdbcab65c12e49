/**
 * The one connection to a room: what the agent publishes and hears, and its data. The agent makes all
 * offers; the server says how many sections it needs.
 *
 * @module
 */
import { SessionDescription, SignalTarget, TrickleRequest } from "@livekit/protocol";
import type {
  HeldOffer,
  RtcCandidate,
  RtcConnectionState,
  RtcIceServer,
  RtcTrack,
  RtcTransceiver,
} from "@ringline/edge/media/child";
import { type Clock, ClosedError, ConnectionError } from "@ringline/edge/toolkit";
import type { ClientMessage } from "../signal/signal_socket.ts";
import { DataChannel } from "./data_channel.ts";
import type { CallMedia, MediaPeer } from "./media.ts";

/** Sections for others' tracks that the first offer has, which saves an offer when they are there. */
const FIRST_SECTIONS = { audio: 3, video: 1 } as const;
/** Time limit for the answer to an offer. */
const ANSWER_MS = 10_000;
/** The most sections: a server that asks for more is wrong. */
const MAX_SECTIONS = 512;

/** What {@linkcode RoomPeer} needs. */
export interface RoomPeerInit {
  media: CallMedia;
  clock: Clock;
  send: (message: ClientMessage) => void;
  onState: (state: RtcConnectionState) => void;
  /** The server has said anew which section is which track. */
  onTracks: () => void;
  onData: (message: Uint8Array) => void;
  /** A channel for data has closed by itself: only another connection has one again. */
  onDataLost: (label: string) => void;
  onError: (error: unknown, context: string) => void;
}

/** The connection to a room; an offer at a time. */
export class RoomPeer {
  readonly #options: RoomPeerInit;
  readonly #peer: MediaPeer;
  readonly #reliable: DataChannel;
  readonly #lossy: DataChannel;
  readonly #sections: RtcTransceiver[] = [];
  /** The track that each section carries. */
  #tracksByMid: Readonly<Record<string, string>> = {};
  #held: HeldOffer | undefined;
  #offers = 0;
  #isOffering = false;
  /** Whether an answer to the last offer is still welcome: a late one, too. */
  #isUnanswered = false;
  #limit: Disposable | undefined;
  /** Those who wait for the answer to this offer, and to the next one. */
  #waiting: PromiseWithResolvers<void>[] = [];
  #next: PromiseWithResolvers<void>[] = [];
  #local: string | undefined;
  #remote: string | undefined;
  #isClosed = false;

  constructor(options: RoomPeerInit) {
    this.#options = options;
    const { media, clock, onState, onData } = options;
    this.#peer = media.createPeer({
      maxRemoteCandidates: 10_000,
      onCandidate: (candidate) => this.#trickle(candidate),
      onState,
      onError: (error) => this.#report(error, "the connection to the room"),
    });
    const channel = (label: string, init?: { ordered: boolean; maxRetransmits: number }) =>
      new DataChannel(this.#peer.createDataChannel(label, init), clock, onData, () => {
        if (!this.#isClosed) options.onDataLost(label);
      });
    this.#reliable = channel("_reliable");
    this.#lossy = channel("_lossy", { ordered: false, maxRetransmits: 0 });
    this.#addSections(FIRST_SECTIONS);
  }

  /** The state of the connection. */
  get state(): RtcConnectionState {
    return this.#peer.state;
  }

  /** The channels for data. */
  get channels(): readonly DataChannel[] {
    return [this.#reliable, this.#lossy];
  }

  /** The offer and the answer that are in force, for a server that has forgotten them. */
  get descriptions(): { offer?: SessionDescription; answer?: SessionDescription } {
    if (this.#local === undefined || this.#remote === undefined) return {};
    return {
      offer: new SessionDescription({ type: "offer", sdp: this.#local }),
      answer: new SessionDescription({ type: "answer", sdp: this.#remote }),
    };
  }

  /** Returns the media of a track, if the server sends it. */
  track(sid: string): RtcTrack | undefined {
    const section = this.#sections.find(({ mid }) =>
      mid !== null && this.#tracksByMid[mid] === sid
    );
    return section?.receiver.track;
  }

  /** Returns the first offer, which is in force after {@linkcode RoomPeer.start}. */
  async firstOffer(): Promise<SessionDescription> {
    this.#isOffering = true;
    this.#held = await this.#peer.holdOffer();
    return this.#describe(this.#held.sdp);
  }

  /** Puts the first offer in force: the server is known now. */
  async start(iceServers: RtcIceServer[]): Promise<void> {
    await this.#held?.start(iceServers);
    this.#held = undefined;
    this.#limitAnswer();
  }

  /** Adds a section that sends a track. Takes effect with the next offer. */
  addSending(track: RtcTrack): RtcTransceiver {
    return this.#peer.addTransceiver(track, "sendonly");
  }

  /** Adds sections that the server needs, and offers them. */
  require({ numAudios, numVideos }: { numAudios: number; numVideos: number }): void {
    const room = MAX_SECTIONS - this.#sections.length;
    const audio = Math.min(numAudios, room);
    this.#addSections({ audio, video: Math.min(numVideos, room - audio) });
    this.negotiate().catch((error) => this.#report(error, "offering sections"));
  }

  /**
   * Offers what is there now; resolves with the answer. An offer that is out is awaited first.
   *
   * @throws {ConnectionError} the server does not answer within 10 s: `no-answer`.
   */
  negotiate(): Promise<void> {
    const done = Promise.withResolvers<void>();
    if (this.#isClosed) done.reject(new ClosedError("the connection to the room"));
    else if (this.#isOffering) this.#next.push(done);
    else {
      this.#waiting.push(done);
      this.#offer();
    }
    return done.promise;
  }

  /** Looks for another path through the network. An offer that is out is forgotten: its socket is gone. */
  restartIce(): Promise<void> {
    const done = Promise.withResolvers<void>();
    if (this.#isClosed) done.reject(new ClosedError("the connection to the room"));
    else {
      this.#waiting.push(done);
      this.#offer({ iceRestart: true });
    }
    return done.promise;
  }

  /** Applies an answer; ignores one to an offer that another has replaced. */
  async accept({ id, sdp, midToTrackId }: SessionDescription): Promise<void> {
    const isAwaited = () =>
      this.#isUnanswered && !this.#isClosed && (id === 0 || id === this.#offers);
    if (!isAwaited()) return;
    await this.#options.media.handling();
    if (!isAwaited()) return;
    this.#isUnanswered = false;
    this.#limit?.[Symbol.dispose]();
    try {
      await this.#peer.acceptAnswer(sdp);
    } catch (error) {
      this.#settle(error);
      throw error;
    }
    this.#remote = sdp;
    this.#tracksByMid = { ...midToTrackId };
    this.#options.onTracks();
    this.#settle();
  }

  /** Adds a candidate of the server. */
  async addCandidate({ candidateInit }: TrickleRequest): Promise<void> {
    const candidate = parseCandidate(candidateInit);
    if (candidate && !this.#isClosed) await this.#peer.addCandidate(candidate);
  }

  /** Returns WebRTC's statistics. */
  async stats(): Promise<Record<string, unknown>[]> {
    return this.#isClosed ? [] : [...(await this.#peer.stats()).values()];
  }

  /** Sends data, once the channel is open. */
  async sendData(message: Uint8Array, { reliable }: { reliable: boolean }): Promise<void> {
    await (reliable ? this.#reliable : this.#lossy).send(message);
  }

  /** Closes the connection. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#limit?.[Symbol.dispose]();
    for (const channel of this.channels) channel.close();
    const error = new ClosedError("the connection to the room");
    for (const one of [...this.#waiting, ...this.#next]) {
      one.promise.catch(() => {});
      one.reject(error);
    }
    await this.#peer.close();
  }

  #addSections({ audio, video }: { audio: number; video: number }): void {
    for (let count = 0; count < audio; count++) {
      this.#sections.push(this.#peer.addTransceiver("audio", "recvonly"));
    }
    for (let count = 0; count < video; count++) {
      this.#sections.push(this.#peer.addTransceiver("video", "recvonly"));
    }
  }

  #offer(options: { iceRestart?: boolean } = {}): void {
    this.#isOffering = true;
    this.#isUnanswered = false;
    this.#limitAnswer();
    const offers = this.#offers;
    this.#peer.createOffer(options).then(
      (sdp) => {
        if (this.#isClosed) return;
        this.#options.send({ case: "offer", value: this.#describe(sdp) });
      },
      (error) => {
        if (!this.#isClosed && offers === this.#offers) this.#settle(error);
      },
    );
  }

  /** Waits for an answer no longer than that: those who wait for it learn that there was none. */
  #limitAnswer(): void {
    this.#limit?.[Symbol.dispose]();
    if (this.#isClosed) return;
    this.#limit = this.#options.clock.schedule(() => this.#settle(unanswered()), ANSWER_MS);
  }

  /** The offer is answered, or has failed: the next one may go. */
  #settle(failure?: unknown): void {
    this.#limit?.[Symbol.dispose]();
    this.#isOffering = false;
    const done = this.#waiting;
    this.#waiting = this.#next;
    this.#next = [];
    for (const one of done) {
      if (failure === undefined) one.resolve();
      else one.reject(failure);
    }
    if (this.#waiting.length > 0) this.#offer();
  }

  #describe(sdp: string): SessionDescription {
    this.#local = sdp;
    this.#isUnanswered = true;
    return new SessionDescription({ type: "offer", sdp, id: ++this.#offers });
  }

  #trickle(candidate: RtcCandidate): void {
    if (this.#isClosed) return;
    const value = new TrickleRequest({
      candidateInit: JSON.stringify(candidate),
      target: SignalTarget.PUBLISHER,
    });
    this.#options.send({ case: "trickle", value });
  }

  #report(error: unknown, context: string): void {
    if (!this.#isClosed) this.#options.onError(error, context);
  }
}

function unanswered(): ConnectionError {
  const text = `the server did not answer an offer within ${ANSWER_MS} ms`;
  return new ConnectionError(text, { code: "no-answer", retryable: true });
}

function parseCandidate(text: string): RtcCandidate | undefined {
  try {
    const value = JSON.parse(text) as RtcCandidate | null;
    return typeof value?.candidate === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
