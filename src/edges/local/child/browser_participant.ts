/**
 * Somebody in a browser: a participant of a room, who may change sockets (a reconnecting browser)
 * and peer connections (a repaired one) and stays the same.
 *
 * @module
 */
import type { Clock } from "../../../events/clock.ts";
import type { RtcTrack } from "../../../media/webrtc/rtc_types.ts";
import { newSecret } from "../wire/auth.ts";
import { mediaGoesOn } from "./liveness.ts";
import { Rejection } from "../wire/rejection.ts";
import {
  type ConnectionRoom,
  ParticipantConnection,
  type TrackKind,
} from "./participant_connection.ts";
import type { ClientMessage, Hello, Member, ServerMessage } from "../wire/signalling.ts";
import { PROTOCOL_VERSION } from "../wire/signalling.ts";
import type { Socket, SocketEnd } from "./socket.ts";
import type { VideoSource } from "./video_slots.ts";

/** How long the first connection may take. */
const CONNECT_MS = 20_000;
/** How many new connections one person may have within a minute. */
const REPAIRS = 6;
/**
 * The most that he can be said to hear late: nobody talks over more, and a round trip that was
 * measured while the machine was busy, or made up, would keep the agent from knowing what was heard.
 */
const MOST_DELAY_MS = 1000;

/** What a participant needs of the room. */
export interface PersonRoom extends ConnectionRoom {
  readonly clock: Clock;
  /** Everybody whom `person` may see, himself not included. */
  membersFor(person: BrowserParticipant): Member[];
  /** He is connected for the first time. */
  onPresent(person: BrowserParticipant): void;
  /** His tracks, their state, his name or his `reconnecting` may have changed. */
  onChange(person: BrowserParticipant): void;
  onEvent(person: BrowserParticipant, data: unknown): void;
  /** He told how late he hears. */
  onDelay(person: BrowserParticipant): void;
  onGone(person: BrowserParticipant): void;
}

/** What a person sends, by what his page says. */
interface MediaState {
  microphone: boolean;
  muted: boolean;
  camera: boolean;
  screen: boolean;
}

/** A person in a room. */
export class BrowserParticipant {
  readonly id: string;
  /** Who he says he is; one user can be here with several devices. */
  readonly userId: string;
  /** Lets his browser come back as him. */
  readonly resume: string = newSecret();
  /** Whether others know of him: he has been connected. */
  present = false;
  /** Monotonic milliseconds at which he was last heard speaking. */
  spokeAt = -Infinity;
  /** How much later than the server he hears, in milliseconds. */
  delayMs = 0;
  readonly #room: PersonRoom;
  #name: string;
  #state: MediaState = { microphone: false, muted: false, camera: false, screen: false };
  #socket: Socket | undefined;
  readonly #connection: ParticipantConnection;
  #timer: Disposable | undefined;
  /** Runs while he is cut off. */
  #grace: Disposable | undefined;
  #cut: "alive" | "silent" | undefined;
  #repairs: number[] = [];
  #gone = false;

  constructor(id: string, hello: Hello, room: PersonRoom) {
    this.id = id;
    this.userId = hello.user ?? id;
    this.#name = hello.name;
    this.#room = room;
    this.#connection = new ParticipantConnection({
      id,
      room,
      send: (message) => this.send(message),
      refuse: (refusal) => this.#socket?.refuse(refusal),
      onTracks: () => room.onChange(this),
      onConnected: () => this.#connected(),
      // Whoever is cut off repairs when he is back.
      onFailed: () => this.#cut === undefined && this.#repair(),
    });
  }

  get name(): string {
    return this.#name;
  }

  /** Whether his microphone's track is silent as far as others are concerned. */
  get muted(): boolean {
    return this.#state.muted || this.#cut === "silent";
  }

  /** What his page says that he sends. */
  sends(kind: TrackKind): boolean {
    return kind === "audio" ? this.#state.microphone : this.#state[kind];
  }

  /** The media of one of his tracks, once there can be any. */
  track(kind: TrackKind): RtcTrack | undefined {
    return this.sends(kind) ? this.#connection.track(kind) : undefined;
  }

  /** How pages see him. */
  get member(): Member {
    return {
      id: this.id,
      name: this.#name,
      kind: "person",
      audible: this.#state.microphone && !this.muted,
      camera: this.#state.camera,
      screen: this.#state.screen,
      reconnecting: this.#cut !== undefined,
    };
  }

  /** Takes the socket that said hello for him, the first one or a later one. */
  attach(socket: Socket, hello: Hello): void {
    const resumed = this.#socket !== undefined;
    this.#socket?.listen({ onMessage() {}, onEnd() {} });
    this.#socket?.goodbye("replaced");
    this.#socket = socket;
    this.#timer?.[Symbol.dispose]();
    this.#grace?.[Symbol.dispose]();
    this.#cut = undefined;
    this.#name = hello.name;
    socket.listen({
      onMessage: (message) => this.#receive(message),
      onEnd: (end) => this.#socketEnded(socket, end),
    });
    socket.watch();
    const keepPeer = resumed && hello.keepPeer === true &&
      this.#connection.peer?.state === "connected";
    socket.send({
      type: "welcome",
      version: PROTOCOL_VERSION,
      id: this.id,
      resume: this.resume,
      graceMs: this.#room.limits.graceMs,
      resumed,
      keepPeer,
      members: this.#room.membersFor(this),
      iceServers: this.#room.rtc.iceServers,
    });
    if (!keepPeer) this.#connect();
    if (resumed) {
      this.#connection.forgetToldVideos();
      this.#room.onChange(this);
    }
  }

  /** Tells his page something. */
  send(message: ServerMessage, options?: { optional?: boolean }): void {
    this.#socket?.send(message, options);
  }

  /** Chooses whose pictures he is sent. */
  chooseVideos(sources: readonly VideoSource[]): void {
    this.#connection.chooseVideos(sources);
  }

  /** Ends his part; the room has already let go of his tracks. */
  close(farewell: (socket: Socket) => void): Promise<void> {
    this.#gone = true;
    this.#timer?.[Symbol.dispose]();
    this.#grace?.[Symbol.dispose]();
    const socket = this.#socket;
    if (socket) {
      socket.listen({ onMessage() {}, onEnd() {} });
      farewell(socket);
    }
    return this.#connection.close();
  }

  #receive(message: ClientMessage): void {
    if (this.#gone) return;
    switch (message.type) {
      case "answer":
        return void this.#connection.accept(message.offer, message.sdp);
      case "candidate":
        return this.#connection.addCandidate(message);
      case "media": {
        const { microphone, muted, camera, screen } = message;
        this.#state = { microphone, muted, camera, screen };
        return this.#room.onChange(this);
      }
      case "name":
        this.#name = message.name;
        return this.#room.onChange(this);
      case "event":
        return this.#room.onEvent(this, message.data);
      case "ping":
        this.send({ type: "pong", id: message.id });
        if (message.jitterBufferMs !== undefined) {
          const { roundTripMs = 0, jitterBufferMs, outputMs = 0 } = message;
          this.delayMs = Math.min(MOST_DELAY_MS, roundTripMs / 2 + jitterBufferMs + outputMs);
          this.#room.onDelay(this);
        }
        return;
      case "repair":
        return this.#repair();
      case "leave":
        return this.#leave("left");
      default:
        throw new Rejection("bad-message", `${message.type} inside a call`);
    }
  }

  #connect(): void {
    if (!this.present) {
      this.#timer?.[Symbol.dispose]();
      this.#timer = this.#room.clock.schedule(() => {
        this.#socket?.refuse(new Rejection("media-failed"));
        this.#leave("left");
      }, CONNECT_MS);
    }
    this.#connection.open({ sameMachine: this.#socket?.sameMachine ?? false });
  }

  #connected(): void {
    if (this.present) return;
    this.#timer?.[Symbol.dispose]();
    this.present = true;
    this.#room.onPresent(this);
  }

  #repair(): void {
    const now = this.#room.clock.now();
    this.#repairs = this.#repairs.filter((at) => now - at < 60_000);
    if (this.#repairs.length >= REPAIRS) {
      this.#socket?.refuse(new Rejection("media-failed", "repaired too often"));
      return;
    }
    this.#repairs.push(now);
    this.#connect();
  }

  #socketEnded(socket: Socket, end: SocketEnd): void {
    if (socket !== this.#socket || this.#gone) return;
    this.#timer?.[Symbol.dispose]();
    if (end === "left" || end === "closed" || this.#room.limits.graceMs === 0) {
      return this.#leave(end);
    }
    void this.#judge(socket, end);
  }

  /** Decides whether he is gone or only cut off; see `liveness.ts`. */
  async #judge(socket: Socket, end: "broken" | "silent"): Promise<void> {
    for (;;) {
      const alive = await mediaGoesOn(
        this.#connection.peer,
        (timer) => this.#timer = timer,
        this.#room.clock,
      );
      if (this.#gone || socket !== this.#socket) return;
      if (!alive && end === "broken") return this.#leave(end);
      if (this.#cut === undefined) this.#wait(alive ? "alive" : "silent");
      if (end === "silent") return;
      // The last packets of a dead browser can come late where the machine is busy: look again.
    }
  }

  /** Gives him his time to come back. */
  #wait(cut: "alive" | "silent"): void {
    const { graceMs } = this.#room.limits;
    this.#cut = cut;
    this.#room.log(`${this.id} was cut off, waiting ${graceMs} ms`);
    this.#grace = this.#room.clock.schedule(() => this.#leave("did not come back"), graceMs);
    this.#room.onChange(this);
  }

  #leave(why: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#room.log(`${this.id} left (${why})`);
    this.#room.onGone(this);
  }
}
