/** The connection that carries the others' media to a participant. @module */
import { Peer, type PeerOptions } from "../../../../../src/media/webrtc/peer.ts";
import { rtc } from "../../../../../src/media/webrtc/rtc.ts";
import type {
  RtcCandidate,
  RtcSender,
  RtcTrack,
} from "../../../../../src/media/webrtc/rtc_types.ts";
import { Offers } from "./offers.ts";

const ANSWER_MS = 5000;

/** A track to send to a participant. */
export interface Forward {
  /** The name of its stream. */
  key: string;
  track: RtcTrack;
}

/** An offer, as the participant receives it. */
export interface Offer {
  sdp: string;
  negotiationId: number;
  iceRestart: boolean;
}

export interface DownlinkOptions extends Pick<PeerOptions, "onCandidate"> {
  sendOffer: (offer: Offer) => Promise<void>;
  /** Whether a client is there to answer. */
  isOnline: () => boolean;
}

// wrtc has more than the package's own types say.
interface Streams {
  MediaStream: new (init: { id: string }) => object;
}
const { MediaStream } = rtc as unknown as Streams;

export class Downlink {
  readonly #options: DownlinkOptions;
  readonly #forwards = new Map<string, { sender: RtcSender; track: RtcTrack | null }>();
  readonly #offers = new Offers();
  #peer: Peer | undefined;
  #wanted: Forward[] = [];
  #busy: Promise<void> | undefined;
  #isDirty = false;
  #iceRestart = false;
  #isClosed = false;

  constructor(options: DownlinkOptions) {
    this.#options = options;
  }

  /** Sets all tracks that the participant receives. */
  forward(tracks: Forward[]): void {
    this.#wanted = tracks;
    this.#negotiate();
  }

  /** Offers another path through the network. */
  restartIce(): void {
    this.#iceRestart = true;
    this.#negotiate();
  }

  answer(negotiationId: number, sdp: string): void {
    this.#offers.answer(negotiationId, sdp);
  }

  /** Withdraws the open offer: a client that reconnects receives another one. */
  giveUpOffer(): void {
    this.#offers.withdraw("the socket is gone");
  }

  async addCandidate(candidate: RtcCandidate): Promise<void> {
    await this.#peer?.addCandidate(candidate);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#offers.withdraw("closed");
    await this.#peer?.close();
  }

  #negotiate(): void {
    this.#isDirty = true;
    this.#busy ??= this.#run().finally(() => this.#busy = undefined);
  }

  async #run(): Promise<void> {
    while (this.#isDirty && !this.#isClosed) {
      this.#isDirty = false;
      try {
        await this.#round();
      } catch (error) {
        if (!this.#isClosed && this.#options.isOnline()) console.error("sfu:", error);
      }
    }
  }

  async #round(): Promise<void> {
    const iceRestart = this.#iceRestart;
    this.#iceRestart = false;
    const isNew = await this.#syncForwards() || iceRestart;
    const peer = this.#peer;
    // Without a socket no answer would come: a client that comes back is offered everything.
    if (!peer || !isNew || !this.#options.isOnline()) return;
    const sdp = await peer.createOffer({ iceRestart });
    const { negotiationId, answer } = this.#offers.open();
    await this.#options.sendOffer({ sdp, negotiationId, iceRestart });
    const timer = setTimeout(() => this.#offers.withdraw("an offer was not answered"), ANSWER_MS);
    try {
      await peer.acceptAnswer(await answer);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends the set tracks and no others; returns whether that needs another offer. */
  async #syncForwards(): Promise<boolean> {
    const keys = new Set(this.#wanted.map(({ key }) => key));
    for (const [key, forward] of this.#forwards) {
      if (keys.has(key) || forward.track === null) continue;
      forward.track = null;
      await forward.sender.replaceTrack(null);
    }
    let isNew = false;
    for (const { key, track } of this.#wanted) {
      const forward = this.#forwards.get(key);
      if (!forward) {
        const { connection } = this.#peer ??= new Peer(this.#options);
        const init = { direction: "sendonly", streams: [new MediaStream({ id: key })] } as const;
        const { sender } = connection.addTransceiver(track, init);
        this.#forwards.set(key, { sender, track });
        isNew = true;
      } else if (forward.track !== track) {
        forward.track = track;
        await forward.sender.replaceTrack(track);
      }
    }
    return isNew;
  }
}
