/**
 * People without a browser: each signals with LocalEdge as its page does, sends what stands for
 * speech and receives the room's mix. They live in a process of their own, so that what they cost
 * is not taken for what the media process costs.
 *
 * Arguments: the call's link, and how many people. Answers `ask: "stats"`; ends with its input.
 *
 * @module
 */
import library from "@roamhq/wrtc";
import { receive, send } from "../lib/lines.ts";
import { parseLink } from "./link.ts";
import { speechLikeNoise } from "./speech.ts";

// deno-lint-ignore no-explicit-any -- its types need the DOM's
const wrtc = library as any;

const FRAME_SAMPLES = 480;
const FRAME_MS = 10;
const SPEECH_SECONDS = 20;
/** Frames made up for after a stall; what is older was never said. */
const CATCH_UP_FRAMES = 30;

interface InboundStats {
  received: number;
  concealed: number;
}

class Person {
  readonly name: string;
  readonly #socket: WebSocket;
  readonly #source = new wrtc.nonstandard.RTCAudioSource();
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
  #early: unknown[] = [];
  #at = 0;
  #pings = 0;

  constructor(link: URL, index: number) {
    const { signal, hello } = parseLink(link);
    this.name = `Person ${index + 1}`;
    this.#speech = speechLikeNoise(SPEECH_SECONDS, index + 1);
    this.#socket = new WebSocket(signal, { headers: { origin: link.origin } });
    this.#socket.onopen = () => this.#say({ ...hello, name: this.name });
    this.#socket.onmessage = ({ data }) => void this.#hear(JSON.parse(data));
    this.#socket.onclose = () => this.#connected.reject(new Error(`${this.name}: socket closed`));
  }

  /** Resolves when media flows both ways. */
  get connected(): Promise<void> {
    return this.#connected.promise;
  }

  /** Says the next 10 ms. */
  speak(): void {
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

  leave(): void {
    this.#say({ type: "leave" });
    this.#socket.close();
  }

  #say(message: unknown): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  // deno-lint-ignore no-explicit-any -- the server's messages, trusted here
  async #hear(message: any): Promise<void> {
    if (message.type === "offer") await this.#answer(message);
    else if (message.type === "candidate") {
      if (this.#connection.remoteDescription) {
        await this.#connection.addIceCandidate(message.candidate);
      } else this.#early.push(message.candidate);
    } else if (message.type === "refused") {
      this.#connected.reject(new Error(`${this.name}: ${message.message}`));
    }
  }

  async #answer(
    { offer, sdp, mids }: { offer: number; sdp: string; mids: { audio: string } },
  ): Promise<void> {
    const connection = this.#connection;
    connection.onicecandidate = ({ candidate }: { candidate: { toJSON(): unknown } | null }) => {
      if (candidate) this.#say({ type: "candidate", offer, candidate: candidate.toJSON() });
    };
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "connected") this.#connected.resolve();
    };
    await connection.setRemoteDescription({ type: "offer", sdp });
    for (const transceiver of connection.getTransceivers()) {
      if (transceiver.mid !== mids.audio) continue;
      transceiver.direction = "sendrecv";
      await transceiver.sender.replaceTrack(this.#source.createTrack());
    }
    await connection.setLocalDescription(await connection.createAnswer());
    this.#say({ type: "answer", offer, sdp: connection.localDescription.sdp });
    for (const candidate of this.#early.splice(0)) await connection.addIceCandidate(candidate);
    this.#say({ type: "media", microphone: true, muted: false, camera: false, screen: false });
  }
}

/** Everybody speaks on one clock that does not drift. */
function speakTogether(people: Person[]): void {
  let due = performance.now();
  const turn = () => {
    const now = performance.now();
    due = Math.max(due, now - CATCH_UP_FRAMES * FRAME_MS);
    for (; due <= now; due += FRAME_MS) for (const person of people) person.speak();
    setTimeout(turn, Math.max(0, due - performance.now()));
  };
  turn();
}

if (import.meta.main) {
  Deno.addSignalListener("SIGINT", () => {}); // the end of the input is the order
  const [link, count] = Deno.args;
  const people: Person[] = [];
  speakTogether(people);
  setInterval(() => people.forEach((person) => person.ping()), 1000);
  try {
    for (let index = 0; index < Number(count); index++) {
      const person = new Person(new URL(link!), index);
      await person.connected;
      people.push(person);
    }
    send({ joined: people.length });
  } catch (error) {
    send({ joined: null, error: String(error) });
  }
  for await (const { ask } of receive()) {
    if (ask === "stats") send({ stats: await Promise.all(people.map((person) => person.stats())) });
  }
  for (const person of people) person.leave();
  Deno.exit(0); // at its natural end wrtc crashes
}
