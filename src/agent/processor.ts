/** The processors of an agent: hooks for its audio, video, participants and tracks. @module */
import type { ParticipantAudio } from "../edge/participant_audio.ts";
import type { Participant, TrackInfo } from "../edge/types.ts";
import type { VideoFrame, VideoTrack } from "../edge/video_frame.ts";
import type { AgentContext } from "./agent_context.ts";
import { checkMethods, shown } from "../events/checks.ts";
import { checkDuration } from "../events/waiting.ts";

/**
 * Receives an agent's audio and video, and the changes in its call. Every method may be left out. A
 * method that throws or rejects causes an `ErrorEvent` of the edge, at most once a second, and affects
 * neither the call nor the other processors. Return values are ignored.
 */
export interface Processor {
  /** Names the processor in errors. */
  readonly name: string;
  /**
   * Called before the agent joins. All processors start together; if one fails, the join fails.
   */
  start?(agent: AgentContext, options: { signal: AbortSignal }): void | Promise<void>;
  /**
   * Called once, when the agent can speak and the first person is there to hear it: the place for a
   * greeting.
   */
  onEnter?(agent: AgentContext): void | Promise<void>;
  /**
   * Called with every 20 ms of each participant that the speaker filter lets pass, in order and one
   * at a time. While a promise is pending the audio waits in the rings, for five seconds at most:
   * then the other processors go on, and this one continues once its promise has settled.
   */
  processAudio?(audio: ParticipantAudio): void | Promise<void>;
  /**
   * Called with every 20 ms of the sound of a shared screen, in the same way. That is no speech: it goes
   * past the speaker filter and `inputFilters`, and neither interrupts the agent nor makes it reply.
   */
  processScreenAudio?(audio: ParticipantAudio): void | Promise<void>;
  /**
   * Called with the frames of the one video track that the agent is subscribed to. While a promise
   * is pending frames are skipped; one that takes more than `videoLimitMs` is reported.
   */
  processVideo?(frame: VideoFrame, track: TrackInfo): void | Promise<void>;
  /**
   * The most frames per second that `processVideo` receives. The agent subscribes to no more than its
   * processors take. Default: all that the edge delivers.
   */
  readonly videoFps?: number;
  /**
   * The longest side that `processVideo` needs of a camera's frames, in pixels: the agent subscribes to no
   * larger ones. A shared screen comes in its full size. Default: as the edge delivers them.
   */
  readonly videoMaxSide?: number;
  /**
   * How long `processVideo` may take for a frame before that is reported, in milliseconds. Default
   * 5000; `Infinity` for a processor that waits, for instance for a reply that is spoken.
   */
  readonly videoLimitMs?: number;
  /** The agent has subscribed to another video track; `undefined`: there is none left. */
  videoSourceChanged?(track: TrackInfo | undefined): void;
  /** Video for the agent to publish. */
  readonly videoTrack?: VideoTrack;
  /** A participant joined, or was in the call before the agent. */
  participantJoined?(participant: Participant): void;
  /** A participant left; all audio of theirs was processed before. */
  participantLeft?(participant: Participant): void;
  /** A participant wrote something, and the speaker filter lets it pass. */
  textReceived?(participant: Participant, text: string): void;
  /** A track was muted or unmuted; all audio from before was processed before. */
  trackUpdated?(track: TrackInfo): void;
  /** A track was removed; all audio of it was processed before. */
  trackRemoved?(track: TrackInfo): void;
  /** Called once when the agent closes, if it was started. */
  close?(): void | Promise<void>;
}

const HOOKS = [
  "start",
  "onEnter",
  "processAudio",
  "processScreenAudio",
  "processVideo",
  "videoSourceChanged",
  "participantJoined",
  "participantLeft",
  "textReceived",
  "trackUpdated",
  "trackRemoved",
  "close",
] as const satisfies readonly (keyof Processor)[];

/** Throws a TypeError unless `value` is a `VideoTrack`. */
export function checkVideoTrack(
  value: unknown,
  name: string,
  expected: string = "a VideoTrack",
): void {
  checkMethods(value, name, expected, ["close"]);
  const frames: unknown = (value as Partial<VideoTrack>)[Symbol.asyncIterator];
  if (typeof frames === "function") return;
  throw new TypeError(
    `${name}: expected ${expected}, got ${shown(value)} without an async iterator`,
  );
}

/** Throws a TypeError unless `processors` is left out or a list of them. */
export function checkProcessors(processors: unknown): void {
  if (processors === undefined) return;
  if (!Array.isArray(processors)) {
    throw new TypeError(`processors: expected an array, got ${shown(processors)}`);
  }
  for (const [index, one] of processors.entries()) {
    // A function has a name too, and no hook: it would never be called.
    const isObject = typeof one === "object" && one !== null;
    if (!isObject || typeof one.name !== "string") {
      const got = isObject ? "one without" : shown(one);
      throw new TypeError(`processors[${index}]: expected a processor with a name, got ${got}`);
    }
    if (one.videoTrack !== undefined) {
      checkVideoTrack(one.videoTrack, `processors[${index}].videoTrack`);
    }
    if (one.videoLimitMs !== undefined) {
      checkDuration(`processors[${index}].videoLimitMs`, one.videoLimitMs);
    }
    if (one.videoMaxSide !== undefined && !(one.videoMaxSide >= 1)) {
      const got = shown(one.videoMaxSide);
      throw new RangeError(`processors[${index}].videoMaxSide: expected >= 1, got ${got}`);
    }
    for (const hook of HOOKS) {
      if (one[hook] === undefined || typeof one[hook] === "function") continue;
      const got = shown(one[hook]);
      throw new TypeError(`processors[${index}].${hook}: expected a function, got ${got}`);
    }
  }
}
