/** The writing end of the pipe. @module */
import { EdgeError } from "../../edge/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import { FrameKind, MAX_FRAME_BYTES } from "./frame.ts";
import { FrameBuffer } from "./frame_buffer.ts";

/** Control messages that may wait for a reader; beyond it the pipe counts as broken. */
const MAX_CONTROL_BYTES = 16 << 20;
/** Audio of one write; the rest goes into the next. */
const WRITE_BYTES = 1 << 17;

/** A source of frames to send. */
export interface FrameSource {
  /** Whether it has a frame now. */
  readonly hasFrame: boolean;
  /** Writes one frame; returns false when there is no room for it. */
  writeFrame(out: FrameBuffer): boolean;
}

/**
 * The writing end of a pipe. At most one write is in flight; meanwhile frames wait in their sources,
 * which can drop or count them. One write takes all control messages first, then audio, then one
 * fragment of a picture.
 */
export class FrameWriter {
  readonly #write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #encoder = new TextEncoder();
  readonly #control: Uint8Array[] = [];
  readonly #audio = new Set<FrameSource>();
  readonly #video = new Set<FrameSource>();
  readonly #out = new FrameBuffer(2 * WRITE_BYTES);
  readonly #idle: PromiseWithResolvers<void>[] = [];
  /** For the control messages that are not written yet. */
  readonly #waiting: PromiseWithResolvers<void>[] = [];
  #controlBytes = 0;
  #scheduled = false;
  #writing = false;
  #closed = false;

  /**
   * @param write writes all of its bytes; they may be reused when it resolves
   * @param onError called when the pipe breaks or its reader does not read; nothing is written then
   */
  constructor(
    write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
    onError: (error: unknown) => void,
  ) {
    this.#write = write;
    this.#onError = onError;
  }

  /**
   * Sends a control message ahead of all waiting audio and pictures.
   *
   * @throws {RangeError} the message is too large
   */
  control(message: JsonValue | object): void {
    if (this.#closed) return;
    const bytes = this.#encoder.encode(JSON.stringify(message));
    const most = MAX_FRAME_BYTES[FrameKind.control]!;
    if (bytes.length > most) {
      throw new RangeError(`expected a message of at most ${most} bytes, got ${bytes.length}`);
    }
    this.#control.push(bytes);
    this.#controlBytes += bytes.length;
    if (this.#controlBytes > MAX_CONTROL_BYTES) {
      this.#fail(
        new EdgeError("the other process does not read the pipe", { code: "wire-overflow" }),
      );
      return;
    }
    this.wake();
  }

  addAudio(source: FrameSource): void {
    this.#audio.add(source);
  }
  removeAudio(source: FrameSource): void {
    this.#audio.delete(source);
  }
  addVideo(source: FrameSource): void {
    this.#video.add(source);
  }
  removeVideo(source: FrameSource): void {
    this.#video.delete(source);
  }

  /** Says that a source has a frame: all sources' frames are written at the end of this turn. */
  wake(): void {
    if (this.#scheduled || this.#writing || this.#closed) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  /** Resolves when nothing waits to be written, or the writer is closed. */
  drained(): Promise<void> {
    if (this.#closed || (!this.#writing && !this.#scheduled)) return Promise.resolve();
    const idle = Promise.withResolvers<void>();
    this.#idle.push(idle);
    return idle.promise;
  }

  /**
   * Resolves when the control messages sent so far were written, or the writer is closed. Audio may keep
   * a busy writer from being drained for long.
   */
  controlWritten(): Promise<void> {
    if (this.#closed || this.#control.length === 0) return Promise.resolve();
    const written = Promise.withResolvers<void>();
    this.#waiting.push(written);
    return written.promise;
  }

  /** Writes nothing more. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const written of this.#waiting.splice(0)) written.resolve();
    this.#control.length = 0;
    this.#audio.clear();
    this.#video.clear();
    for (const idle of this.#idle.splice(0)) idle.resolve();
  }

  async #pump(): Promise<void> {
    if (this.#writing || this.#closed) return;
    this.#writing = true;
    try {
      while (!this.#closed && this.#gather()) {
        const written = this.#control.length === 0 ? this.#waiting.splice(0) : [];
        await this.#write(this.#out.take());
        for (const { resolve } of written) resolve();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#writing = false;
    }
    for (const idle of this.#idle.splice(0)) idle.resolve();
  }

  /** Assembles the next write; returns false when there is nothing to write. */
  #gather(): boolean {
    const out = this.#out;
    out.clear();
    while (this.#control.length > 0) {
      const bytes = this.#control[0]!;
      const at = out.begin(FrameKind.control, bytes.length);
      if (at < 0) return true;
      out.bytes.set(bytes, at);
      this.#control.shift();
      this.#controlBytes -= bytes.length;
    }
    // In turn, so that no connection's backlog delays another's.
    for (let wrote = true; wrote && out.length < WRITE_BYTES;) {
      wrote = false;
      for (const source of this.#audio) {
        if (source.hasFrame && source.writeFrame(out)) wrote = true;
      }
    }
    for (const source of this.#video) {
      if (!source.hasFrame || !source.writeFrame(out)) continue;
      // One fragment per write; the next write begins with another stream's.
      this.#video.delete(source);
      this.#video.add(source);
      break;
    }
    return out.length > 0;
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#onError(error);
  }
}
