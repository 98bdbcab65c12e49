import type { Clock } from "../events/clock.ts";
import type { VideoFrame, VideoTrack } from "../edge/video_frame.ts";
import type { Processor } from "./processor.ts";
import { DropCounter } from "../events/drop_counter.ts";
import { FrameThrottle } from "../edge/frame_throttle.ts";
import { type TrackInfo, TrackType } from "../edge/types.ts";

/** What {@linkcode VideoIn} is made of. */
export interface VideoInOptions {
  processors: readonly Processor[];
  hearsAgents: boolean;
  clock: Clock;
  /** Gives the pictures of a track, or nothing while there are none to be had. */
  subscribe: (trackId: string) => VideoTrack | undefined;
  report: (error: unknown, context: string) => void;
}

/** A track may be announced before its pictures can be had: asked for so often, so long. */
const RETRY_MS = 250;
const RETRIES = 40;

/** The track that is looked at. */
interface Source {
  readonly info: TrackInfo;
  readonly track: VideoTrack;
}

/**
 * What the agent sees: one track at a time, a screen before a camera, and another one when it ends.
 * Nothing is subscribed while nobody looks.
 */
export class VideoIn implements Disposable {
  readonly #options: VideoInOptions;
  readonly #viewers: readonly Viewer[];
  readonly #watchers: readonly Processor[];
  readonly #candidates = new Map<string, Candidate>();
  #source: Source | undefined;
  #closed = false;

  constructor(options: VideoInOptions) {
    this.#options = options;
    this.#viewers = options.processors
      .filter((one) => one.processVideo)
      .map((one) => new Viewer(one, options));
    this.#watchers = options.processors.filter((one) => one.videoSourceChanged);
  }

  /** The track that is looked at right now. */
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
    this.#source?.track.close();
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
      // A track that is looked at gives way to a better kind only.
      else if (before && this.#candidates.has(before.info.id)) {
        if (priority(candidate.info) > priority(before.info)) next = this.#subscribe(candidate);
        else continue;
      } else next = this.#subscribe(candidate);
      if (next) break;
    }
    if (next === before) return;
    this.#source = next;
    before?.track.close();
    if (next) this.#look(next);
    for (const processor of this.#watchers) {
      try {
        processor.videoSourceChanged!(next?.info);
      } catch (error) {
        this.#options.report(error, `processor ${processor.name}`);
      }
    }
  }

  #subscribe(candidate: Candidate): Source | undefined {
    if (candidate.retry) return undefined;
    try {
      const track = this.#options.subscribe(candidate.info.id);
      if (track) return { info: candidate.info, track };
    } catch (error) {
      this.#options.report(error, "looking at a video track");
    }
    if (++candidate.tries > RETRIES) return undefined;
    candidate.retry = this.#options.clock.schedule(() => {
      candidate.retry = undefined;
      this.#choose();
    }, RETRY_MS);
    return undefined;
  }

  async #look(source: Source): Promise<void> {
    try {
      for await (const frame of source.track) {
        if (this.#source !== source) break;
        for (const viewer of this.#viewers) viewer.show(frame, source.info);
      }
    } catch (error) {
      this.#options.report(error, "looking at a video track");
    }
    // Ended by itself: whatever else there is, is better than nothing.
    if (this.#source === source && !this.#closed) this.trackRemoved(source.info);
  }
}

interface Candidate {
  readonly info: TrackInfo;
  tries: number;
  retry: Disposable | undefined;
}

function priority(info: TrackInfo): number {
  return info.type === TrackType.SCREEN_SHARE ? 1 : 0;
}

/** Shows frames to one processor: at its own rate, and none while it is busy. */
class Viewer {
  readonly #processor: Processor;
  readonly #throttle: FrameThrottle;
  readonly #failures: DropCounter;
  #lastError: unknown;
  #busy = false;

  constructor(processor: Processor, options: VideoInOptions) {
    this.#processor = processor;
    this.#throttle = new FrameThrottle(processor.videoFps ?? Infinity);
    this.#failures = new DropCounter(options.clock, (failures) => {
      const times = failures === 1 ? "" : ` (${failures} times)`;
      options.report(this.#lastError, `processor ${processor.name}${times}`);
    });
  }

  show(frame: VideoFrame, info: TrackInfo): void {
    if (this.#busy || !this.#throttle.accept(frame.timestampMs)) return;
    try {
      const pending = this.#processor.processVideo!(frame, info);
      if (!pending) return;
      this.#busy = true;
      pending.then(() => {}, (error) => this.#fail(error)).then(() => this.#busy = false);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#lastError = error;
    this.#failures.add();
  }
}
