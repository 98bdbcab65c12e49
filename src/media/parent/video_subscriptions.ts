import { LatestVideoTrack } from "../../edge/toolkit/latest_video_track.ts";
import type { VideoTrack } from "../../edge/video_frame.ts";
import type { VideoConstraints } from "../wire/control.ts";
import type { Frame } from "../wire/frame_parser.ts";
import { PictureReceiver } from "../wire/video_frames.ts";
import type { ChildLink } from "./child_link.ts";

interface Subscription {
  readonly stream: number;
  readonly track: LatestVideoTrack;
  constraints: VideoConstraints;
  receiver: PictureReceiver;
}

/** The video tracks that the agent subscribes to, and the pictures that arrive for them. */
export class VideoSubscriptions {
  #link: ChildLink;
  readonly #connectionId: number;
  readonly #byTrack = new Map<string, Subscription>();
  readonly #byStream = new Map<number, Subscription>();

  constructor(link: ChildLink, connectionId: number) {
    this.#link = link;
    this.#connectionId = connectionId;
  }

  /**
   * Returns the pictures of a track that is subscribed already, which from now on are enough for these
   * constraints, too; `undefined` for another track.
   */
  widen(trackId: string, constraints: VideoConstraints): VideoTrack | undefined {
    const subscription = this.#byTrack.get(trackId);
    if (subscription === undefined) return undefined;
    const { fps, maxWidth, maxHeight } = subscription.constraints;
    const wider = {
      fps: Math.max(fps, constraints.fps),
      maxWidth: Math.max(maxWidth, constraints.maxWidth),
      maxHeight: Math.max(maxHeight, constraints.maxHeight),
    };
    if (wider.fps > fps || wider.maxWidth > maxWidth || wider.maxHeight > maxHeight) {
      subscription.constraints = wider;
      this.#send(trackId, subscription.stream, wider);
    }
    return subscription.track;
  }

  /** Subscribes to a track, whose pictures arrive as `stream`. Closing the returned track ends it. */
  add(trackId: string, stream: number, constraints: VideoConstraints): VideoTrack {
    const track = new LatestVideoTrack({ id: trackId, onClose: () => this.#remove(trackId) });
    const subscription: Subscription = {
      ...{ stream, track, constraints },
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
    subscription!.track.push({ ...picture, timestampMs: now });
  }

  /** Subscribes again, in another process. */
  reopen(link: ChildLink): void {
    this.#link = link;
    for (const [trackId, subscription] of this.#byTrack) {
      subscription.receiver = new PictureReceiver();
      this.#send(trackId, subscription.stream, subscription.constraints);
    }
  }

  close(trackId: string): void {
    this.#byTrack.get(trackId)?.track.close();
  }

  closeAll(): void {
    for (const { track } of [...this.#byTrack.values()]) track.close();
  }

  #remove(trackId: string): void {
    const subscription = this.#byTrack.get(trackId);
    if (subscription === undefined) return;
    this.#byTrack.delete(trackId);
    this.#byStream.delete(subscription.stream);
    this.#send(trackId, subscription.stream, null);
  }

  #send(trackId: string, stream: number, constraints: VideoConstraints | null): void {
    const connection = this.#connectionId;
    this.#link.send({ type: "subscribe", connection, trackId, stream, constraints });
  }
}
