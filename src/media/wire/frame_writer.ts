import { EdgeError } from "../../edge/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import { FrameKind, MAX_FRAME_BYTES } from "./frame.ts";
import { FrameBuffer } from "./frame_buffer.ts";

/** Control that may wait for a reader who does not read; beyond it he is given up. */
const MOST_CONTROL_BYTES = 16 << 20;
/** Sound that goes out in one write; the rest goes in the next. */
const WRITE_BYTES = 1 << 17;

/** Something that has frames to send. */
export interface FrameSource {
  /** Whether it has something now. */
  readonly hasFrame: boolean;
  /** Writes one frame; false when there is no room for it. */
  writeFrame(out: FrameBuffer): boolean;
}

/**
 * The writing end of a pipe. At most one write is under way; what comes in the meantime waits where
 * it can be dropped or counted. One write takes all control first, then sound, then one piece of a
 * picture.
 */
export class FrameWriter {
  readonly #write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #encoder = new TextEncoder();
  readonly #control: Uint8Array[] = [];
  readonly #sound = new Set<FrameSource>();
  readonly #pictures = new Set<FrameSource>();
  readonly #out = new FrameBuffer(2 * WRITE_BYTES);
  readonly #idle: PromiseWithResolvers<void>[] = [];
  #controlBytes = 0;
  #scheduled = false;
  #writing = false;
  #closed = false;

  /**
   * @param write writes all of its bytes; they may be reused when it resolves
   * @param onError the pipe broke, or nobody reads it; nothing is written after that
   */
  constructor(
    write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
    onError: (error: unknown) => void,
  ) {
    this.#write = write;
    this.#onError = onError;
  }

  /**
   * Sends a control message, before any sound and picture that waits.
   *
   * @throws {RangeError} when it is too large
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
    if (this.#controlBytes > MOST_CONTROL_BYTES) {
      this.#fail(new EdgeError("nobody reads the pipe", { code: "wire-overflow" }));
      return;
    }
    this.wake();
  }

  addSound(source: FrameSource): void {
    this.#sound.add(source);
  }
  removeSound(source: FrameSource): void {
    this.#sound.delete(source);
  }
  addPictures(source: FrameSource): void {
    this.#pictures.add(source);
  }
  removePictures(source: FrameSource): void {
    this.#pictures.delete(source);
  }

  /** Something has a frame: it goes out at the end of this turn, with all else that has. */
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

  /** Writes nothing more. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#control.length = 0;
    this.#sound.clear();
    this.#pictures.clear();
    for (const idle of this.#idle.splice(0)) idle.resolve();
  }

  async #pump(): Promise<void> {
    if (this.#writing || this.#closed) return;
    this.#writing = true;
    try {
      while (!this.#closed && this.#gather()) await this.#write(this.#out.take());
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#writing = false;
    }
    for (const idle of this.#idle.splice(0)) idle.resolve();
  }

  /** Puts the next write together; false when there is nothing to write. */
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
    // In turn, so that no connection's backlog keeps another's waiting.
    for (let wrote = true; wrote && out.length < WRITE_BYTES;) {
      wrote = false;
      for (const source of this.#sound) {
        if (source.hasFrame && source.writeFrame(out)) wrote = true;
      }
    }
    for (const source of this.#pictures) {
      if (!source.hasFrame || !source.writeFrame(out)) continue;
      // One piece a write; the next write begins with another stream's.
      this.#pictures.delete(source);
      this.#pictures.add(source);
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
