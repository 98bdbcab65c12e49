/**
 * What an edge's half in the media process implements, and what it is given. `runMediaChild` owns
 * the process: the wire, its life, its end. The edge owns its signalling and its peers.
 *
 * @module
 */
import type { AudioSubscription } from "../../edge/edge_agent.ts";
import type { JsonValue, User } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import type { AudioKernel } from "../../audio/kernel.ts";
import type { ConnectionMessage } from "../wire/messages.ts";
import type { RtcTrack } from "../webrtc/rtc_types.ts";
import type { Playout } from "../room/playout.ts";
import type { RowQueue } from "./row_queue.ts";

/** Severity of a line that goes to the agent's logger. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** What the host gives to the edge's half when the process starts. */
export interface ChildContext {
  /** What the edge's other half passed as `config`. */
  readonly config: JsonValue;
  /** Time in this process. */
  readonly clock: Clock;
  /** Who resamples here: native where it could be loaded. */
  readonly kernel: AudioKernel;
  /** Tells the edge's other half something that belongs to no connection. */
  notify(message: JsonValue): void;
  /** Writes a line to the agent's logger. Never media, never a secret. */
  log(level: LogLevel, message: string): void;
}

/** Which of its tracks the agent publishes. */
export interface PublishedTracks {
  /** Its speech, or whatever it plays. */
  audio: boolean;
  /** Its pictures. */
  video: boolean;
}

/** How a subscriber wants to see a track. */
export interface VideoConstraints {
  /** Frames a second at most. */
  fps: number;
  /** Pixels at most; larger frames are made smaller, keeping their shape. */
  maxWidth: number;
  /** Pixels at most. */
  maxHeight: number;
}

/** Who joins, as JSON. */
export interface JoiningAgent {
  /** Who the agent is. */
  readonly user: User;
  /** What it wants to hear, and at which rate. */
  readonly hearing: AudioSubscription;
  /** The call that it joins. */
  readonly call: { readonly id: string; readonly type: string };
}

/** One agent's connection as the media process sees it. Made by the host, one for each join. */
export interface AgentPort extends JoiningAgent {
  /** Unique in this process for as long as the process lives. */
  readonly connectionId: number;
  /** Tells the agent's half of the connection something. Order is kept. */
  notify(notice: ConnectionMessage): void;
  /** @internal What the agent says: `AudioRoom.addAgent` reads it. */
  readonly playout: Playout;
  /** @internal What the agent hears: `AudioRoom.addAgent` fills it. */
  readonly rowQueue: RowQueue;
  /**
   * The agent's own pictures as a track that any number of peers may send. Made on first use, the
   * same object until the port closes. Nothing flows before the agent publishes video.
   */
  readonly videoTrack: RtcTrack;
  /**
   * Says that a subscribed track's media now comes from `track`, or from nowhere. Needed only when
   * that changes while subscribed; at subscription the host asks `EdgeChild.videoTrack`.
   */
  setVideoSource(trackId: string, track: RtcTrack | undefined): void;
  /** Whether the agent subscribed to this track (also one that has no media yet). */
  isSubscribed(trackId: string): boolean;
  /** Told by `AudioRoom` after each tick for which it read the playout. */
  onTick(tick: number): void;
  /** Aborted when the port closes: the agent left, or its process is gone. */
  readonly signal: AbortSignal;
}

/** The edge's half in the media process. A method that throws answers its caller with the error. */
export interface EdgeChild {
  /**
   * Brings the agent into its call. Tell what is already there through `port.notify` before
   * resolving. The result goes to `MediaConnection.joined`.
   *
   * @param signal aborted when the agent gives up
   */
  join(port: AgentPort, params: JsonValue, signal: AbortSignal): Promise<JsonValue>;
  /** The agent publishes, or stops publishing; called with the whole wish each time. */
  publish(port: AgentPort, tracks: PublishedTracks): Promise<void>;
  /** The media of a track the agent subscribes to, if there is any yet. */
  videoTrack(port: AgentPort, trackId: string): RtcTrack | undefined;
  /** Called after a subscription began, changed or ended (`wish` undefined); for SFUs. */
  subscribed?(port: AgentPort, trackId: string, wish: VideoConstraints | undefined): void;
  /** At most 5 KB; already checked. */
  sendCustomEvent(port: AgentPort, data: JsonValue): Promise<void>;
  /** Takes the agent out. Called once for each join that was begun, also one that failed. */
  leave(port: AgentPort): Promise<void>;
  /** Requests of the edge's other half that belong to no connection. */
  request(method: string, params: JsonValue, signal: AbortSignal): Promise<JsonValue>;
  /**
   * Whether nobody is here and nothing is open that a new process would not have. wrtc does not give
   * all memory back: a process that is empty and has grown is replaced. Without this it never is.
   */
  isEmpty?(): boolean;
  /** The process is about to end: tell the people, within 300 ms. */
  goodbye(): Promise<void>;
}
