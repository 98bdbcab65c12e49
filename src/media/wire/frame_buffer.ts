/** The frames of one write, assembled in place. @module */
import { HEADER_BYTES, MAGIC, paddedLength } from "./frame.ts";

/** A buffer in which the frames of one write are assembled; allocated once. */
export class FrameBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  #samples: Int16Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity: number) {
    const buffer = new ArrayBuffer(paddedLength(capacity));
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#samples = new Int16Array(buffer);
  }

  /** Views of the whole buffer, for writing bodies. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }
  get view(): DataView<ArrayBuffer> {
    return this.#view;
  }
  get samples(): Int16Array<ArrayBuffer> {
    return this.#samples;
  }

  /** Bytes of the assembled frames. */
  get length(): number {
    return this.#length;
  }

  /** The assembled frames: a view. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /**
   * Begins a frame and returns the offset to write its body at; -1 when there is no room. An empty
   * buffer always has room: it grows.
   */
  begin(kind: number, length: number): number {
    const whole = HEADER_BYTES + paddedLength(length);
    if (this.#length + whole > this.#bytes.length) {
      if (this.#length > 0) return -1;
      this.#grow(whole);
    }
    const at = this.#length;
    this.#view.setUint16(at, MAGIC, true);
    this.#view.setUint8(at + 2, kind);
    this.#view.setUint8(at + 3, 0);
    this.#view.setUint32(at + 4, length, true);
    this.#length += whole;
    this.#bytes.fill(0, at + HEADER_BYTES + length, this.#length);
    return at + HEADER_BYTES;
  }

  #grow(capacity: number): void {
    const buffer = new ArrayBuffer(paddedLength(capacity));
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#samples = new Int16Array(buffer);
  }
}
