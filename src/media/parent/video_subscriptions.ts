/** The pictures that the agent has asked for. @module */
import { LatestVideoTrack } from "../../edge/toolkit/latest_video_track.ts";
import type { VideoTrack } from "../../edge/video_frame.ts";
import type { VideoConstraints } from "../wire/control.ts";
import type { Frame } from "../wire/frame_parser.ts";
import { PictureReceiver } from "../wire/video_frames.ts";
import type { ChildLink } from "./child_link.ts";

interface Subscription {
  readonly stream: number;
  /** The subscribers' tracks, each with its own limits. */
  readonly tracks: Map<LatestVideoTrack, VideoConstraints>;
  /** What the media process was told: the greatest limits of all. */
  constraints: VideoConstraints;
  receiver: PictureReceiver;
}

/**
 * The video tracks that the agent subscribes to, and the pictures that arrive for them. A track that
 * several parts of the agent look at arrives once.
 */
export class VideoSubscriptions {
  #link: ChildLink;
  readonly #connectionId: number;
  readonly #newStream: () => number;
  readonly #byTrack = new Map<string, Subscription>();
  readonly #byStream = new Map<number, Subscription>();

  constructor(link: ChildLink, connectionId: number, newStream: () => number) {
    this.#link = link;
    this.#connectionId = connectionId;
    this.#newStream = newStream;
  }

  /**
   * Subscribes to a track. Closing the returned track ends that for this subscriber; the pictures are as
   * large and as many as the most demanding of those who are left takes.
   */
  add(trackId: string, constraints: VideoConstraints): VideoTrack {
    const track = new LatestVideoTrack({
      id: trackId,
      onClose: () => this.#remove(trackId, track),
    });
    const known = this.#byTrack.get(trackId);
    if (known) {
      // A screen that stands still may send no other picture for a while.
      const latest = known.tracks.keys().next().value?.latest;
      if (latest) track.push(latest);
      known.tracks.set(track, constraints);
      this.#adjust(trackId, known);
      return track;
    }
    const stream = this.#newStream();
    const subscription: Subscription = {
      stream,
      constraints,
      tracks: new Map([[track, constraints]]),
      receiver: new PictureReceiver(),
    };
    this.#byTrack.set(trackId, subscription);
    this.#byStream.set(stream, subscription);
    this.#send(trackId, stream, constraints);
    return track;
  }

  /** Takes a fragment of a picture, and shows the picture that it completes. */
  receiveFragment(frame: Frame, stream: number, now: number): void {
    const subscription = this.#byStream.get(stream);
    const picture = subscription?.receiver.read(frame);
    if (picture === undefined) return;
    // The two processes' clocks have different starts.
    for (const track of subscription!.tracks.keys()) track.push({ ...picture, timestampMs: now });
  }

  /** Subscribes again, in another process. */
  reopen(link: ChildLink): void {
    this.#link = link;
    for (const [trackId, subscription] of this.#byTrack) {
      subscription.receiver = new PictureReceiver();
      this.#send(trackId, subscription.stream, subscription.constraints);
    }
  }

  /** Closes all subscribers' tracks of a track that has ended. */
  close(trackId: string): void {
    for (const track of [...this.#byTrack.get(trackId)?.tracks.keys() ?? []]) track.close();
  }

  closeAll(): void {
    for (const trackId of [...this.#byTrack.keys()]) this.close(trackId);
  }

  #remove(trackId: string, track: LatestVideoTrack): void {
    const subscription = this.#byTrack.get(trackId);
    if (!subscription?.tracks.delete(track)) return;
    if (subscription.tracks.size > 0) return this.#adjust(trackId, subscription);
    this.#byTrack.delete(trackId);
    this.#byStream.delete(subscription.stream);
    this.#send(trackId, subscription.stream, null);
  }

  /** Tells the media process when the greatest limits are others than before. */
  #adjust(trackId: string, subscription: Subscription): void {
    const all = [...subscription.tracks.values()];
    const greatest = {
      fps: Math.max(...all.map(({ fps }) => fps)),
      maxWidth: Math.max(...all.map(({ maxWidth }) => maxWidth)),
      maxHeight: Math.max(...all.map(({ maxHeight }) => maxHeight)),
    };
    const { fps, maxWidth, maxHeight } = subscription.constraints;
    const isSame = fps === greatest.fps && maxWidth === greatest.maxWidth &&
      maxHeight === greatest.maxHeight;
    if (isSame) return;
    subscription.constraints = greatest;
    this.#send(trackId, subscription.stream, greatest);
  }

  #send(trackId: string, stream: number, constraints: VideoConstraints | null): void {
    const connection = this.#connectionId;
    this.#link.send({ type: "subscribe", connection, trackId, stream, constraints });
  }
}
