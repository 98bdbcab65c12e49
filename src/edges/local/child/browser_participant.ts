/**
 * A participant in a browser. They keep their identity while sockets (a reconnecting browser) and peer
 * connections (a repaired one) change.
 *
 * @module
 */
import type { Clock } from "../../../events/clock.ts";
import type { ParticipantData, TrackData } from "../../../media/wire/messages.ts";
import { type AudioStats, TrackType } from "../../../edge/types.ts";
import type { RtcTrack } from "../../../media/webrtc/rtc_types.ts";
import { ALL_GRANTS, type Grants } from "../wire/grants.ts";
import type { Invitation } from "../wire/invitation.ts";
import { isTranscript, KeptEvents } from "./kept_events.ts";
import { mediaContinues } from "./liveness.ts";
import { Rejection } from "../wire/rejection.ts";
import {
  type ConnectionRoom,
  ParticipantConnection,
  type TrackKind,
} from "./participant_connection.ts";
import type { ClientMessage, Hello, PageParticipant, ServerMessage } from "../wire/signalling.ts";
import { PROTOCOL_VERSION } from "../wire/signalling.ts";
import type { PageSocketEnd, Socket } from "./socket.ts";
import type { VideoSource } from "./video_slots.ts";

/** How long the first connection may take. */
const CONNECT_MS = 20_000;
/** New connections that one participant may have within a minute. */
const REPAIRS = 6;
/** How many texts and events wait until their page is connected. */
const MAX_EARLY = 100;
/**
 * The longest delay that is believed: no conversation works over more, and a round trip that was
 * measured on a busy machine, or invented, would hide from the agent what was heard.
 */
const MAX_DELAY_MS = 1000;

/** The room, as a participant sees it. */
export interface ParticipantRoom extends ConnectionRoom {
  readonly clock: Clock;
  /** The token with which a participant's page comes back. */
  resumeToken(participant: { id: string; userId: string }): string;
  /** All members that `participant` may see, themselves not included. */
  membersFor(participant: BrowserParticipant): PageParticipant[];
  /** They are connected for the first time. */
  onPresent(participant: BrowserParticipant): void;
  /** Their tracks, track states, name or `reconnecting` may have changed. */
  onChange(participant: BrowserParticipant): void;
  onEvent(participant: BrowserParticipant, data: unknown): void;
  onText(participant: BrowserParticipant, text: string): void;
  /** Their page reported how late they hear. */
  onDelay(participant: BrowserParticipant): void;
  /** They are cut off, and waited for. */
  onLost(participant: BrowserParticipant): void;
  /** They are back. */
  onReturn(participant: BrowserParticipant): void;
  onGone(participant: BrowserParticipant): void;
}

/** The media that a participant sends, as their page reports it. */
interface MediaState {
  microphone: boolean;
  muted: boolean;
  camera: boolean;
  screen: boolean;
  screenAudio: boolean;
}

const NOTHING: MediaState = {
  microphone: false,
  muted: false,
  camera: false,
  screen: false,
  screenAudio: false,
};

/** What their page passes on for them. */
type Said = Extract<ClientMessage, { type: "text" | "event" }>;

/** A person in a room. */
export class BrowserParticipant {
  readonly id: string;
  /** The user of their invitation, who can be here with several devices; a guest's own id. */
  readonly userId: string;
  /** Whether the others see them: they have been connected. */
  present = false;
  /** Monotonic milliseconds at which they last spoke. */
  spokeAt = -Infinity;
  /** How much later than the server they hear, in milliseconds. */
  delayMs = 0;
  readonly #room: ParticipantRoom;
  #invitation: Invitation | undefined;
  #name: string;
  #state = NOTHING;
  #socket: Socket | undefined;
  readonly #connection: ParticipantConnection;
  #timer: Disposable | undefined;
  /** When its media must be connected for the first time. */
  #connectByMs: number | undefined;
  /** Runs while they are cut off. */
  #grace: Disposable | undefined;
  #cut: "alive" | "silent" | undefined;
  #repairs: number[] = [];
  /** What their page may not have received yet: lines of the conversation among them. */
  readonly #kept = new KeptEvents();
  /** What their page sent before they were connected. */
  #early: Said[] = [];
  /** How many texts and events of their page were handled on this socket. */
  #received = 0;
  /** The same of the last socket before it whose welcome reached the page. */
  #receivedBefore = 0;
  /** The token of this socket's welcome. */
  #token: string | undefined;
  #gone = false;

  constructor(
    { id, userId, name }: Pick<ParticipantData, "id" | "userId" | "name">,
    room: ParticipantRoom,
  ) {
    this.id = id;
    this.userId = userId;
    this.#name = name;
    this.#room = room;
    const grants = (): Grants => this.grants;
    this.#connection = new ParticipantConnection({
      id,
      userId,
      room,
      get grants() {
        return grants();
      },
      send: (message) => this.send(message),
      reject: (rejection) => this.#socket?.reject(rejection),
      onTracks: () => room.onChange(this),
      onConnected: () => this.#connected(),
      // A participant who is cut off gets a new connection when they are back.
      onFailed: () => this.#cut === undefined && this.#repair(),
    });
  }

  /** Returns one who comes for the first time. */
  static arriving(
    id: string,
    { hello, invitation, room }: {
      hello: Hello;
      invitation: Invitation | undefined;
      room: ParticipantRoom;
    },
  ): BrowserParticipant {
    const userId = invitation?.user.id ?? id;
    return new BrowserParticipant({ id, userId, name: hello.name }, room);
  }

  /**
   * Returns one who was here in the process that this one takes the place of: they are cut off, and come
   * back by their token.
   */
  static returning(
    data: ParticipantData,
    tracks: readonly TrackData[],
    room: ParticipantRoom,
  ): BrowserParticipant {
    const participant = new BrowserParticipant(data, room);
    const sent = (type: TrackType) => tracks.find((track) => track.type === type);
    participant.present = true;
    participant.#state = {
      microphone: sent(TrackType.AUDIO) !== undefined,
      muted: sent(TrackType.AUDIO)?.muted ?? false,
      camera: sent(TrackType.VIDEO) !== undefined,
      screen: sent(TrackType.SCREEN_SHARE) !== undefined,
      screenAudio: sent(TrackType.SCREEN_SHARE_AUDIO) !== undefined,
    };
    participant.#startGrace("silent");
    return participant;
  }

  get name(): string {
    return this.#name;
  }

  /** What their invitation allows; a guest may do all. */
  get grants(): Grants {
    return this.#invitation?.grants ?? ALL_GRANTS;
  }

  /** The id of their invitation. */
  get invitationId(): string | undefined {
    return this.#invitation?.id;
  }

  /** Whether the others see their microphone as muted. */
  get muted(): boolean {
    return this.#state.muted || this.#cut === "silent";
  }

  /** Whether their page reports that they send this kind. */
  sends(kind: TrackKind): boolean {
    return kind === "audio" ? this.#state.microphone : this.#state[kind];
  }

  /** The media of one of their tracks, once the connection is answered. */
  track(kind: TrackKind): RtcTrack | undefined {
    return this.sends(kind) ? this.#connection.track(kind) : undefined;
  }

  /** Returns how their microphone's audio has arrived. */
  audioStats(): Promise<AudioStats | undefined> {
    return this.#connection.audioStats();
  }

  /** The participant as pages see them. */
  get member(): PageParticipant {
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

  /** Takes over the socket that said hello for them, the first one or a later one. */
  attach(socket: Socket, hello: Hello, invitation?: Invitation): void {
    const resumed = this.#socket !== undefined || this.#cut !== undefined;
    const keepPeer = resumed && hello.keepPeer === true &&
      this.#connection.peer?.state === "connected";
    // Each return without one costs another connection, as a repair does.
    if (resumed && !keepPeer && !this.#mayRepair()) {
      throw new Rejection("media-failed", "came back too often");
    }
    this.#invitation = invitation;
    // Otherwise its welcome was lost, or it was another process's: the page counts from an earlier one.
    if (this.#socket && hello.resume === this.#token) {
      this.#kept.acknowledge(hello.events);
      this.#receivedBefore = this.#received;
    }
    const received = this.#socket && this.#receivedBefore;
    this.#received = 0;
    this.#early = [];
    this.#socket?.listen({ onMessage() {}, onEnd() {} });
    this.#socket?.goodbye("replaced");
    this.#socket = socket;
    this.#timer?.[Symbol.dispose]();
    this.#grace?.[Symbol.dispose]();
    const wasCut = this.#cut !== undefined;
    this.#cut = undefined;
    this.#rename(hello.name);
    socket.listen({
      onMessage: (message) => this.#receive(message),
      onEnd: (end) => this.#socketEnded(socket, end),
    });
    socket.watch();
    this.#token = this.#room.resumeToken(this);
    socket.send({
      type: "welcome",
      version: PROTOCOL_VERSION,
      id: this.id,
      resume: this.#token,
      graceMs: this.#room.limits.graceMs,
      resumed,
      keepPeer,
      ...(received === undefined ? {} : { received }),
      name: this.#name,
      grants: this.grants,
      participants: this.#room.membersFor(this),
      iceServers: this.#room.rtc.iceServers,
    });
    const mayRead = (event: ServerMessage): boolean => this.#mayRead(event);
    for (const event of this.#kept.restart(mayRead)) socket.send(event);
    if (!keepPeer) this.#connect();
    if (resumed) {
      this.#connection.resendVideos();
      if (wasCut) this.#room.onReturn(this);
      this.#room.onChange(this);
    }
  }

  /** Sends a message to their page. */
  send(message: ServerMessage, options?: { optional?: boolean }): void {
    if (message.type !== "event") return this.#socket?.send(message, options);
    const isHere = this.#cut === undefined && this.#socket?.isOpen === true;
    // Of those who are not back from another process, the grants are not known.
    if (isHere && !this.#mayRead(message)) return;
    this.#kept.add(message, isHere);
    if (isHere) this.#socket?.send(message, options);
  }

  #mayRead(event: ServerMessage): boolean {
    return this.grants.subscribe || !isTranscript(event);
  }

  /** Chooses whose video they receive. */
  chooseVideos(sources: readonly VideoSource[]): void {
    if (!this.grants.subscribe) return;
    this.#connection.chooseVideos(sources);
  }

  /** Removes them from the call. */
  remove(): void {
    this.#socket?.goodbye("removed");
    this.#leave("removed");
  }

  /** Ends their part; the room has already released their tracks. */
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
        if (!this.grants.publish) return;
        const { microphone, muted, camera, screen, screenAudio = false } = message;
        this.#state = { microphone, muted, camera, screen, screenAudio };
        return this.#room.onChange(this);
      }
      case "name":
        this.#rename(message.name);
        return this.#room.onChange(this);
      case "event":
      case "text":
        if (this.present) return this.#say(message);
        if (this.#early.push(message) > MAX_EARLY) throw new Rejection("too-many-messages");
        return;
      case "ping":
        this.send({ type: "pong", id: message.id });
        if (message.events !== undefined) this.#kept.acknowledge(message.events);
        if (message.jitterBufferMs !== undefined) {
          const { roundTripMs = 0, jitterBufferMs, outputMs = 0 } = message;
          this.delayMs = Math.min(MAX_DELAY_MS, roundTripMs / 2 + jitterBufferMs + outputMs);
          this.#room.onDelay(this);
        }
        return;
      case "repair":
        return this.#repair();
      case "leave":
        return this.#leave("left");
      default:
        throw new Rejection("bad-message", `unexpected ${message.type} inside a call`);
    }
  }

  #say(message: Said): void {
    if (!this.grants.sendEvents) {
      const { code, message } = new Rejection("not-allowed");
      this.send({ type: "unsent", code, message });
    } else if (message.type === "text") this.#room.onText(this, message.text);
    else this.#room.onEvent(this, message.data);
    // Only now: until then their page sends it again.
    this.send({ type: "received", count: ++this.#received });
  }

  /** The name of an invitation is no page's to change. */
  #rename(name: string): void {
    this.#name = this.#invitation?.user.name || name;
  }

  #connect(): void {
    if (!this.present) {
      const { clock } = this.#room;
      // Coming back does not begin it anew.
      this.#connectByMs ??= clock.now() + CONNECT_MS;
      this.#timer?.[Symbol.dispose]();
      this.#timer = clock.schedule(() => {
        this.#socket?.reject(new Rejection("media-failed"));
        this.#leave("left");
      }, Math.max(0, this.#connectByMs - clock.now()));
    }
    this.#connection.open({ sameMachine: this.#socket?.sameMachine ?? false });
  }

  #connected(): void {
    if (this.present) return;
    this.#timer?.[Symbol.dispose]();
    this.present = true;
    this.#room.onPresent(this);
    for (const message of this.#early.splice(0)) this.#say(message);
  }

  #repair(): void {
    if (this.#mayRepair()) return this.#connect();
    this.#socket?.reject(new Rejection("media-failed", "repaired too often"));
  }

  /** Whether they may have another connection now, which counts. */
  #mayRepair(): boolean {
    const now = this.#room.clock.now();
    this.#repairs = this.#repairs.filter((at) => now - at < 60_000);
    return this.#repairs.length < REPAIRS && this.#repairs.push(now) > 0;
  }

  #socketEnded(socket: Socket, end: PageSocketEnd): void {
    if (socket !== this.#socket || this.#gone) return;
    this.#timer?.[Symbol.dispose]();
    if (end === "left" || end === "closed" || this.#room.limits.graceMs === 0) {
      return this.#leave(end);
    }
    void this.#checkLiveness(socket, end);
  }

  /** Decides whether they are gone or only cut off; see `liveness.ts`. */
  async #checkLiveness(socket: Socket, end: "broken" | "silent"): Promise<void> {
    for (;;) {
      const alive = await mediaContinues(
        this.#connection.peer,
        (timer) => this.#timer = timer,
        this.#room.clock,
      );
      if (this.#gone || socket !== this.#socket) return;
      if (!alive && end === "broken") return this.#leave(end);
      if (this.#cut === undefined) this.#waitForReturn(alive ? "alive" : "silent");
      if (end === "silent") return;
      // On a busy machine the last packets of a dead browser arrive late: check again.
    }
  }

  /** Waits for them to come back, for as long as the limit says. */
  #waitForReturn(cut: "alive" | "silent"): void {
    this.#room.log(`${this.id} was cut off, waiting ${this.#room.limits.graceMs} ms`);
    this.#startGrace(cut);
    this.#room.onLost(this);
    this.#room.onChange(this);
  }

  #startGrace(cut: "alive" | "silent"): void {
    const { clock, limits } = this.#room;
    this.#cut = cut;
    this.#grace = clock.schedule(() => this.#leave("did not come back"), limits.graceMs);
  }

  #leave(why: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#room.log(`${this.id} left (${why})`);
    this.#room.onGone(this);
  }
}
