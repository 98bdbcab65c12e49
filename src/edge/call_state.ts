/** What a connection knows of its call: the state, the participants and all tracks. @module */
import type { CallConnection } from "./call_connection.ts";
import type { Clock } from "../events/clock.ts";
import type { CloseReason, ConnectionState, Participant, TrackInit } from "./types.ts";
import { checkDuration } from "../events/waiting.ts";
import { checkCount } from "./validation.ts";
import { DirectedTracks } from "./directed_audio.ts";
import { ClosedError } from "./errors.ts";
import {
  ConnectionStateChangedEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  TrackAddedEvent,
  TrackRemovedEvent,
  TrackUpdatedEvent,
} from "./events.ts";
import { GRACE_MS, Presence } from "./presence.ts";
import { Roster } from "./roster.ts";

/** Emits an event of a connection. */
export type EmitConnectionEvent = <I extends { connection: CallConnection }>(
  eventClass: new (init: I) => object,
  init: Omit<I, "connection">,
) => void;

/**
 * The state of a connection, which follows from who is in the call, and the events of its changes.
 * What is reported before the agent is in the call causes its events then; once the call is closed,
 * nothing changes any more.
 */
export class CallState {
  readonly roster = new Roster();
  readonly directedAudio = new DirectedTracks();
  readonly presence: Presence;
  readonly #emit: EmitConnectionEvent;
  #name: ConnectionState = "establishing";
  #isReconnecting = false;
  #closeReason: CloseReason | undefined;
  /** How many people watch anonymously. */
  #viewers = 0;

  constructor({ clock, emit }: { clock: Clock; emit: EmitConnectionEvent }) {
    this.presence = new Presence(clock);
    this.#emit = emit;
  }

  get name(): ConnectionState {
    return this.#name;
  }

  get isReconnecting(): boolean {
    return this.#isReconnecting;
  }

  get closeReason(): CloseReason | undefined {
    return this.#closeReason;
  }

  get isClosed(): boolean {
    return this.#name === "closed";
  }

  get isEstablishing(): boolean {
    return this.#name === "establishing";
  }

  /** Throws `ClosedError` once the call is closed. */
  expectOpen(): void {
    if (this.isClosed) throw new ClosedError("the connection");
  }

  /** The agent is in the call. */
  establish(): void {
    this.expectOpen();
    if (!this.isEstablishing) return;
    this.presence.begin();
    const isWatched = this.#isWatched;
    if (!isWatched) this.presence.beginIdle();
    this.#change(isWatched ? "active" : "waiting");
    for (const participant of [...this.roster.participants.values()]) {
      this.#emit(ParticipantJoinedEvent, { participant });
    }
    for (const track of [...this.roster.tracks.values()]) this.#emit(TrackAddedEvent, { track });
    this.#welcome();
  }

  /** Adds or updates a participant; `emits`: whether with an event about them. */
  join(participant: Participant, { emits }: { emits: boolean }): void {
    if (this.isClosed) return;
    this.presence.found(participant.id);
    const { isNew, tracks } = this.roster.join(participant);
    if (this.isEstablishing || !isNew) return;
    this.#updatePresence();
    if (emits) this.#emit(ParticipantJoinedEvent, { participant });
    for (const track of tracks) this.#emit(TrackAddedEvent, { track });
    this.#welcome();
  }

  /** A participant may come back within `graceMs`; calls `gone` when they have not. */
  lose(participantId: string, graceMs = GRACE_MS, gone: () => void): void {
    checkDuration("graceMs", graceMs);
    if (this.isClosed || !this.roster.participants.has(participantId)) return;
    this.presence.lose(participantId, graceMs, gone);
  }

  /** Removes a participant and their tracks; `emits`: whether with an event about them. */
  leave(participantId: string, { emits }: { emits: boolean }): void {
    if (this.isClosed) return;
    this.presence.found(participantId);
    const { participant, tracks } = this.roster.leave(participantId);
    this.directedAudio.close(participantId);
    if (!participant || this.isEstablishing) return;
    for (const track of tracks) this.#emit(TrackRemovedEvent, { track });
    this.#updatePresence();
    if (emits) this.#emit(ParticipantLeftEvent, { participant });
  }

  /** So many people watch anonymously now. */
  countViewers(count: number): void {
    checkCount(count, "count");
    if (this.isClosed) return;
    this.#viewers = count;
    if (!this.isEstablishing) this.#updatePresence();
  }

  addTrack(init: TrackInit): void {
    if (this.isClosed) return;
    const track = this.roster.addTrack(init);
    if (track && !this.isEstablishing) this.#emit(TrackAddedEvent, { track });
  }

  updateTrack(trackId: string, { muted }: { muted: boolean }): void {
    if (this.isClosed) return;
    const track = this.roster.updateTrack(trackId, muted);
    if (track && !this.isEstablishing) this.#emit(TrackUpdatedEvent, { track });
  }

  removeTrack(trackId: string): void {
    if (this.isClosed) return;
    const track = this.roster.removeTrack(trackId);
    if (track && !this.isEstablishing) this.#emit(TrackRemovedEvent, { track });
  }

  /** The network is being repaired, or is back. */
  setReconnecting(reconnecting: boolean): void {
    if (this.isClosed || this.#isReconnecting === reconnecting) return;
    this.#isReconnecting = reconnecting;
    const state = this.#name;
    this.#emit(ConnectionStateChangedEvent, { state, previous: state, reconnecting });
  }

  /**
   * Resolves with a person who is in the call.
   *
   * @throws `ClosedError`, a `TimeoutError`, or the signal's reason.
   */
  async waitForPerson(options: { timeoutMs?: number; signal?: AbortSignal }): Promise<Participant> {
    this.expectOpen();
    const present = this.isEstablishing ? undefined : this.roster.firstPerson();
    return present ?? await this.presence.waitForWelcome(options);
  }

  /** The call ends for this reason: no person is waited for any longer. */
  end(reason: CloseReason): void {
    this.#closeReason = reason;
    this.#isReconnecting = false;
    this.presence.end(new ClosedError("the connection"));
  }

  /** The call has ended. */
  close(): void {
    this.#change("closed");
  }

  /** Whether a person is here, with a name or anonymously. */
  get #isWatched(): boolean {
    return this.#viewers > 0 || this.roster.firstPerson() !== undefined;
  }

  #updatePresence(): void {
    const present = this.#isWatched;
    if (present && this.#name !== "active") {
      this.presence.endIdle();
      this.#change("active");
    } else if (!present && this.#name === "active") {
      this.presence.beginIdle();
      this.#change("idle");
    }
  }

  /** Resolves the waits for a person, after all events have been emitted. */
  #welcome(): void {
    const person = this.roster.firstPerson();
    if (person) this.presence.welcome(person);
  }

  #change(state: ConnectionState): void {
    const previous = this.#name;
    this.#name = state;
    this.#emit(ConnectionStateChangedEvent, {
      state,
      previous,
      reconnecting: this.#isReconnecting,
      reason: this.#closeReason,
    });
  }
}
