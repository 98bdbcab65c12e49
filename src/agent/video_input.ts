/** The video that an agent receives: one track at a time. @module */
import type { Clock } from "../events/clock.ts";
import type { VideoFrame, VideoLimits, VideoTrack } from "../edge/video_frame.ts";
import type { Processor } from "./processor.ts";
import { FrameThrottle } from "../edge/toolkit/frame_throttle.ts";
import { type TrackInfo, TrackType } from "../edge/types.ts";
import { attempt, type Expected, type Report, UserHook } from "../events/user_code.ts";

/** Options for a {@linkcode VideoInput}. */
export interface VideoInputInit {
  processors: readonly Processor[];
  hearsAgents: boolean;
  clock: Clock;
  /** Returns the frames of a track, or `undefined` while there are none. */
  subscribe: (trackId: string, limits: VideoLimits) => VideoTrack | undefined;
  report: Report;
}

/** A processor that takes longer than this for a frame is reported, unless it says otherwise. */
const VIDEO_LIMIT_MS = 5000;

const videoTrack: Expected<VideoTrack | undefined> = {
  what: "a VideoTrack, or undefined where there is none",
  is: (value): value is VideoTrack | undefined =>
    value === undefined ||
    typeof value === "object" && value !== null && Symbol.asyncIterator in value,
};

/** A track may be added before its frames are available: the subscription is tried again. */
const RETRY_MS = 250;
const RETRIES = 40;

/** The subscribed track. */
interface Source {
  readonly info: TrackInfo;
  readonly track: VideoTrack;
}

/**
 * Subscribes to one video track at a time, a screen before a camera, and to another one when it ends.
 * Without a processor that takes video it subscribes to none.
 */
export class VideoInput implements Disposable {
  readonly #options: VideoInputInit;
  readonly #viewers: readonly Viewer[];
  readonly #watchers: readonly UserHook<TrackInfo | undefined>[];
  readonly #subscription: UserHook<TrackInfo>;
  readonly #candidates = new Map<string, Candidate>();
  #source: Source | undefined;
  #closed = false;

  constructor(options: VideoInputInit) {
    this.#options = options;
    this.#viewers = options.processors
      .filter((one) => one.processVideo)
      .map((one) => new Viewer(one, options));
    this.#watchers = options.processors.map((one) =>
      new UserHook<TrackInfo | undefined>((track) => one.videoSourceChanged?.(track), {
        ...options,
        context: `processor ${one.name}, videoSourceChanged`,
      })
    );
    const looking = options.processors.filter((one) => one.processVideo);
    this.#subscription = new UserHook<TrackInfo>((track) => {
      return options.subscribe(track.id, limitsOf(looking, track));
    }, {
      ...options,
      context: "subscribing to a video track",
    });
  }

  /** The track that the agent is subscribed to. */
  get source(): TrackInfo | undefined {
    return this.#source?.info;
  }

  /** A track was added, muted or unmuted. */
  trackChanged(info: TrackInfo): void {
    if (this.#closed || this.#viewers.length === 0) return;
    if (info.type !== TrackType.VIDEO && info.type !== TrackType.SCREEN_SHARE) return;
    if (info.participant.kind === "agent" && !this.#options.hearsAgents) return;
    if (info.muted) return this.trackRemoved(info);
    if (this.#candidates.has(info.id)) return;
    this.#candidates.set(info.id, { info, tries: 0, retry: undefined });
    this.#choose();
  }

  trackRemoved(info: TrackInfo): void {
    const candidate = this.#candidates.get(info.id);
    if (!candidate) return;
    candidate.retry?.[Symbol.dispose]();
    this.#candidates.delete(info.id);
    this.#choose();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { retry } of this.#candidates.values()) retry?.[Symbol.dispose]();
    this.#candidates.clear();
    this.#close(this.#source);
    this.#source = undefined;
  }

  #choose(): void {
    const before = this.#source;
    // Screens first, then in the order in which they came.
    const ranked = [...this.#candidates.values()]
      .sort((a, b) => priority(b.info) - priority(a.info));
    let next: Source | undefined;
    for (const candidate of ranked) {
      if (candidate.info.id === before?.info.id) next = before;
      // The current track is replaced only by one of a higher priority.
      else if (before && this.#candidates.has(before.info.id)) {
        if (priority(candidate.info) > priority(before.info)) next = this.#subscribe(candidate);
        else continue;
      } else next = this.#subscribe(candidate);
      if (next) break;
    }
    if (next === before) return;
    this.#source = next;
    this.#close(before);
    if (next) this.#read(next);
    for (const hook of this.#watchers) void hook.run(next?.info);
  }

  #close(source: Source | undefined): void {
    if (!source) return;
    attempt(
      () => source.track.close(),
      (error) => this.#options.report(error, "closing a video track"),
    );
  }

  #subscribe(candidate: Candidate): Source | undefined {
    if (candidate.retry) return undefined;
    const track = this.#subscription.ask(candidate.info, undefined, videoTrack);
    if (track) return { info: candidate.info, track };
    if (++candidate.tries > RETRIES) return undefined;
    candidate.retry = this.#options.clock.schedule(() => {
      candidate.retry = undefined;
      this.#choose();
    }, RETRY_MS);
    return undefined;
  }

  async #read(source: Source): Promise<void> {
    try {
      for await (const frame of source.track) {
        if (this.#source !== source) break;
        for (const viewer of this.#viewers) viewer.show(frame, source.info);
      }
    } catch (error) {
      this.#options.report(error, "reading a video track");
    }
    // The track ended: any other one is better than none.
    if (this.#source === source && !this.#closed) this.trackRemoved(source.info);
  }
}

/** Returns what is enough for all processors that look at a track. */
function limitsOf(looking: readonly Processor[], track: TrackInfo): VideoLimits {
  const fps = Math.max(...looking.map(({ videoFps = Infinity }) => videoFps));
  const side = Math.max(...looking.map(({ videoMaxSide = Infinity }) => videoMaxSide));
  // What is written on a screen cannot be read when a service has scaled it down.
  const isWhole = track.type === TrackType.SCREEN_SHARE || side === Infinity;
  const most = Math.min(8192, Math.max(1, Math.ceil(side)));
  return {
    ...(fps === Infinity ? {} : { fps: Math.min(60, Math.max(0.1, fps)) }),
    ...(isWhole ? {} : { maxWidth: most, maxHeight: most }),
  };
}

interface Candidate {
  readonly info: TrackInfo;
  tries: number;
  retry: Disposable | undefined;
}

function priority(info: TrackInfo): number {
  return info.type === TrackType.SCREEN_SHARE ? 1 : 0;
}

/** Calls one processor with frames: at its own rate, and with none while it is busy. */
class Viewer {
  readonly #clock: Clock;
  readonly #name: string;
  readonly #throttle: FrameThrottle;
  readonly #limitMs: number;
  readonly #hook: UserHook<VideoFrame, TrackInfo>;
  /** The time since which it is busy; `undefined` while it is not. */
  #busySince: number | undefined;
  #isReported = false;

  constructor(processor: Processor, options: VideoInputInit) {
    this.#clock = options.clock;
    this.#name = processor.name;
    this.#throttle = new FrameThrottle(processor.videoFps ?? Infinity);
    this.#limitMs = processor.videoLimitMs ?? VIDEO_LIMIT_MS;
    this.#hook = new UserHook<VideoFrame, TrackInfo>(
      (frame, info) => processor.processVideo!(frame, info),
      { ...options, context: `processor ${processor.name}` },
    );
  }

  show(frame: VideoFrame, info: TrackInfo): void {
    if (this.#busySince !== undefined) return this.#reportBusy(this.#busySince);
    if (!this.#throttle.accept(frame.timestampMs)) return;
    const pending = this.#hook.run(frame, info);
    if (!pending) return;
    this.#busySince = this.#clock.now();
    this.#isReported = false;
    pending.then(() => this.#busySince = undefined);
  }

  #reportBusy(since: number): void {
    if (this.#isReported || this.#clock.now() - since < this.#limitMs) return;
    this.#isReported = true;
    this.#hook.fail(
      new DOMException(
        `processor ${this.#name} took more than ${this.#limitMs} ms for a frame; it receives no ` +
          "frames until it is done",
        "TimeoutError",
      ),
    );
  }
}
