/** Doubles for the tests of LocalEdge: no WebRTC, no network, no time of their own. */
import { ResumeTokens } from "../../../src/edges/local/wire/resume.ts";
import type { ConnectionMessage, KnownCallState } from "../../../src/media/wire/messages.ts";
import type { PeerOptions } from "../../../src/media/webrtc/peer.ts";
import type {
  RtcConnectionState,
  RtcTrack,
  RtcTransceiver,
} from "../../../src/media/webrtc/rtc_types.ts";
import { checkLimits, type LocalLimits } from "../../../src/edges/local/wire/limits.ts";
import type { Invitation } from "../../../src/edges/local/wire/invitation.ts";
import { Rejection } from "../../../src/edges/local/wire/rejection.ts";
import { Room } from "../../../src/edges/local/child/room.ts";
import type {
  RoomAudio,
  RoomConnection,
  RoomMedia,
  RoomPeer,
} from "../../../src/edges/local/child/room_media.ts";
import {
  type ClientMessage,
  type Hello,
  PROTOCOL_VERSION,
  type ServerMessage,
} from "../../../src/edges/local/wire/signalling.ts";
import { type RawSocket, Socket } from "../../../src/edges/local/child/socket.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";

let tracks = 0;

/** A track of nothing. */
export function fakeTrack(kind: "audio" | "video"): RtcTrack {
  const id = `track-${++tracks}`;
  return { id, kind, enabled: true, readyState: "live", clone: () => fakeTrack(kind), stop() {} };
}

/** A peer connection that is told what happens to it. */
export class FakePeer implements RoomPeer {
  state: RtcConnectionState = "new";
  turnsPictures = true;
  closed = false;
  packets = 0;
  /** How often its figures were read. */
  read = 0;
  answers: string[] = [];
  candidates: string[] = [];
  transceivers: RtcTransceiver[] = [];

  constructor(readonly options: PeerOptions) {}

  addTransceiver(kind: "audio" | "video" | RtcTrack, direction: RtcTransceiver["direction"]) {
    let sent: RtcTrack | null = typeof kind === "string" ? null : kind;
    const transceiver: RtcTransceiver = {
      mid: String(this.transceivers.length),
      sender: {
        get track() {
          return sent;
        },
        replaceTrack(track) {
          sent = track;
          return Promise.resolve();
        },
      },
      receiver: { track: fakeTrack(typeof kind === "string" ? kind : kind.kind) },
      direction,
      stop() {},
    };
    this.transceivers.push(transceiver);
    return transceiver;
  }
  negotiate(): void {
    this.options.onOffer?.("v=0\r\n");
  }
  acceptAnswer(sdp: string): Promise<void> {
    this.answers.push(sdp);
    return Promise.resolve();
  }
  addCandidate({ candidate }: { candidate: string }): Promise<void> {
    this.candidates.push(candidate);
    return Promise.resolve();
  }
  stats(): Promise<Map<string, Record<string, unknown>>> {
    this.read++;
    return Promise.resolve(
      new Map([["t", { type: "transport", packetsReceived: this.packets }]]),
    );
  }
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
  /** The browser's side connects, or fails. */
  become(state: RtcConnectionState): void {
    this.state = state;
    this.options.onState?.(state);
  }
  /** What is sent on the video slots. */
  get videos(): (string | undefined)[] {
    return this.transceivers.slice(3, -1).map(({ sender }) => sender.track?.id);
  }
}

/** A mixer that remembers what it was told. */
export class FakeAudio implements RoomAudio {
  sources = new Map<string, { memberId: string; muted: boolean }>();
  listeners = new Map<string, RtcTrack>();
  agents = new Set<string>();
  loudness: ReturnType<RoomAudio["levels"]> = [];
  closed = false;

  addSource(source: Parameters<RoomAudio["addSource"]>[0]): void {
    this.sources.set(source.trackId, { memberId: source.memberId, muted: source.muted ?? false });
  }
  removeSource(trackId: string): void {
    this.sources.delete(trackId);
  }
  setMuted(trackId: string, muted: boolean): void {
    this.sources.get(trackId)!.muted = muted;
  }
  addListener(memberId: string): RtcTrack {
    if (this.listeners.has(memberId)) throw new RangeError(`${memberId} listens already`);
    const track = fakeTrack("audio");
    this.listeners.set(memberId, track);
    return track;
  }
  removeListener(memberId: string): void {
    this.listeners.delete(memberId);
  }
  addAgent(_port: unknown, { memberId }: { memberId: string }): void {
    this.agents.add(memberId);
  }
  removeAgent(memberId: string): void {
    this.agents.delete(memberId);
  }
  levels(): ReturnType<RoomAudio["levels"]> {
    return this.loudness;
  }
  close(): void {
    this.closed = true;
  }
}

/** An agent's connection that remembers what it was told. */
export class FakeConnection {
  readonly user: { id: string; name: string };
  readonly audioSubscription = { sampleRate: 16_000, agents: false } as const;
  readonly call = { id: "kitchen", type: "default" };
  readonly videoTrack = fakeTrack("video");
  readonly signal = new AbortController().signal;
  readonly subscribed = new Set<string>();
  readonly sources: [string, string | undefined][] = [];
  messages: ConnectionMessage[] = [];
  /** What the agent knew of its call in a media process that was lost. */
  known: KnownCallState | undefined;

  constructor(readonly connectionId: number, name = "Echo") {
    this.user = { id: name.toLowerCase(), name };
  }
  send(message: ConnectionMessage): void {
    this.messages.push(message);
  }
  isSubscribed(trackId: string): boolean {
    return this.subscribed.has(trackId);
  }
  setVideoSource(trackId: string, track: RtcTrack | undefined): void {
    this.sources.push([trackId, track?.id]);
  }
  /** What was told since this was asked last, as `type` and the id that it is about. */
  take(): string[] {
    const taken = this.messages.map((message) => {
      if ("participant" in message) return `${message.type} ${message.participant.name}`;
      if ("track" in message) return `${message.type} ${message.track.id.replace(/^.*:/, "")}`;
      if ("trackId" in message) {
        const muted = "muted" in message ? ` ${message.muted}` : "";
        return `${message.type} ${message.trackId.replace(/^.*:/, "")}${muted}`;
      }
      return message.type;
    });
    this.messages = [];
    return taken;
  }
  /** As a room wants it: what it does not use is not there. */
  get connection(): RoomConnection {
    return this as unknown as RoomConnection;
  }
}

/** A page's end of a socket. */
export class FakePage implements RawSocket {
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  onmessage: RawSocket["onmessage"] = null;
  onclose: RawSocket["onclose"] = null;
  onerror: RawSocket["onerror"] = null;
  received: ServerMessage[] = [];
  closeCode: number | undefined;
  closeReason = "";

  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    this.received.push(JSON.parse(data as string));
  }
  close(code?: number, reason = ""): void {
    this.readyState = WebSocket.CLOSED;
    this.closeCode = code;
    this.closeReason = reason;
  }
  /** The page says something. */
  say(message: ClientMessage | string | Uint8Array): void {
    const data = typeof message === "string" || message instanceof Uint8Array
      ? message
      : JSON.stringify(message);
    this.onmessage?.call(this as unknown as WebSocket, new MessageEvent("message", { data }));
  }
  /** The page's end closes, with a close frame or without. */
  hangUp(code: number, wasClean = true): void {
    this.readyState = WebSocket.CLOSED;
    this.onclose?.call(
      this as unknown as WebSocket,
      new CloseEvent("close", { code, wasClean }),
    );
  }
  /** The last message of a type. */
  last<T extends ServerMessage["type"]>(type: T): Extract<ServerMessage, { type: T }> | undefined {
    return this.received.findLast((message) => message.type === type) as never;
  }
  /** The names of those whom the page was told of, in order. */
  types(): string[] {
    return this.received.map(({ type }) => type);
  }
}

/** Everything around a room. */
export class RoomFixture {
  readonly clock: VirtualClock;
  readonly audio = new FakeAudio();
  readonly peers: FakePeer[] = [];
  /** The videos that are turned for a browser that does not, by their tracks' ids. */
  readonly uprights = new Set<string>();
  readonly lines: string[] = [];
  readonly limits: LocalLimits;
  readonly room: Room;
  ends = 0;

  /** `startsAfterMs`: how much later than others it begins; `assertSpace` throws when it is full. */
  constructor(
    limits: Partial<LocalLimits> = {},
    { startsAfterMs = 0, assertSpace }: { startsAfterMs?: number; assertSpace?: () => void } = {},
  ) {
    this.clock = new VirtualClock({ startEpochMs: Date.UTC(2026, 0, 1) + startsAfterMs });
    this.limits = checkLimits(limits);
    const media: RoomMedia = {
      audio: this.audio,
      createPeer: (options) => {
        const peer = new FakePeer(options);
        this.peers.push(peer);
        return peer;
      },
      createUpright: (track) => {
        this.uprights.add(track.id);
        return {
          track: { ...track, id: `upright ${track.id}` },
          [Symbol.dispose]: () => void this.uprights.delete(track.id),
        };
      },
    };
    this.room = new Room({
      media,
      clock: this.clock,
      limits: this.limits,
      rtc: {
        host: "127.0.0.1",
        announcedAddress: undefined,
        iceServers: [],
        udpPortRange: undefined,
      },
      resume: new ResumeTokens("x".repeat(32), { callType: "default", callId: "kitchen" }),
      ...(assertSpace ? { assertSpace } : {}),
      handling: () => Promise.resolve(),
      log: (line) => this.lines.push(line),
      onEnd: () => this.ends++,
    });
  }

  /** A socket that has not said hello. */
  socket(sameMachine = false): { page: FakePage; socket: Socket } {
    const page = new FakePage();
    const socket = new Socket(page, {
      clock: this.clock,
      limits: this.limits,
      remote: "test",
      sameMachine,
      log: (line) => this.lines.push(line),
    });
    return { page, socket };
  }

  /** A page says hello. Refusals are given to it, as the server does. */
  enter(
    name: string,
    more: Partial<Hello> = {},
    { sameMachine = false, invitation }: { sameMachine?: boolean; invitation?: Invitation } = {},
  ): FakePage {
    const { page, socket } = this.socket(sameMachine);
    try {
      this.room.enter(socket, hello(name, more), invitation);
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      socket.reject(error);
    }
    return page;
  }

  /** A page comes in, answers and connects; it sends its microphone. */
  async join(
    name: string,
    media: Partial<Media> = {},
    invitation?: Invitation,
  ): Promise<{ page: FakePage; peer: FakePeer }> {
    const page = this.enter(name, {}, { invitation });
    const peer = this.peers.at(-1)!;
    page.say({ type: "media", ...MEDIA, ...media });
    page.say({ type: "answer", offer: page.last("offer")!.offer, sdp: "v=0" });
    await settle();
    peer.become("connected");
    return { page, peer };
  }
}

/** What a page says that it sends. */
export type Media = Omit<Extract<ClientMessage, { type: "media" }>, "type">;

/** A microphone and nothing else. */
export const MEDIA: Media = { microphone: true, muted: false, camera: false, screen: false };

/** A hello with a name. */
export function hello(name: string, more: Partial<Hello> = {}): Hello {
  return {
    type: "hello",
    version: PROTOCOL_VERSION,
    callType: "default",
    callId: "kitchen",
    secret: "s",
    name,
    ...more,
  };
}

/** Lets promises that are ready settle. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
