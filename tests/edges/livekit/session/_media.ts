/** A connection to a room without WebRTC. */
import type {
  HeldOffer,
  PeerOptions,
  RtcDataChannel,
  RtcDirection,
  RtcSender,
  RtcTrack,
  RtcTransceiver,
} from "../../../../src/media/child/mod.ts";
import type { CallMedia, MediaPeer } from "../../../../src/edges/livekit/child/session/media.ts";

/** A track that nothing comes from. */
export class FakeTrack implements RtcTrack {
  enabled = true;
  readyState: "live" | "ended" = "live";
  constructor(readonly id: string, readonly kind: "audio" | "video") {}
  clone = () => new FakeTrack(`${this.id}'`, this.kind);
  stop = () => this.readyState = "ended";
}

/** A section; its number is its name once it was offered. */
export class FakeTransceiver implements RtcTransceiver {
  mid: string | null = null;
  readonly sender: RtcSender;
  readonly receiver: { track: RtcTrack };
  stop = () => {};

  constructor(kind: "audio" | "video", track: RtcTrack | null, public direction: RtcDirection) {
    let sent = track;
    this.receiver = { track: new FakeTrack("", kind) };
    this.sender = {
      get track() {
        return sent;
      },
      replaceTrack: (other) => {
        sent = other;
        return Promise.resolve();
      },
    };
  }
}

/** A channel that is open, and keeps what is sent. */
export class FakeChannel implements RtcDataChannel {
  readonly id = 1;
  readyState: RtcDataChannel["readyState"] = "connecting";
  bufferedAmount = 0;
  binaryType = "arraybuffer";
  onopen: RtcDataChannel["onopen"] = null;
  onmessage: RtcDataChannel["onmessage"] = null;
  onclose: RtcDataChannel["onclose"] = null;
  readonly sent: Uint8Array[] = [];
  constructor(readonly label: string) {}
  open(): void {
    this.readyState = "open";
    this.onopen?.();
  }
  send = (data: Uint8Array | string) => void this.sent.push(data as Uint8Array);
  close = () => {};
}

/** The peer: it offers the number of its sections. */
export class FakePeer implements MediaPeer {
  state = "new" as const;
  readonly sections: FakeTransceiver[] = [];
  readonly channels: FakeChannel[] = [];
  readonly log: string[] = [];
  /** What its next steps fail with. */
  readonly failures: { offer?: Error; answer?: Error } = {};
  constructor(readonly options: PeerOptions) {}

  addTransceiver(kind: "audio" | "video" | RtcTrack, direction: "sendonly"): RtcTransceiver {
    const track = typeof kind === "string" ? null : kind;
    const section = new FakeTransceiver(track?.kind ?? kind as "audio", track, direction);
    this.sections.push(section);
    return section;
  }
  createDataChannel(label: string): RtcDataChannel {
    const channel = new FakeChannel(label);
    this.channels.push(channel);
    return channel;
  }
  holdOffer(): Promise<HeldOffer> {
    return Promise.resolve({
      sdp: this.#offer(),
      start: (servers) => {
        this.log.push(`start with ${servers.length}`);
        return Promise.resolve();
      },
    });
  }
  createOffer({ iceRestart = false } = {}): Promise<string> {
    if (iceRestart) this.log.push("restart");
    const { offer: failure } = this.failures;
    delete this.failures.offer;
    if (failure) return Promise.reject(failure);
    return Promise.resolve(this.#offer());
  }
  acceptAnswer(sdp: string): Promise<void> {
    this.log.push(`accept ${sdp}`);
    const { answer: failure } = this.failures;
    delete this.failures.answer;
    if (failure) return Promise.reject(failure);
    return Promise.resolve();
  }
  addCandidate = () => Promise.resolve();
  stats = () => Promise.resolve(new Map());
  close = () => Promise.resolve(void this.log.push("close"));

  #offer(): string {
    for (const [index, section] of this.sections.entries()) section.mid = `${index}`;
    return `${this.sections.length} sections`;
  }
}

/** Returns media whose peers are fakes. */
export function fakeMedia(): { media: CallMedia; peers: FakePeer[] } {
  const peers: FakePeer[] = [];
  const media: CallMedia = {
    audio: undefined as never,
    createPeer: (options) => {
      const peer = new FakePeer(options);
      peers.push(peer);
      return peer;
    },
    handling: () => Promise.resolve(),
  };
  return { media, peers };
}

/** Lets everything happen that waits for nothing. */
export const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
