/** The base of an edge's connections. @module */
import type { AudioRow, EdgeAgent } from "./edge_agent.ts";
import type { AudioTrack } from "./audio_track.ts";
import type { Call } from "./call.ts";
import type { CallConnection, PublishedTracks } from "./call_connection.ts";
import type { EdgeTransport } from "./edge_transport.ts";
import type { VideoLimits, VideoTrack } from "./video_frame.ts";
import type {
  AudioStats,
  CloseReason,
  ConnectionState,
  JsonValue,
  Participant,
  TrackInfo,
  TrackInit,
} from "./types.ts";
import { assertPcmChunk, type PcmChunk } from "../audio/pcm_chunk.ts";
import { type Clock, systemClock } from "../events/clock.ts";
import { checkMethods, checkObject, checkOptions, checkSignal } from "../events/checks.ts";
import { promised } from "../events/user_code.ts";
import { waitFor } from "../events/waiting.ts";
import { checkCustomEvent } from "./custom_event.ts";
import { takeSentEvent } from "./edge_events.ts";
import { cannotDirectAudio } from "./directed_audio.ts";
import { checkCall, checkUser } from "./validation.ts";
import { AudioReceiver } from "./audio_receiver.ts";
import { CallState, type EmitConnectionEvent } from "./call_state.ts";
import {
  AudioReceivedEvent,
  AudioStatsEvent,
  CallEndedEvent,
  CustomEventReceivedEvent,
  DtmfReceivedEvent,
  ErrorEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  TextReceivedEvent,
  TrackAddedEvent,
  TrackRemovedEvent,
  TrackUpdatedEvent,
} from "./events.ts";
import { cannot, checkAddress, checkDtmf, toTransfer, type TransferOptions } from "./telephony.ts";
import { checkWrittenText } from "./written_text.ts";

/** Options for a {@linkcode Connection}. */
export interface ConnectionInit {
  /** The edge that creates the connection. */
  edge: EdgeTransport;
  /** The agent that joins. */
  agent: EdgeAgent;
  /** The call that the agent joins. */
  call: Call;
  /** Default: the edge's clock. */
  clock?: Clock;
}

/** Time limit for `disconnect`. Closing then goes on without it. */
const DISCONNECT_LIMIT_MS = 5000;

/**
 * An agent's presence in a call.
 *
 * An edge's author extends it with four methods (`publishTracks`, `addTrackSubscriber`,
 * `deliverCustomEvent`, `disconnect`) and reports changes through the protected ones (`established`,
 * `participantJoined`, `trackAdded`, `receiveRow` and so on). This class keeps the state, the
 * participants and their tracks, implements waiting and idling, and emits the events.
 *
 * Participants and tracks that are reported before `established` cause their events then; a track that
 * is reported before its participant causes its event after the participant's.
 */
export abstract class Connection implements CallConnection {
  /** The edge that the call is reached over. */
  readonly edge: EdgeTransport;
  /** The call that the connection belongs to. */
  readonly call: Call;
  /** Resolves with the reason once everything is released. Never rejects. */
  readonly closed: Promise<CloseReason>;
  /** The agent that has joined. */
  protected readonly agent: EdgeAgent;
  /** The source of time. */
  protected readonly clock: Clock;

  readonly #state: CallState;
  readonly #audio: AudioReceiver;
  readonly #closed = Promise.withResolvers<CloseReason>();
  #closing: Promise<void> | undefined;

  /**
   * Creates a connection.
   *
   * @throws {TypeError} the agent's user or the call is invalid.
   */
  constructor(init: ConnectionInit) {
    checkObject(init, "init", "an object like { edge, agent, call }");
    checkMethods(init.edge, "init.edge", "the EdgeTransport that creates the connection", [
      "adopt",
    ]);
    checkUser(init.agent?.user, "agent.user");
    checkCall(init.call);
    this.edge = init.edge;
    this.call = init.call;
    this.agent = init.agent;
    this.clock = init.clock ?? init.edge.clock ?? systemClock;
    this.closed = this.#closed.promise;
    const emit: EmitConnectionEvent = (eventClass, init) => this.#emit(eventClass, init);
    this.#state = new CallState({ clock: this.clock, emit });
    this.#audio = new AudioReceiver({
      clock: this.clock,
      receiveRow: (row) => this.agent.receiveRow(row),
      isSubscribed: () => this.edge.events.has(AudioReceivedEvent),
      emit,
      report: (error, context) => this.reportError(error, context),
    });
    init.edge.adopt(this);
  }

  // The author of an edge implements these.

  /** Publishes the agent's tracks, both in one negotiation, and no others any longer. */
  abstract publishTracks(tracks: PublishedTracks): Promise<void>;

  /**
   * Returns the frames of a track, to each caller through a track of its own, or `undefined` when there
   * is no such video track.
   */
  abstract addTrackSubscriber(trackId: string, limits?: VideoLimits): VideoTrack | undefined;

  /** Sends checked data to all participants; `text` is the same as JSON. */
  protected abstract deliverCustomEvent(data: JsonValue, text: string): Promise<void>;

  /**
   * Plays a checked track to its participant until it is closed. An edge that can overrides it, and
   * `supportsDirectedAudio`; the others cannot.
   */
  protected deliverDirectedAudio(_track: AudioTrack): Promise<void> {
    return Promise.reject(cannotDirectAudio(this.edge));
  }

  /** Presses checked keys. An edge with a telephone overrides it; the others cannot. */
  protected deliverDtmf(_digits: string): Promise<void> {
    return Promise.reject(
      cannot(this.edge, "send DTMF", "use an edge of telephone calls, or sendCustomEvent"),
    );
  }

  /** Transfers one person of the call. An edge with a telephone overrides it; the others cannot. */
  protected deliverTransfer(_to: string, _participant: Participant): Promise<void> {
    return Promise.reject(
      cannot(
        this.edge,
        "transfer a call",
        "use an edge of telephone calls, or have the other person join this call",
      ),
    );
  }

  /**
   * Leaves the call and releases everything. Called exactly once, also after `ended` and when the
   * connection was never established. `reason` says why.
   */
  protected abstract disconnect(reason: CloseReason): Promise<void>;

  // The public interface.

  /** The connection's state. */
  get state(): ConnectionState {
    return this.#state.name;
  }

  /** Whether the network is being repaired right now. */
  get isReconnecting(): boolean {
    return this.#state.isReconnecting;
  }

  /** The reason for which it is closed; `undefined` while it is open. */
  get closeReason(): CloseReason | undefined {
    return this.#state.closeReason;
  }

  /** The participants of the call beside the agent, by participant id. */
  get participants(): ReadonlyMap<string, Participant> {
    return this.#state.roster.participants;
  }

  /** The media tracks of the participants, by track id. */
  get tracks(): ReadonlyMap<string, TrackInfo> {
    return this.#state.roster.tracks;
  }

  /** Returns for how long the agent is, or was, on the call, in monotonic milliseconds; 0 before. */
  onCallForMs(): number {
    return this.#state.presence.onCallForMs;
  }

  /**
   * Resolves with a person who is in the call, as soon as there is one; agents do not count. Once
   * the last person has left it waits again.
   *
   * @throws a `DOMException` named `TimeoutError` after `timeoutMs` (default: none), the signal's
   *   reason when aborted, `ClosedError` when the connection closes first.
   */
  async waitForParticipant(
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<Participant> {
    checkOptions(options, "options", { timeoutMs: true, signal: true });
    checkSignal(options.signal, "options.signal");
    options.signal?.throwIfAborted();
    return await this.#state.waitForPerson(options);
  }

  /**
   * Returns for how long no person has been here, in monotonic milliseconds; 0 while one is, or
   * watches anonymously. In a call that no person has joined it counts from the agent's own join. 0
   * before that and once closed.
   */
  idleForMs(): number {
    return this.#state.presence.idleForMs;
  }

  /**
   * Returns since when no person has been here, in milliseconds since 1970; 0 while one is. For
   * display.
   */
  idleSince(): number {
    return this.#state.presence.idleSinceEpochMs;
  }

  /**
   * Sends data of the application's own to all participants.
   *
   * @throws {TypeError} the data is not JSON.
   * @throws {RangeError} the data is over 5120 bytes as JSON in UTF-8.
   */
  async sendCustomEvent(data: JsonValue): Promise<void> {
    const text = checkCustomEvent(data);
    this.#state.expectOpen();
    await this.deliverCustomEvent(data, text);
  }

  /**
   * Presses keys of the telephone: resolves when they were sent.
   *
   * @param digits `0` to `9`, `A` to `D`, `*`, `#`, and `,` for a pause of two seconds
   * @throws {TypeError} the edge has no telephone.
   * @throws {RangeError} another character, no digit, or more than 255.
   */
  async sendDtmf(digits: string): Promise<void> {
    const checked = checkDtmf(digits);
    this.#state.expectOpen();
    await this.deliverDtmf(checked);
  }

  /**
   * Transfers a caller to another number or address: resolves when they have left this call.
   *
   * @throws {TypeError} the edge cannot transfer, or it is not clear whom: several people are in the
   *   call and `participantId` is left out.
   * @throws {ConnectionError} the transfer failed: the caller is still here.
   */
  async transfer(to: string, options: TransferOptions = {}): Promise<void> {
    checkAddress(to, "to");
    checkOptions(
      options,
      "options",
      { participantId: true },
      "an object like { participantId }, or nothing",
    );
    this.#state.expectOpen();
    await this.deliverTransfer(to, toTransfer(this.participants, options));
  }

  /**
   * Plays a track of `createAudioTrack({ to })` to its participant, beside what `publishTracks`
   * publishes, until the track is closed. It is closed when they have left, or the connection ends; it
   * is not while they are cut off and may come back.
   *
   * @throws {TypeError} the edge cannot, the track has no `to`, or it is published already.
   * @throws {ClosedError} the connection is closed.
   * @throws {EdgeError} the participant is not in the call (`participant-left`).
   */
  async publishDirectedAudio(track: AudioTrack): Promise<void> {
    this.#state.expectOpen();
    this.#state.directedAudio.add(track, this.participants);
    await this.deliverDirectedAudio(track);
  }

  /** Leaves the call. Idempotent; all callers await the same end. Never rejects. */
  close(): Promise<void> {
    return this.#end(this.#state.isEstablishing ? "aborted" : "left");
  }

  /** Closes the connection, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // The author of an edge calls these. They do nothing once the connection is closed.

  /**
   * The agent is in the call. Emits the events of the participants and tracks reported before.
   *
   * @throws `ClosedError` when the connection was closed meanwhile: the join has failed.
   */
  protected established(): void {
    this.#state.establish();
  }

  /** A participant joined, or was there before. Reporting them again only updates their data. */
  protected participantJoined(participant: Participant): void {
    this.#state.join(participant, { emits: true });
  }

  /**
   * A participant was cut off and may come back: they stay in the call, so that it is not idle and the
   * agent does not greet them twice. `participantJoined` with the same id says that they are back: the
   * edge knows by the service's own identity. After `graceMs` (default 6000) they have left.
   */
  protected participantLost(participantId: string, options: { graceMs?: number } = {}): void {
    const gone = () => this.participantLeft(participantId);
    this.#state.lose(participantId, options.graceMs, gone);
  }

  /** A participant left. Removes their tracks too. */
  protected participantLeft(participantId: string): void {
    this.#state.leave(participantId, { emits: true });
  }

  /**
   * So many people watch anonymously now, beside the participants: the edge does not know who they are
   * and reports no participant for them. The call is not idle while there are any.
   *
   * @throws {RangeError} `count` is no whole number from 0 on.
   */
  protected viewersCounted(count: number): void {
    this.#state.countViewers(count);
  }

  /** A track was added. It waits for its participant, if they are not known yet. */
  protected trackAdded(track: TrackInit): void {
    this.#state.addTrack(track);
  }

  /** A track was muted or unmuted. */
  protected trackUpdated(trackId: string, change: { muted: boolean }): void {
    this.#state.updateTrack(trackId, change);
  }

  /** A track was removed. */
  protected trackRemoved(trackId: string): void {
    this.#state.removeTrack(trackId);
  }

  /**
   * Receives audio of one participant, of any length, rate and number of channels; `pcm` need only be
   * valid during this call. Pass `row` if the edge numbers its audio on a common grid of 20 ms.
   *
   * @throws {TypeError | RangeError} `pcm` is not a valid chunk.
   */
  protected receiveAudio(
    participantId: string,
    pcm: PcmChunk,
    options: { trackId?: string; row?: number } = {},
  ): void {
    assertPcmChunk(pcm, "pcm");
    if (this.#state.isClosed) return;
    this.#audio.receive(this.participants.get(participantId), pcm, options);
  }

  /** Receives one row: a slot of each participant. `row` need only be valid during this call. */
  protected receiveRow(row: AudioRow): void {
    if (!this.#state.isClosed) this.#audio.receiveRow(row);
  }

  /** A participant or a server sent data of the application's own. */
  protected customEventReceived(data: JsonValue, participantId?: string): void {
    if (this.#state.isClosed) return;
    const participant = participantId === undefined
      ? undefined
      : this.participants.get(participantId);
    this.#emit(CustomEventReceivedEvent, { data, participant });
  }

  /** A participant pressed a key; one call for each key. */
  protected dtmfReceived(digit: string, participantId: string): void {
    if (this.#state.isClosed) return;
    const participant = this.participants.get(participantId);
    if (participant) this.#emit(DtmfReceivedEvent, { participant, digit });
  }

  /**
   * A participant wrote something.
   *
   * @throws {TypeError | RangeError} the text is blank, or over 5120 bytes as JSON.
   */
  protected textReceived(text: string, participantId: string): void {
    checkWrittenText(text);
    if (this.#state.isClosed) return;
    const participant = this.participants.get(participantId);
    if (participant) this.#emit(TextReceivedEvent, { participant, text });
  }

  /** How the audio of a participant has arrived so far. Needed only while `AudioStatsEvent` has subscribers. */
  protected audioStatsReceived(stats: AudioStats, participantId: string): void {
    if (this.#state.isClosed) return;
    const participant = this.participants.get(participantId);
    if (participant) this.#emit(AudioStatsEvent, { participant, stats });
  }

  /** The network was lost and is being repaired. */
  protected reconnecting(): void {
    this.#state.setReconnecting(true);
  }

  /** The network is back. */
  protected reconnected(): void {
    this.#state.setReconnecting(false);
  }

  /** The call is over for this agent: closes the connection with this reason. */
  protected ended(reason: CloseReason, options: { error?: unknown } = {}): void {
    if (this.#state.isClosed) return;
    const established = !this.#state.isEstablishing;
    this.#end(reason);
    if (established) this.#emit(CallEndedEvent, { reason, error: options.error });
  }

  /** Reports a failure that the call survives. */
  protected reportError(error: unknown, context: string): void {
    this.edge.events.emit(new ErrorEvent({ connection: this, error, context }));
  }

  // Private.

  /**
   * Takes an event of `EdgeEvents.send` as if it had been reported by the methods above. Returns
   * whether to emit it now: `established` emits the events of what was reported before it.
   */
  [takeSentEvent](event: object): boolean {
    if (this.#state.isClosed) return true;
    if (event instanceof AudioReceivedEvent) {
      this.#audio.deliver(event.participant, event.pcm, event.trackId, event.row);
      return true;
    }
    if (event instanceof ParticipantJoinedEvent) {
      this.#state.join(event.participant, { emits: false });
    } else if (event instanceof ParticipantLeftEvent) {
      this.#state.leave(event.participant.id, { emits: false });
    } else if (event instanceof TrackAddedEvent) {
      const { id, type, participant, muted } = event.track;
      // Without an event about the participant, the track shows that they are here.
      this.#state.join(participant, { emits: true });
      this.#state.roster.addTrack({ id, type, participantId: participant.id, muted });
    } else if (event instanceof TrackUpdatedEvent) {
      this.#state.roster.updateTrack(event.track.id, event.track.muted);
    } else if (event instanceof TrackRemovedEvent) this.#state.roster.removeTrack(event.track.id);
    else if (event instanceof CallEndedEvent) this.#end(event.reason);
    else return true;
    return !this.#state.isEstablishing;
  }

  #emit<I extends { connection: CallConnection }>(
    eventClass: new (init: I) => object,
    init: Omit<I, "connection">,
  ): void {
    this.edge.events.emit(new eventClass({ ...init, connection: this } as unknown as I));
  }

  /** Ends the connection, once: changes the state immediately, and releases everything after that. */
  #end(reason: CloseReason): Promise<void> {
    if (this.#closing) return this.#closing;
    const done = Promise.withResolvers<void>();
    // Set before any event is sent: a subscriber may call close().
    this.#closing = done.promise;
    this.#state.end(reason);
    this.#release(reason).then(done.resolve);
    this.#state.close();
    return done.promise;
  }

  async #release(reason: CloseReason): Promise<void> {
    this.#state.directedAudio.close();
    try {
      await waitFor(promised(() => this.disconnect(reason)), "disconnecting", {
        timeoutMs: DISCONNECT_LIMIT_MS,
        clock: this.clock,
      });
    } catch (error) {
      this.reportError(error, "disconnecting");
    }
    this.#state.roster.clear();
    this.edge.disown(this);
    this.#closed.resolve(reason);
  }
}
