/** A connection to a call as everything but its edge sees it. @module */
import type { AudioTrack } from "./audio_track.ts";
import type { Call } from "./call.ts";
import type { CloseReason, ConnectionState, JsonValue, Participant, TrackInfo } from "./types.ts";
import type { TransferOptions } from "./telephony.ts";
import type { VideoLimits, VideoTrack } from "./video_frame.ts";

/** The tracks that an agent publishes, in one negotiation. */
export interface PublishedTracks {
  /** The agent's voice. */
  audio?: AudioTrack;
  /** The agent's video. */
  video?: VideoTrack;
}

/**
 * An agent's presence in a call. An edge's author extends {@linkcode Connection}, which implements
 * this; programs, events and processors need no more than this.
 */
export interface CallConnection extends AsyncDisposable {
  /** The call that the connection belongs to. */
  readonly call: Call;
  /** Resolves with the reason once everything is released. Never rejects. */
  readonly closed: Promise<CloseReason>;
  /** The connection's state. */
  readonly state: ConnectionState;
  /** Whether the network is being repaired right now. */
  readonly isReconnecting: boolean;
  /** The reason for which it is closed; `undefined` while it is open. */
  readonly closeReason: CloseReason | undefined;
  /** The participants of the call beside the agent, by participant id. */
  readonly participants: ReadonlyMap<string, Participant>;
  /** The media tracks of the participants, by track id. */
  readonly tracks: ReadonlyMap<string, TrackInfo>;

  /**
   * Publishes the agent's tracks, both in one negotiation. A track of before that is not named again is
   * no longer published: `publishTracks({})` mutes the agent.
   */
  publishTracks(tracks: PublishedTracks): Promise<void>;

  /**
   * Plays a track of `createAudioTrack({ to })` to its participant, beside what `publishTracks`
   * publishes, until the track is closed. It is closed when they have left, or the connection ends; it
   * is not while they are cut off and may come back.
   *
   * @throws {TypeError} the edge cannot, the track has no `to`, or it is published already.
   * @throws {ClosedError} the connection is closed.
   * @throws {EdgeError} the participant is not in the call (`participant-left`).
   */
  publishDirectedAudio(track: AudioTrack): Promise<void>;

  /**
   * Returns the frames of a track, or `undefined` when there is no such video track. Pass the size and
   * the rate that are needed, so that no more is received and decoded. Each call returns a track of its
   * own, and closing it ends only that one.
   */
  addTrackSubscriber(trackId: string, limits?: VideoLimits): VideoTrack | undefined;

  /** Returns for how long the agent is, or was, on the call, in monotonic milliseconds; 0 before. */
  onCallForMs(): number;

  /**
   * Resolves with a person who is in the call, as soon as there is one; agents do not count. Once
   * the last person has left it waits again.
   *
   * @throws a `DOMException` named `TimeoutError` after `timeoutMs` (default: none), the signal's
   *   reason when aborted, `ClosedError` when the connection closes first.
   */
  waitForParticipant(
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<Participant>;

  /**
   * Returns for how long no person has been here, in monotonic milliseconds; 0 while one is, or
   * watches anonymously. In a call that no person has joined it counts from the agent's own join. 0
   * before that and once closed.
   */
  idleForMs(): number;

  /**
   * Returns since when no person has been here, in milliseconds since 1970; 0 while one is. For
   * display.
   */
  idleSince(): number;

  /**
   * Sends data of the application's own to all participants.
   *
   * @throws {TypeError} the data is not JSON.
   * @throws {RangeError} the data is over 5120 bytes as JSON in UTF-8.
   */
  sendCustomEvent(data: JsonValue): Promise<void>;

  /**
   * Presses keys of the telephone: resolves when they were sent.
   *
   * @param digits `0` to `9`, `A` to `D`, `*`, `#`, and `,` for a pause of two seconds
   * @throws {TypeError} the edge has no telephone.
   * @throws {RangeError} another character, no digit, or more than 255.
   */
  sendDtmf(digits: string): Promise<void>;

  /**
   * Transfers a caller to another number or address: resolves when they have left this call.
   *
   * @throws {TypeError} the edge cannot transfer, or it is not clear whom: several people are in the
   *   call and `participantId` is left out.
   * @throws {ConnectionError} the transfer failed: the caller is still here.
   */
  transfer(to: string, options?: TransferOptions): Promise<void>;

  /** Leaves the call. Idempotent; all callers await the same end. Never rejects. */
  close(): Promise<void>;
}
