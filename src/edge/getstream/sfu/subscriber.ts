/**
 * The connection by which the others' sound and picture come from the SFU. The SFU offers.
 *
 * @module
 */
import type { RtcCandidate, RtcConnectionState, RtcTrack } from "../../../media/rtc_types.ts";
import { PeerType, type SubscriberOffer } from "../proto/signal_pb.ts";
import type { Clock } from "../../../events/clock.ts";
import { retrying } from "../retrying.ts";
import type { CallMedia, SfuPeer } from "./media.ts";
import type { SignalClient } from "./signal_client.ts";
import { TaskQueue } from "./task_queue.ts";

/** What a {@linkcode Subscriber} needs. */
export interface SubscriberOptions {
  media: CallMedia;
  iceServers: { urls: string[] }[];
  signal: SignalClient;
  clock: Clock;
  sessionId: string;
  onState: (state: RtcConnectionState) => void;
  /** A track came, or another one by the same name. */
  onTrack: (key: string) => void;
  onError: (error: unknown, context: string) => void;
}

/** Samples of a track that must have come out of the jitter buffer before it counts as flowing. */
const FLOWING_SAMPLES = 960;

/** Takes what the SFU offers, one offer after the other. */
export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #peer: SfuPeer;
  readonly #tasks = new TaskQueue();
  readonly #media = new Map<string, RtcTrack>();
  #candidates: RtcCandidate[] | undefined = [];
  #hasOffer = false;
  #closed = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#peer = options.media.createPeer({
      iceServers: options.iceServers,
      maxRemoteCandidates: 10_000,
      onCandidate: (candidate) => this.#trickle(candidate),
      onState: options.onState,
      onTrack: ({ track, streamIds }) => {
        for (const key of streamIds) {
          this.#media.set(key, track);
          options.onTrack(key);
        }
      },
      onError: (error) => options.onError(error, "subscribing"),
    });
  }

  get state(): RtcConnectionState {
    return this.#hasOffer || this.#closed ? this.#peer.state : "new";
  }

  /** Whether the SFU has offered anything. */
  get isUsed(): boolean {
    return this.#hasOffer;
  }

  /** The names of the tracks that came. */
  get keys(): Iterable<string> {
    return this.#media.keys();
  }

  /** A track by its name. */
  track(key: string): RtcTrack | undefined {
    return this.#media.get(key);
  }

  /** Answers an offer. */
  accept(offer: SubscriberOffer): Promise<void> {
    this.#hasOffer = true;
    return this.#tasks.run(async () => {
      if (this.#closed) return;
      const { signal, sessionId } = this.#options;
      // Candidates of an answer that the SFU does not have yet would be of no use to it.
      this.#candidates ??= [];
      const sdp = await this.#peer.acceptOffer(offer.sdp);
      const answer = {
        peerType: PeerType.SUBSCRIBER,
        sdp,
        sessionId,
        negotiationId: offer.negotiationId,
      };
      await retrying(() => signal.call("SendAnswer", answer), { clock: this.#options.clock });
      const waiting = this.#candidates;
      this.#candidates = undefined;
      for (const candidate of waiting ?? []) this.#trickle(candidate);
    });
  }

  /** A candidate of the SFU. */
  async addCandidate(candidate: RtcCandidate): Promise<void> {
    if (!this.#closed) await this.#peer.addCandidate(candidate);
  }

  /** Asks the SFU for another way through the network. */
  async restartIce(): Promise<void> {
    const { signal, sessionId } = this.#options;
    if (this.#closed || !this.#hasOffer) return;
    await signal.call("IceRestart", { sessionId, peerType: PeerType.SUBSCRIBER });
  }

  /** wrtc's statistics. */
  async stats(): Promise<Record<string, unknown>[]> {
    return this.#closed || !this.#hasOffer ? [] : [...(await this.#peer.stats()).values()];
  }

  /** The ids of the tracks whose sound really comes out by now. */
  async flowing(): Promise<Set<string>> {
    const ids = new Set<string>();
    for (const report of await this.stats()) {
      if (report.type !== "inbound-rtp" || typeof report.trackIdentifier !== "string") continue;
      if (Number(report.jitterBufferEmittedCount) >= FLOWING_SAMPLES) {
        ids.add(report.trackIdentifier);
      }
    }
    return ids;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#peer.close();
  }

  /** Up to the SFU; before it has the answer, candidates wait. */
  #trickle(candidate: RtcCandidate): void {
    if (this.#closed) return;
    if (this.#candidates) return void this.#candidates.push(candidate);
    const { signal, sessionId, onError } = this.#options;
    signal.call("IceTrickle", {
      peerType: PeerType.SUBSCRIBER,
      sessionId,
      iceCandidate: JSON.stringify(candidate),
    }).catch((error) => {
      if (!this.#closed) onError(error, "sending a candidate");
    });
  }
}
