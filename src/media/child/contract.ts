/**
 * The contract of an edge's child side: what it implements and what it gets. `runMediaChild` owns
 * the process: the wire, its start and its end. The edge owns its signalling and its peers.
 *
 * @module
 */
import type { AudioSubscription } from "../../edge/edge_agent.ts";
import type { JsonValue, User } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import type { AudioKernel } from "../../audio/kernel.ts";
import type { LogLevel, ParticipantAudioStats, VideoConstraints } from "../wire/control.ts";
import type { ConnectionMessage, KnownCallState } from "../wire/messages.ts";
import type { RtcTrack } from "../webrtc/rtc_types.ts";
import type { DirectedPlayouts } from "../room/directed_playouts.ts";
import type { Playout } from "../room/playout.ts";
import type { RowQueue } from "../room/row_queue.ts";

import type { PictureLimits } from "./video_output.ts";

export type { LogLevel, ParticipantAudioStats, PictureLimits, VideoConstraints };

/** The context of the edge's child side, passed at its start. */
export interface ChildContext {
  /** The `config` that the edge's parent side passed. */
  readonly config: JsonValue;
  /** Time in this process. */
  readonly clock: Clock;
  /** The audio kernel: native where it could be loaded. */
  readonly kernel: AudioKernel;
  /** Sends a message that belongs to no connection to the edge's parent side. */
  send(message: JsonValue): void;
  /**
   * Whether it takes the place of a process that was lost, or that had grown: what the agent's program
   * had open is opened again, and the participants come back.
   */
  readonly replaces: boolean;
  /**
   * Says that a message of this call is about to reach native code, which it could crash. Whose message
   * came last before two crashes is refused: the participant who is this user, or the call where no user
   * is named. Resolves when that has left the process.
   */
  handling(call: { readonly id: string; readonly type: string }, userId?: string): Promise<void>;
  /** Writes a line to the agent's logger. Never media, never a secret. */
  log(level: LogLevel, message: string): void;
}

/** The kinds of tracks that the agent publishes. */
export interface PublishedKinds {
  /** Its speech, or whatever it plays. */
  audio: boolean;
  /** Its pictures. */
  video: boolean;
}

/** The agent that joins. */
export interface JoiningAgent {
  /** Who the agent is. */
  readonly user: User;
  /** The participants that it wants to hear, and at which rate. */
  readonly audioSubscription: AudioSubscription;
  /** The call that it joins. */
  readonly call: { readonly id: string; readonly type: string };
  /**
   * Who and what the agent knew to be there when the process that had its call was lost: they are to
   * come back as the same participants. After the join, those that were not announced again are gone.
   * `undefined` in a first join.
   */
  readonly known: KnownCallState | undefined;
}

/** One agent's connection as the media process sees it: the process creates one for each join. */
export interface AgentConnection extends JoiningAgent {
  /** Unique in this process for as long as the process lives. */
  readonly connectionId: number;
  /** Sends a message to the connection's parent side. Order is kept. */
  send(message: ConnectionMessage): void;
  /** @internal The agent's audio, which `AudioRoom.addAgent` reads. */
  readonly playout: Playout;
  /** @internal The agent's audio for one participant each, which `AudioRoom.addAgent` reads. */
  readonly directed: DirectedPlayouts;
  /** @internal The agent's input, which `AudioRoom.addAgent` fills. */
  readonly rowQueue: RowQueue;
  /**
   * The agent's own pictures as a track that any number of peers may send: created on first use, the
   * same object until the connection closes. Nothing flows before the agent publishes video.
   */
  readonly videoTrack: RtcTrack;
  /** The size of the agent's last picture; `undefined` before the first. */
  readonly videoSize: { readonly width: number; readonly height: number } | undefined;
  /** Sends no more of the agent's pictures than this from now on, e.g. because an SFU wants less. */
  limitVideo(limits: PictureLimits): void;
  /**
   * Says that a subscribed track's media now comes from `track`, or from nowhere. Needed only when
   * that changes while subscribed; a new subscription calls `EdgeChild.videoTrack`.
   */
  setVideoSource(trackId: string, track: RtcTrack | undefined): void;
  /** Whether the agent subscribed to this track, which may have no media yet. */
  isSubscribed(trackId: string): boolean;
  /** Called by `AudioRoom` after each tick for which it read the playout. */
  onTick(tick: number): void;
  /** Aborted when the connection closes: the agent left, or its program is gone. */
  readonly signal: AbortSignal;
}

/** An edge's child side. What a method throws is the reply to its caller. */
export interface EdgeChild {
  /**
   * Brings the agent into its call. Before resolving, send who and what is already there through
   * `connection.send`. The result becomes `MediaConnection.joined`.
   *
   * @param signal aborted when the agent stops waiting
   */
  join(connection: AgentConnection, params: JsonValue, signal: AbortSignal): Promise<JsonValue>;
  /**
   * The agent publishes or stops publishing; called with all kinds each time.
   *
   * @param options.again whether it published them in the process that this one replaces, and does not
   *   ask for it now: what others have ordered since, as a mute, stays in force. `true` for each try until
   *   one succeeds
   * @param options.directed the ids of the participants for whom alone it publishes a track of
   *   `createAudioTrack({ to })`: an `AudioRoom` mixes it for the listener of that id
   */
  publish(
    connection: AgentConnection,
    tracks: PublishedKinds,
    options: { again: boolean; directed: readonly string[] },
  ): Promise<void>;
  /** Called when the agent's pictures have another size than before, or are the first. */
  videoResized?(connection: AgentConnection): void;
  /** Returns the media of a track that the agent subscribes to, if there is any yet. */
  videoTrack(connection: AgentConnection, trackId: string): RtcTrack | undefined;
  /** Called after a subscription started, changed or ended (`constraints` undefined); for SFUs. */
  subscribed?(
    connection: AgentConnection,
    trackId: string,
    constraints: VideoConstraints | undefined,
  ): void;
  /**
   * Returns how the audio of each participant has arrived: called every few seconds while the agent's
   * program asks for it. See `readAudioStats`.
   */
  audioStats?(connection: AgentConnection): Promise<ParticipantAudioStats[]>;
  /** Sends a custom event to all: at most 5 KB, already checked. */
  sendCustomEvent(connection: AgentConnection, data: JsonValue): Promise<void>;
  /**
   * Sends a custom event to the participant of this id alone. Without this method
   * `MediaConnection.sendCustomEventTo` rejects.
   */
  sendCustomEventTo?(connection: AgentConnection, to: string, data: JsonValue): Promise<void>;
  /** Takes the agent out of its call. Called once for each join, also for one that failed. */
  leave(connection: AgentConnection): Promise<void>;
  /** Handles a request of the edge's parent side that belongs to no connection. */
  request(method: string, params: JsonValue, signal: AbortSignal): Promise<JsonValue>;
  /**
   * Whether no participant is here and nothing is open that a new process would not have. wrtc does
   * not release all its memory: an empty process above its memory limit is recycled. Without this
   * method it never is.
   */
  isEmpty?(): boolean;
  /** The process is about to end: say so to the participants within 300 ms. */
  goodbye(): Promise<void>;
}
