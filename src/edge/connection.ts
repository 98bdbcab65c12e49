import type { AudioRow, EdgeAgent } from "./edge_agent.ts";
import type { Call } from "./call.ts";
import type { CallConnection, PublishedTracks } from "./call_connection.ts";
import type { MutableParticipantAudio } from "./participant_audio.ts";
import type { EdgeTransport } from "./edge_transport.ts";
import type { VideoTrack } from "./video_frame.ts";
import type {
  CloseReason,
  ConnectionState,
  JsonValue,
  Participant,
  TrackAnnouncement,
  TrackInfo,
} from "./types.ts";
import { assertPcmChunk, PcmChunk } from "../audio/pcm_chunk.ts";
import { type Clock, systemClock } from "../events/clock.ts";
import { checkMethods, checkObject } from "../events/checks.ts";
import { DropCounter } from "../events/drop_counter.ts";
import { promised, UserHook } from "../events/user_code.ts";
import { waitFor } from "../events/waiting.ts";
import { Presence } from "./presence.ts";
import { checkCustomEvent } from "./custom_event.ts";
import { takeSentEvent } from "./edge_events.ts";
import { ClosedError } from "./errors.ts";
import { checkCall, checkUser } from "./validation.ts";
import {
  AudioReceivedEvent,
  CallEndedEvent,
  ConnectionStateChangedEvent,
  CustomEventReceivedEvent,
  ErrorEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  TrackAddedEvent,
  TrackRemovedEvent,
  TrackUpdatedEvent,
} from "./events.ts";
import { Roster } from "./roster.ts";

/** What a {@linkcode Connection} is made of. */
export interface ConnectionInit {
  /** The edge that makes the connection. */
  edge: EdgeTransport;
  /** The agent that joins. */
  agent: EdgeAgent;
  /** The call that it joins. */
  call: Call;
  /** The edge's clock unless given. */
  clock?: Clock;
}

/** How long `disconnect` may take before closing goes on without it. */
const DISCONNECT_LIMIT_MS = 5000;

/**
 * An agent's presence in a call.
 *
 * An edge's author extends it with four methods (`publishTracks`, `addTrackSubscriber`,
 * `deliverCustomEvent`, `disconnect`) and tells it what happens through the protected ones
 * (`established`, `participantJoined`, `trackAdded`, `receiveRow` and so on). This class keeps the
 * state, the participants and their tracks, the waiting and idling, and sends the events.
 *
 * What is told before `established` is announced by it; a track that is told before its participant
 * is announced after him.
 */
export abstract class Connection implements CallConnection {
  /** The edge that the call is reached over. */
  readonly edge: EdgeTransport;
  /** The call that it is in. */
  readonly call: Call;
  /** Resolves with the reason once everything is released. Never rejects. */
  readonly closed: Promise<CloseReason>;
  /** The agent whose presence this is. */
  protected readonly agent: EdgeAgent;
  /** Where its time comes from. */
  protected readonly clock: Clock;

  readonly #roster = new Roster();
  readonly #closed = Promise.withResolvers<CloseReason>();
  readonly #attendance: Presence;
  readonly #unknownAudio: DropCounter;
  readonly #receive: UserHook<AudioRow>;
  /** The row that a single participant's audio is handed over in. */
  readonly #row: AudioRow = { count: 1, entries: [] };
  /** The only entry of that row. */
  #audio: MutableParticipantAudio | undefined;
  #state: ConnectionState = "establishing";
  #reconnecting = false;
  #reason: CloseReason | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Makes a connection.
   *
   * @throws {TypeError} the agent's user or the call is not what an edge can use.
   */
  constructor(init: ConnectionInit) {
    checkObject(init, "init", "an object like { edge, agent, call }");
    checkMethods(init.edge, "init.edge", "the EdgeTransport that makes the connection", ["adopt"]);
    checkUser(init.agent?.user, "agent.user");
    checkCall(init.call);
    this.edge = init.edge;
    this.call = init.call;
    this.agent = init.agent;
    this.clock = init.clock ?? init.edge.clock ?? systemClock;
    this.closed = this.#closed.promise;
    this.#attendance = new Presence(this.clock);
    this.#unknownAudio = new DropCounter(this.clock, (dropped, total) => {
      this.reportError(
        new Error(`${dropped} chunks of audio from unknown participants dropped (${total} in all)`),
        "receiving audio",
      );
    });
    this.#receive = new UserHook<AudioRow>((row) => this.agent.receiveRow(row), {
      clock: this.clock,
      report: (error, context) => this.reportError(error, context),
      context: "the agent's receiveRow",
    });
    init.edge.adopt(this);
  }

  // What an edge's author writes.

  /** Publishes the agent's tracks, both in one negotiation. */
  abstract publishTracks(tracks: PublishedTracks): Promise<void>;

  /** The pictures of a track, or `undefined` when there is no such video track. */
  abstract addTrackSubscriber(trackId: string): VideoTrack | undefined;

  /** Sends checked data to all participants; `text` is the same as JSON. */
  protected abstract deliverCustomEvent(data: JsonValue, text: string): Promise<void>;

  /**
   * Leaves the call and releases everything. Called exactly once, also after `ended` and when the
   * connection was never established. `reason` says why.
   */
  protected abstract disconnect(reason: CloseReason): Promise<void>;

  // What everybody may ask.

  /** Where the connection stands. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** Whether the network is being repaired right now. */
  get isReconnecting(): boolean {
    return this.#reconnecting;
  }

  /** Why it is closed; `undefined` while it is not. */
  get closeReason(): CloseReason | undefined {
    return this.#reason;
  }

  /** Who is in the call beside the agent, by participant id. */
  get participants(): ReadonlyMap<string, Participant> {
    return this.#roster.participants;
  }

  /** The media tracks of the participants, by track id. */
  get tracks(): ReadonlyMap<string, TrackInfo> {
    return this.#roster.tracks;
  }

  /** For how long the agent is, or was, on the call, in monotonic milliseconds; 0 before. */
  onCallForMs(): number {
    return this.#attendance.onCallForMs;
  }

  /**
   * Resolves with a person who is in the call, as soon as there is one; agents do not count. After
   * everybody has left it waits again.
   *
   * @throws a `DOMException` named `TimeoutError` after `timeoutMs` (default: none), the signal's
   *   reason when aborted, `ClosedError` when the connection closes first.
   */
  async waitForParticipant(
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<Participant> {
    options.signal?.throwIfAborted();
    if (this.#state === "closed") throw new ClosedError("the connection");
    const present = this.#state === "establishing" ? undefined : this.#roster.firstPerson();
    return present ?? await this.#attendance.waitForWelcome(options);
  }

  /**
   * For how long no person has been here, in monotonic milliseconds; 0 while one is. A call that
   * nobody joined counts from the agent's own join. 0 before that and once closed.
   */
  idleForMs(): number {
    return this.#attendance.idleForMs;
  }

  /** Since when no person has been here, in milliseconds since 1970; 0 while one is. For display. */
  idleSince(): number {
    return this.#attendance.idleSinceEpochMs;
  }

  /**
   * Sends data of the application's own to all participants.
   *
   * @throws {TypeError} the data is not JSON.
   * @throws {RangeError} the data is over 5120 bytes as JSON in UTF-8.
   */
  async sendCustomEvent(data: JsonValue): Promise<void> {
    const text = checkCustomEvent(data);
    if (this.#state === "closed") throw new ClosedError("the connection");
    await this.deliverCustomEvent(data, text);
  }

  /** Leaves the call. Idempotent; everybody who calls it awaits the same end. Never rejects. */
  close(): Promise<void> {
    return this.#end(this.#state === "establishing" ? "aborted" : "left");
  }

  /** Closes it, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // What an edge's author tells. All of it does nothing once the connection is closed.

  /**
   * The agent is in the call. Announces the participants and tracks told before.
   *
   * @throws `ClosedError` when the connection was closed meanwhile: the join has failed.
   */
  protected established(): void {
    if (this.#state === "closed") throw new ClosedError("the connection");
    if (this.#state !== "establishing") return;
    this.#attendance.begin();
    const person = this.#roster.firstPerson();
    if (!person) this.#attendance.nobodyIsHere();
    this.#setState(person ? "active" : "waiting");
    for (const participant of [...this.participants.values()]) {
      this.#announceParticipant(participant);
    }
    for (const track of [...this.tracks.values()]) this.#announceTrack(track);
    this.#welcome();
  }

  /** Somebody joined, or was there before. Telling it again only renews what is known of him. */
  protected participantJoined(participant: Participant): void {
    this.#join(participant, true);
  }

  /** Somebody left; removes his tracks too. */
  protected participantLeft(participantId: string): void {
    this.#leave(participantId, true);
  }

  /** A track was added. Tracks of a participant who is not known yet wait for him. */
  protected trackAdded(track: TrackAnnouncement): void {
    if (this.#state === "closed") return;
    const added = this.#roster.addTrack(track);
    if (added && this.#state !== "establishing") this.#announceTrack(added);
  }

  /** A track was muted or unmuted. */
  protected trackUpdated(trackId: string, change: { muted: boolean }): void {
    if (this.#state === "closed") return;
    const track = this.#roster.updateTrack(trackId, change.muted);
    if (track && this.#state !== "establishing") this.#announce(TrackUpdatedEvent, { track });
  }

  /** A track was removed. */
  protected trackRemoved(trackId: string): void {
    if (this.#state === "closed") return;
    const track = this.#roster.removeTrack(trackId);
    if (track && this.#state !== "establishing") this.#announce(TrackRemovedEvent, { track });
  }

  /**
   * Audio of one participant, of any length, rate and number of channels; `pcm` need only be valid
   * during the call. Give `row` where the edge numbers its audio on a common grid of 20 ms.
   *
   * @throws {TypeError | RangeError} `pcm` is no chunk.
   */
  protected receiveAudio(
    participantId: string,
    pcm: PcmChunk,
    options: { trackId?: string; row?: number } = {},
  ): void {
    assertPcmChunk(pcm, "pcm");
    if (this.#state === "closed") return;
    const participant = this.#roster.participants.get(participantId);
    if (!participant) return this.#unknownAudio.add();
    this.#hear(participant, pcm, options.trackId ?? "", options.row);
    if (!this.edge.events.has(AudioReceivedEvent)) return;
    this.#announce(AudioReceivedEvent, { participant, pcm: pcm.clone(), ...options });
  }

  /** One tick's audio of all participants. The row need only be valid during the call. */
  protected receiveRow(row: AudioRow): void {
    if (this.#state === "closed") return;
    void this.#receive.run(row);
    if (!this.edge.events.has(AudioReceivedEvent)) return;
    for (let index = 0; index < row.count; index++) {
      const { participant, trackId, pcm, row: number } = row.entries[index]!;
      const copy = new PcmChunk(pcm.samples.slice(), pcm);
      this.#announce(AudioReceivedEvent, { participant, trackId, pcm: copy, row: number });
    }
  }

  /** Somebody sent data of the application's own. */
  protected customEventReceived(data: JsonValue, participantId?: string): void {
    if (this.#state === "closed") return;
    const participant = participantId === undefined
      ? undefined
      : this.#roster.participants.get(participantId);
    this.#announce(CustomEventReceivedEvent, { data, participant });
  }

  /** The network was lost and is being repaired. */
  protected reconnecting(): void {
    this.#setReconnecting(true);
  }

  /** The network is back. */
  protected reconnected(): void {
    this.#setReconnecting(false);
  }

  /** The call is over for this agent: closes the connection with this reason. */
  protected ended(reason: CloseReason, options: { error?: unknown } = {}): void {
    if (this.#state === "closed") return;
    const established = this.#state !== "establishing";
    this.#end(reason);
    if (established) this.#announce(CallEndedEvent, { reason, error: options.error });
  }

  /** Something failed that the call survives. */
  protected reportError(error: unknown, context: string): void {
    this.edge.events.announce(new ErrorEvent({ connection: this, error, context }));
  }

  // Inside.

  /**
   * What the edge's author sends as an event of his own is taken as if it had been told. Gives
   * whether it is to be announced now: not yet, for what `established` will announce.
   */
  [takeSentEvent](event: object): boolean {
    if (this.#state === "closed") return true;
    if (event instanceof AudioReceivedEvent) {
      this.#hear(event.participant, event.pcm, event.trackId, event.row);
      return true;
    }
    if (event instanceof ParticipantJoinedEvent) this.#join(event.participant, false);
    else if (event instanceof ParticipantLeftEvent) this.#leave(event.participant.id, false);
    else if (event instanceof TrackAddedEvent) {
      const { id, type, participant, muted } = event.track;
      // An author who sends no event about participants means that they are here.
      this.#join(participant, true);
      this.#roster.addTrack({ id, type, participantId: participant.id, muted });
    } else if (event instanceof TrackUpdatedEvent) {
      this.#roster.updateTrack(event.track.id, event.track.muted);
    } else if (event instanceof TrackRemovedEvent) this.#roster.removeTrack(event.track.id);
    else if (event instanceof CallEndedEvent) this.#end(event.reason);
    else return true;
    return this.#state !== "establishing";
  }

  #hear(participant: Participant, pcm: PcmChunk, trackId: string, row = -1): void {
    const audio = this.#audio ??= { participant, trackId, pcm, row };
    audio.participant = participant;
    audio.trackId = trackId;
    audio.pcm = pcm;
    audio.row = row;
    this.#row.entries[0] = audio;
    void this.#receive.run(this.#row);
  }

  #join(participant: Participant, announce: boolean): void {
    if (this.#state === "closed") return;
    const { isNew, tracks } = this.#roster.join(participant);
    if (this.#state === "establishing" || !isNew) return;
    this.#updatePresence();
    if (announce) this.#announceParticipant(participant);
    for (const track of tracks) this.#announceTrack(track);
    this.#welcome();
  }

  /** Tells those who wait for a person that there is one, when everything is announced. */
  #welcome(): void {
    const person = this.#roster.firstPerson();
    if (person) this.#attendance.welcome(person);
  }

  #leave(participantId: string, announce: boolean): void {
    if (this.#state === "closed") return;
    const { participant, tracks } = this.#roster.leave(participantId);
    if (!participant || this.#state === "establishing") return;
    for (const track of tracks) this.#announce(TrackRemovedEvent, { track });
    this.#updatePresence();
    if (announce) this.#announce(ParticipantLeftEvent, { participant });
  }

  #updatePresence(): void {
    const present = this.#roster.firstPerson() !== undefined;
    if (present && this.#state !== "active") {
      this.#attendance.somebodyIsHere();
      this.#setState("active");
    } else if (!present && this.#state === "active") {
      this.#attendance.nobodyIsHere();
      this.#setState("idle");
    }
  }

  #announceParticipant(participant: Participant): void {
    this.#announce(ParticipantJoinedEvent, { participant });
  }

  #announceTrack(track: TrackInfo): void {
    this.#announce(TrackAddedEvent, { track });
  }

  #announce<I extends { connection: CallConnection }>(
    eventClass: new (init: I) => object,
    init: Omit<I, "connection">,
  ): void {
    this.edge.events.announce(new eventClass({ ...init, connection: this } as unknown as I));
  }

  #setState(state: ConnectionState): void {
    const previous = this.#state;
    this.#state = state;
    this.#announce(ConnectionStateChangedEvent, {
      state,
      previous,
      reconnecting: this.#reconnecting,
      reason: this.#reason,
    });
  }

  #setReconnecting(reconnecting: boolean): void {
    if (this.#state === "closed" || this.#reconnecting === reconnecting) return;
    this.#reconnecting = reconnecting;
    const state = this.#state;
    this.#announce(ConnectionStateChangedEvent, { state, previous: state, reconnecting });
  }

  /** The shared end of everything: the state changes at once, releasing takes its time. */
  #end(reason: CloseReason): Promise<void> {
    if (this.#closing) return this.#closing;
    const done = Promise.withResolvers<void>();
    // Set before any event is sent: a subscriber may call close().
    this.#closing = done.promise;
    this.#reason = reason;
    this.#reconnecting = false;
    this.#attendance.end(new ClosedError("the connection"));
    this.#release(reason).then(done.resolve);
    this.#setState("closed");
    return done.promise;
  }

  async #release(reason: CloseReason): Promise<void> {
    try {
      await waitFor(promised(() => this.disconnect(reason)), "disconnecting", {
        timeoutMs: DISCONNECT_LIMIT_MS,
        clock: this.clock,
      });
    } catch (error) {
      this.reportError(error, "disconnecting");
    }
    this.#roster.clear();
    this.edge.disown(this);
    this.#closed.resolve(reason);
  }
}
