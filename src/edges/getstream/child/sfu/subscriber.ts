/**
 * The connection that carries the other participants' audio and video. The SFU makes the offers.
 *
 * @module
 */
import type { RtcTrack } from "@ringline/edge/media/child";
import { EdgeError } from "@ringline/edge/toolkit";
import { PeerType, type SubscriberOffer } from "../proto/signal_pb.ts";
import { mediaKeyOfStream } from "../call/media_key.ts";
import { undecodable } from "./offer_sdp.ts";
import { SfuConnection, type SfuConnectionInit } from "./sfu_connection.ts";

/** Options for {@linkcode Subscriber}. */
export interface SubscriberOptions extends SfuConnectionInit {
  /** A track has arrived, or another one with the same key. */
  onTrack: (key: string) => void;
}

/** Samples of a track that must have come out of the jitter buffer before it counts as flowing. */
const FLOWING_SAMPLES = 960;

/** Accepts the SFU's offers, one after the other. */
export class Subscriber extends SfuConnection {
  readonly #options: SubscriberOptions;
  readonly #media: Map<string, RtcTrack>;
  readonly #unseen = new Set<string>();
  #hasOffer = false;

  constructor(options: SubscriberOptions) {
    const media = new Map<string, RtcTrack>();
    super(options, {
      type: PeerType.SUBSCRIBER,
      doing: "subscribing",
      onTrack: ({ track, streamIds }) => {
        for (const key of streamIds.map(mediaKeyOfStream)) {
          media.set(key, track);
          options.onTrack(key);
        }
      },
    });
    this.#options = options;
    this.#media = media;
  }

  /** Whether the SFU has made an offer. */
  get isUsed(): boolean {
    return this.#hasOffer;
  }

  /** Returns a track by its key. */
  track(key: string): RtcTrack | undefined {
    return this.#media.get(key);
  }

  /** Answers an offer. */
  accept(offer: SubscriberOffer): Promise<void> {
    this.#hasOffer = true;
    return this.tasks.run(async () => {
      if (this.isClosed) return;
      this.#reportUnseen(offer.sdp);
      const { signal, sessionId } = this.#options;
      // The SFU cannot use candidates before it has the answer.
      this.holdCandidates();
      const answer = {
        peerType: PeerType.SUBSCRIBER,
        sdp: await this.peer.acceptOffer(offer.sdp),
        sessionId,
        negotiationId: offer.negotiationId,
      };
      await signal.call("SendAnswer", answer);
      this.releaseCandidates();
    });
  }

  /** Reports, once each, the participants whose video will not be seen. */
  #reportUnseen(sdp: string): void {
    for (const key of undecodable(sdp).map(mediaKeyOfStream)) {
      if (this.#unseen.has(key)) continue;
      this.#unseen.add(key);
      const error = new EdgeError(
        "a participant sends H264 only, which wrtc cannot decode, and is not seen: " +
          "have the call's clients prefer VP8",
        { code: "no-codec" },
      );
      this.#options.onError(error, `subscribing to ${key}`);
    }
  }

  /** Asks the SFU for another path through the network. */
  async restartIce(): Promise<void> {
    const { signal, sessionId } = this.#options;
    if (this.isClosed || !this.#hasOffer) return;
    await signal.call("IceRestart", { sessionId, peerType: PeerType.SUBSCRIBER });
  }

  /** Returns the ids of the tracks whose audio has come out of the jitter buffer. */
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
}
