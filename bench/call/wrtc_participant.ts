/**
 * A person without a browser: signals with LocalEdge as its page does, sends what stands for speech,
 * perhaps a picture, and receives the room's mix.
 *
 * @module
 */
import library from "@roamhq/wrtc";
import { parseLink } from "./link.ts";
import { speechLikeNoise } from "./speech.ts";

// deno-lint-ignore no-explicit-any -- its types need the DOM's
const wrtc = library as any;

const FRAME_SAMPLES = 480;
const FRAME_MS = 10;
const SPEECH_SECONDS = 20;
/** A grey picture: what it costs is not what it shows. */
const PICTURE = { width: 160, height: 120, data: new Uint8ClampedArray(160 * 120 * 1.5).fill(128) };
/** Frames made up for after a stall; what is older was never said. */
const CATCH_UP_FRAMES = 30;

/** What came out of a person's jitter buffer, in samples. */
export interface InboundStats {
  received: number;
  concealed: number;
}

/** How a person differs from the others. */
export interface ParticipantOptions {
  /**
   * Returns another candidate for one of the server's, or none. The server is sent no candidates then,
   * and learns the relay's address from its packets.
   */
  relay?: (candidate: string) => Promise<string | undefined>;
  /** What they say again and again, whole frames of 10 ms at 48 kHz. Default what stands for speech. */
  sound?: Int16Array<ArrayBuffer>;
}

/** One person. */
export class WrtcParticipant {
  readonly name: string;
  readonly #socket: WebSocket;
  readonly #source = new wrtc.nonstandard.RTCAudioSource();
  readonly #voice = this.#source.createTrack();
  readonly #speech: Int16Array<ArrayBuffer>;
  readonly #frame = {
    samples: new Int16Array(FRAME_SAMPLES),
    sampleRate: 48_000,
    bitsPerSample: 16,
    channelCount: 1,
    numberOfFrames: FRAME_SAMPLES,
  };
  readonly #connected = Promise.withResolvers<void>();
  #connection = new wrtc.RTCPeerConnection();
  #camera: { source: typeof wrtc; track: typeof wrtc } | undefined;
  // deno-lint-ignore no-explicit-any
  #cameraSender: any;
  #early: unknown[] = [];
  #at = 0;
  #pings = 0;

  readonly #relay: ParticipantOptions["relay"];
  /** Called when the sound is said from its beginning. */
  onBeginning: (() => void) | undefined;

  constructor(link: URL, index: number, options: ParticipantOptions = {}) {
    this.#relay = options.relay;
    const { signal, hello } = parseLink(link);
    this.name = `Person ${index + 1}`;
    this.#speech = options.sound ?? speechLikeNoise(SPEECH_SECONDS, index + 1);
    this.#socket = new WebSocket(signal, { headers: { origin: link.origin } });
    this.#socket.onopen = () => this.#say({ ...hello, name: this.name });
    // Who leaves in the middle of an answer has nothing more to say.
    this.#socket.onmessage = ({ data }) =>
      void this.#hear(JSON.parse(data)).catch((error) => this.#connected.reject(error));
    this.#connected.promise.catch(() => {});
    this.#socket.onclose = ({ code, reason }) =>
      this.#connected.reject(
        new Error(`${this.name}: the socket was closed with ${code} ${reason}`),
      );
  }

  /** Resolves when media flows both ways. */
  get connected(): Promise<void> {
    return this.#connected.promise;
  }

  /** Says the next 10 ms. */
  speak(): void {
    if (this.#at === 0) this.onBeginning?.();
    const { samples } = this.#frame;
    samples.set(this.#speech.subarray(this.#at, this.#at + FRAME_SAMPLES));
    this.#at = (this.#at + FRAME_SAMPLES) % this.#speech.length;
    this.#source.onData(this.#frame);
  }

  /** The page's sign of life. */
  ping(): void {
    this.#say({ type: "ping", id: ++this.#pings });
  }

  async stats(): Promise<InboundStats> {
    for (const entry of (await this.#connection.getStats()).values()) {
      if (entry.type !== "inbound-rtp" || entry.kind !== "audio") continue;
      return { received: entry.totalSamplesReceived, concealed: entry.concealedSamples };
    }
    return { received: 0, concealed: 0 };
  }

  /** Turns the camera on or off, as the page does: without a new negotiation. */
  async setCamera(on: boolean): Promise<void> {
    const old = this.#camera;
    if (on === (old !== undefined)) return;
    if (on) {
      const source = new wrtc.nonstandard.RTCVideoSource();
      this.#camera = { source, track: source.createTrack() };
    } else this.#camera = undefined;
    await this.#cameraSender?.replaceTrack(this.#camera?.track ?? null);
    old?.track.stop();
    this.#tellMedia();
  }

  /** Shows the next frame, if the camera is on. */
  show(): void {
    this.#camera?.source.onFrame(PICTURE);
  }

  /** Leaves, and releases everything. */
  async leave(): Promise<void> {
    this.#say({ type: "leave" });
    this.#socket.close();
    await this.#cameraSender?.replaceTrack(null);
    this.#camera?.track.stop();
    this.#camera = undefined;
    this.#voice.stop();
    this.#connection.close();
  }

  #tellMedia(): void {
    const camera = this.#camera !== undefined;
    this.#say({ type: "media", microphone: true, muted: false, camera, screen: false });
  }

  #say(message: unknown): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  // deno-lint-ignore no-explicit-any -- the server's messages, trusted here
  async #hear(message: any): Promise<void> {
    if (message.type === "offer") await this.#answer(message);
    else if (message.type === "candidate") {
      const candidate = await this.#relayed(message.candidate);
      if (candidate === undefined) return;
      if (this.#connection.remoteDescription) {
        await this.#connection.addIceCandidate(candidate);
      } else this.#early.push(candidate);
    } else if (message.type === "refused") {
      this.#connected.reject(new Error(`${this.name}: ${message.message}`));
    }
  }

  async #relayed(given: { candidate: string }): Promise<unknown> {
    if (!this.#relay) return given;
    const candidate = await this.#relay(given.candidate);
    return candidate === undefined ? undefined : { ...given, candidate };
  }

  async #answer(
    { offer, sdp, mids }: { offer: number; sdp: string; mids: { audio: string; camera: string } },
  ): Promise<void> {
    const connection = this.#connection;
    connection.onicecandidate = ({ candidate }: { candidate: { toJSON(): unknown } | null }) => {
      if (candidate && !this.#relay) {
        this.#say({ type: "candidate", offer, candidate: candidate.toJSON() });
      }
    };
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "connected") this.#connected.resolve();
    };
    await connection.setRemoteDescription({ type: "offer", sdp });
    for (const transceiver of connection.getTransceivers()) {
      if (transceiver.mid === mids.camera) {
        transceiver.direction = "sendonly";
        this.#cameraSender = transceiver.sender;
      }
      if (transceiver.mid !== mids.audio) continue;
      transceiver.direction = "sendrecv";
      await transceiver.sender.replaceTrack(this.#voice);
    }
    await connection.setLocalDescription(await connection.createAnswer());
    const own = connection.localDescription.sdp as string;
    const sent = this.#relay ? own.replace(/^a=candidate:.*\r\n/gm, "") : own;
    this.#say({ type: "answer", offer, sdp: sent });
    for (const candidate of this.#early.splice(0)) await connection.addIceCandidate(candidate);
    this.#tellMedia();
  }
}

/** All of them speak on one clock, which is fast by so many millionths, or slow. Default: it is right. */
export function speakTogether(people: WrtcParticipant[], { ppm = 0 } = {}): void {
  const frameMs = FRAME_MS / (1 + ppm / 1e6);
  let due = performance.now();
  const turn = () => {
    const now = performance.now();
    due = Math.max(due, now - CATCH_UP_FRAMES * frameMs);
    for (; due <= now; due += frameMs) for (const person of people) person.speak();
    setTimeout(turn, Math.max(0, due - performance.now()));
  };
  turn();
}
