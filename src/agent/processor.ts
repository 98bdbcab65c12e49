import type { ParticipantAudio } from "../edge/participant_audio.ts";
import type { Participant, TrackInfo } from "../edge/types.ts";
import type { VideoFrame, VideoTrack } from "../edge/video_frame.ts";
import type { AgentContext } from "./agent_context.ts";
import { checkMethods, shown } from "../events/checks.ts";

/**
 * What is done with what the agent hears and sees. Every method may be left out. What one throws or
 * rejects with is reported as an `ErrorEvent` of the edge, at most once a second, and disturbs
 * neither the call nor the other processors. What else it returns is ignored.
 */
export interface Processor {
  /** For messages. */
  readonly name: string;
  /**
   * Called before the agent joins; all processors start together, and one that fails makes the
   * join fail.
   */
  start?(agent: AgentContext, options: { signal: AbortSignal }): void | Promise<void>;
  /**
   * Called with each 20 ms of each participant whom the speaker filter lets pass, in order and one
   * at a time. While a promise is pending the audio waits in the rings, for five seconds at most:
   * after that the others go on, and this one hears again once its promise has settled.
   */
  processAudio?(audio: ParticipantAudio): void | Promise<void>;
  /**
   * Called with the frames of the one video track that the agent looks at. While a promise is
   * pending frames are skipped; one that takes more than five seconds is reported.
   */
  processVideo?(frame: VideoFrame, track: TrackInfo): void | Promise<void>;
  /** The most frames a second that `processVideo` gets. All of them unless given. */
  readonly videoFps?: number;
  /** The track that the agent looks at is another one now; `undefined`: there is none left. */
  videoSourceChanged?(track: TrackInfo | undefined): void;
  /** Pictures of its own for the agent to publish. */
  readonly videoTrack?: VideoTrack;
  /** Somebody is here. */
  participantJoined?(participant: Participant): void;
  /** Somebody has left; all that was heard of them was processed before. */
  participantLeft?(participant: Participant): void;
  /** A track was muted or unmuted; what was heard before was processed before. */
  trackUpdated?(track: TrackInfo): void;
  /** A track is gone; what was heard before was processed before. */
  trackRemoved?(track: TrackInfo): void;
  /** Called once when the agent closes, if it was started. */
  close?(): void | Promise<void>;
}

const HOOKS = [
  "start",
  "processAudio",
  "processVideo",
  "videoSourceChanged",
  "participantJoined",
  "participantLeft",
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
  throw new TypeError(`${name}: expected ${expected}, got ${shown(value)} that gives no frames`);
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
    for (const hook of HOOKS) {
      if (one[hook] === undefined || typeof one[hook] === "function") continue;
      const got = shown(one[hook]);
      throw new TypeError(`processors[${index}].${hook}: expected a function, got ${got}`);
    }
  }
}
