/** The video track that the agent publishes. @module */
import type { VideoFrame, VideoTrack } from "../../edge/video_frame.ts";
import type { Clock } from "../../events/clock.ts";
import { UserHook } from "../../events/user_code.ts";
import type { FrameBuffer } from "../wire/frame_buffer.ts";
import type { FrameSource, FrameWriter } from "../wire/frame_writer.ts";
import type { PictureSender } from "../wire/video_frames.ts";

/** The agent's own video on its way to the media process: only the latest picture waits. */
export class PublishedVideo implements FrameSource, Disposable {
  readonly track: VideoTrack;
  readonly #sender: PictureSender;
  #writer: FrameWriter;
  readonly #put: UserHook<VideoFrame>;
  #disposed = false;

  constructor(
    track: VideoTrack,
    sender: PictureSender,
    options: { writer: FrameWriter; clock: Clock; onError(error: unknown): void },
  ) {
    this.#put = new UserHook<VideoFrame>((frame) => sender.put(frame), {
      clock: options.clock,
      report: (error) => options.onError(error),
      context: "a frame",
    });
    this.track = track;
    this.#sender = sender;
    this.#writer = options.writer;
    this.#writer.addVideo(this);
    this.#run().catch((error) => {
      if (!this.#disposed) options.onError(error);
    });
  }

  /** The stream's number on the wire. */
  get stream(): number {
    return this.#sender.stream;
  }

  /** Goes on in another process, from the next picture on. */
  reopen(writer: FrameWriter): void {
    this.#sender.reset();
    this.#writer = writer;
    writer.addVideo(this);
  }

  get hasFrame(): boolean {
    return this.#sender.hasFragment;
  }

  writeFrame(out: FrameBuffer): boolean {
    return this.#sender.writeFragment(out);
  }

  /** Stops sending; the track itself belongs to its publisher. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#writer.removeVideo(this);
  }

  async #run(): Promise<void> {
    for await (const frame of this.track) {
      if (this.#disposed) return;
      // An invalid frame costs only itself.
      void this.#put.run(frame);
      this.#writer.wake();
    }
  }
}
