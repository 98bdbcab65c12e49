/**
 * The types of {@linkcode RinglineClient}, the page's client for browsers, and of what helps to build
 * a page of one's own.
 *
 * The module runs in a browser, has no dependencies and needs no build. A page imports it from the
 * edge that serves the call, as `/client.js`; a bundler imports `@ringline/edge/local/client`.
 *
 * @example A button that joins
 * ```ts ignore
 * import { RinglineClient } from "@ringline/edge/local/client";
 *
 * const client = new RinglineClient({ link: "http://127.0.0.1:8080/call/default/kitchen#secret" });
 * client.addEventListener("event", ({ detail }) => console.log(detail.from, detail.data));
 * client.addEventListener("ended", ({ detail }) => console.log(detail.message));
 * // From a click, so that the browser plays sound.
 * document.querySelector("#join")!.addEventListener("click", () => client.join({ name: "Ada" }));
 * ```
 *
 * @module
 */

/** A class of the browser's, where the program is checked with TypeScript's `dom` library. */
export type BrowserClass<Name extends string> = typeof globalThis extends
  { [K in Name]: { prototype: infer Instance } } ? Instance : unknown;

/** A track of the browser's: a microphone, a camera or a screen. */
export type MediaTrack = BrowserClass<"MediaStreamTrack">;

/** A stream of the browser's, for the `srcObject` of an element. */
export type Stream = BrowserClass<"MediaStream">;

/**
 * What to send: `true` for the usual device, a device's id, a track of the page's own (sent as it
 * is, without echo cancellation or noise suppression), or `null` for nothing.
 */
export type Source = boolean | string | MediaTrack | null | undefined;

/** The state of a client. */
export type ClientState = "idle" | "connecting" | "connected" | "reconnecting" | "ended";

/** Another participant of the call. */
export interface Participant {
  /** Identifies the participant in this call. */
  readonly id: string;
  /** The name to show. */
  readonly name: string;
  /** Whether it is a person or an agent. */
  readonly kind: "person" | "agent";
  /** Whether they send sound and have not muted it. */
  readonly audible: boolean;
  /** Whether they send a camera's picture, or an agent its own. */
  readonly camera: boolean;
  /** Whether they share a screen. */
  readonly screen: boolean;
  /** Whether their network was cut, and they may come back. */
  readonly reconnecting: boolean;
}

/** A picture of another participant. */
export interface ParticipantVideo {
  /** Whose it is: a participant's id. */
  readonly participantId: string;
  /** The kind of picture. */
  readonly kind: "camera" | "screen";
  /** The picture. */
  readonly stream: Stream;
}

/** A picture that the edge does not forward right now. */
export interface PausedVideo {
  /** Whose it is: a participant's id. */
  readonly participantId: string;
  /** The kind of picture. */
  readonly kind: "camera" | "screen";
}

/** The media that a page sends. */
export interface SentMediaState {
  /** Whether there is a microphone. */
  readonly microphone: boolean;
  /** Whether it is muted. */
  readonly muted: boolean;
  /** Whether a camera is sent. */
  readonly camera: boolean;
  /** Whether a screen is shared. */
  readonly screen: boolean;
  /** Whether its sound is sent too. */
  readonly screenAudio: boolean;
}

/** Measurements, once a second; a figure that is not known yet is missing. */
export interface ConnectionStats {
  /** Milliseconds there and back on the media's way. */
  readonly roundTripMs?: number;
  /** Milliseconds there and back over the signalling. */
  readonly signalMs?: number;
  /** Milliseconds that received sound waits before it is decoded. */
  readonly jitterBufferMs?: number;
  /** Milliseconds from the decoder to the loudspeaker. */
  readonly outputMs?: number;
  /** The share of the sound that the browser had to invent, 0 to 1. */
  readonly concealed?: number;
  /** Lost packets of the audio that were asked for again since the last reading. Firefox never asks. */
  readonly nackCount?: number;
}

/** A failure, or the end of a call: a code for programs and a sentence for people. */
export interface Ending {
  /** Why, for programs. */
  readonly code: string;
  /** Why, for people. */
  readonly message: string;
}

/** The events of a client, and what each carries as its `detail`. */
export interface ClientEvents {
  /** The connection's state has changed. */
  state: { readonly state: ClientState };
  /** A participant came, went or changed. */
  participants: { readonly participants: ReadonlyMap<string, Participant> };
  /** Other pictures can be shown. */
  videos: { readonly videos: readonly ParticipantVideo[]; readonly paused: readonly PausedVideo[] };
  /** The page sends other media. */
  media: SentMediaState;
  /** Loudness, 0 to 1, by participant id; a participant who is missing is silent. */
  audioLevels: { readonly levels: { readonly [participantId: string]: number } };
  /** A custom event of an agent or of another page. `from` is the sender's participant id. */
  event: { readonly from: string; readonly data: unknown };
  /**
   * The server did not forward an event or a text of this page, or the call ended before it had the
   * latest ones.
   */
  unsent: Ending;
  /** The server has more of this page's events and texts; so many have not arrived yet. */
  sent: { readonly waiting: number };
  /** New measurements, once a second. */
  stats: ConnectionStats;
  /** The browser wants a click before it plays sound: call `play` from one. */
  blocked: Record<never, never>;
  /** The call is over for this page, and why. */
  ended: Ending;
}

/** Options of {@linkcode RinglineClient}. */
export interface RinglineClientOptions {
  /** The call's link with its secret; the page's own address unless given. */
  link?: string | URL;
  /** Whether to play what is heard. Default `true`. */
  play?: boolean;
  /**
   * A client of the same link that has ended, e.g. with `server-gone` because the server took long to start
   * again: this one joins as the same participant, and sends what that one could not.
   */
  continues?: RinglineClient;
}

/** What a page may do in its call. */
export interface Grants {
  /** Send audio, a camera and a screen. */
  readonly publish: boolean;
  /** Receive the audio and the videos of others. */
  readonly subscribe: boolean;
  /** Send custom events. */
  readonly sendEvents: boolean;
}

/** Options of {@linkcode RinglineClient.join}. */
export interface JoinOptions {
  /**
   * The name that others are shown: 1 to 60 characters on one line. An invitation's own name counts
   * more.
   */
  name: string;
  /** Default `true`. */
  microphone?: Source;
  /** Default none. */
  camera?: Source;
  /** Whether to start muted. Default `false`. */
  muted?: boolean;
}

/**
 * A person's part in one call: a client joins once, and a new call takes a new client.
 *
 * What is heard is played unless `play` is `false`. After a network cut it reconnects: `state` is
 * `"reconnecting"` meanwhile. Only `ended` is final.
 */
export class RinglineClient extends EventTarget {
  /** Creates a client for one call; it does nothing before `join`. */
  constructor(options?: RinglineClientOptions);
  /** The client's state. */
  state: ClientState;
  /** This page's participant id, once it is in the call. */
  id: string | undefined;
  /** What this page may do, once it is in the call: an invitation may allow less than a link. */
  grants: Grants | undefined;
  /** All other participants, by id. */
  participants: Map<string, Participant>;
  /** Pictures of others. */
  videos: ParticipantVideo[];
  /** Pictures that are not forwarded right now. */
  paused: PausedVideo[];
  /** The mix of all other participants. */
  audio: Stream;
  /** Plays `audio`. */
  audioElement: BrowserClass<"HTMLAudioElement">;
  /** The latest measurements. */
  stats: ConnectionStats;
  /** The peer connection, for its statistics. */
  get connection(): BrowserClass<"RTCPeerConnection"> | undefined;
  /** The media that is sent now. */
  get media(): SentMediaState;
  /** The tracks that are sent. */
  get tracks(): Record<"microphone" | "camera" | "screen" | "screenAudio", MediaTrack | null>;
  /**
   * Joins the call and resolves when sound and picture flow. Call it from a click, or the browser may
   * not play sound.
   *
   * @throws {RinglineError} the call cannot be joined, or a device does not open: see `code`.
   * @throws {TypeError | RangeError} the name, or another option, is not what it should be.
   */
  join(options: JoinOptions): Promise<void>;
  /**
   * Goes silent, or speaks again. The microphone stays open.
   *
   * @throws {TypeError} it is no boolean.
   */
  setMuted(muted: boolean): void;
  /**
   * Changes or removes the microphone, without a new negotiation.
   *
   * @throws {RinglineError} it does not open.
   * @throws {TypeError} no microphone or camera can come of it.
   */
  setMicrophone(source: Source): Promise<void>;
  /**
   * Changes or removes the camera.
   *
   * @throws {RinglineError} it does not open.
   * @throws {TypeError} no microphone or camera can come of it.
   */
  setCamera(source: Source): Promise<void>;
  /**
   * Shares the screen, with its sound where there is one, or stops. `true` lets the person choose which;
   * your own is a picture, or a stream of a picture and its sound.
   *
   * @throws {RinglineError} the person declined, or the browser cannot.
   * @throws {TypeError} no screen can come of it.
   */
  setScreen(source: boolean | MediaTrack | Stream | null): Promise<void>;
  /**
   * Changes the name.
   *
   * @throws {TypeError | RangeError} it is not 1 to 60 characters on one line.
   */
  rename(name: string): void;
  /**
   * Sends a custom event to agents and other pages.
   *
   * @throws {TypeError} the data is not JSON.
   * @throws {RangeError} it is over 5120 bytes.
   * @throws {RinglineError} `too-many-messages`: more than 20 a second for a while.
   */
  sendEvent(data: unknown): void;
  /**
   * Writes to the agents, which reply as to speech. The agent's transcript shows it.
   *
   * @throws {TypeError} the text is blank.
   * @throws {RangeError} it is over 5120 bytes as JSON.
   * @throws {RinglineError} `too-many-messages`: more than 20 a second for a while.
   */
  sendText(text: string): void;
  /** How loud the microphone is, 0 to 1; for a meter, at each animation frame. */
  microphoneLevel(): number;
  /** Plays what is heard; for a click after `blocked`. */
  play(): Promise<void>;
  /** Leaves the call. */
  leave(): void;
  /** Drops the signalling as a failing network would; for tests. The client reconnects. */
  breakSignalling(): void;
  /** Listens to one of {@linkcode ClientEvents}. */
  override addEventListener<Type extends keyof ClientEvents>(
    type: Type,
    listener: (event: CustomEvent<ClientEvents[Type]>) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Listens to any event. */
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Stops listening to one of {@linkcode ClientEvents}. */
  override removeEventListener<Type extends keyof ClientEvents>(
    type: Type,
    listener: (event: CustomEvent<ClientEvents[Type]>) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  /** Stops listening to any event. */
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** A failure with a code for programs (`code`) and a sentence for people (`message`). */
export class RinglineError extends Error {
  /** Creates a failure; `message` is the code's own sentence unless given. */
  constructor(code: string, message?: string, options?: ErrorOptions);
  /** Why, for programs. */
  code: string;
}

/** The parts of a link to a call, or to a start page. */
export interface LinkParts {
  /** The server's address. */
  origin: string;
  /** The secret that admits a page. */
  secret: string;
  /** Missing for a start page. */
  callType?: string;
  /** Missing for a start page. */
  callId?: string;
}

/** Splits a link to a call, or to a start page, into its parts. */
export function parseLink(link: string | URL): LinkParts;

/**
 * Asks a server that serves them for a new call, and returns its link. `link` is the start page's
 * address, its secret included.
 *
 * @throws {RinglineError} the server refuses, or cannot be reached.
 */
export function startCall(link: string | URL): Promise<string>;

/**
 * Asks who is in a call, without joining it.
 *
 * @throws {RinglineError} the server refuses, or cannot be reached.
 */
export function findCall(link: string | URL): Promise<{ participants: readonly Participant[] }>;

/** Returns typed or pasted text as a name; empty when no character is allowed. */
export function cleanName(text: string): string;

/** Returns what a call asks of a microphone or a camera: for a lobby of your own that tries one. */
export function constraints(kind: "microphone" | "camera", source: true | string): {
  audio?: object;
  video?: object;
};

/** Returns the error for a device that failed to open; `error` is the browser's. */
export function deviceError(
  kind: "microphone" | "camera" | "screen",
  error: unknown,
): RinglineError;

/** Returns an analyser of a track, for a level meter. */
export function analyse(
  context: BrowserClass<"AudioContext">,
  track: MediaTrack,
): BrowserClass<"AnalyserNode">;

/** Returns the current peak of an analyser, 0 to 1. */
export function analyserLevel(analyser: BrowserClass<"AnalyserNode">): number;
