/** The reading end of the pipe. @module */
import { ProtocolError } from "../../edge/errors.ts";
import { HEADER_BYTES, MAGIC, MAX_FRAME_BYTES, paddedLength } from "./frame.ts";

/** A frame in place in the parser's buffer: valid until the handler returns. */
export interface Frame {
  kind: number;
  /** Offset of the body in the views; a multiple of eight. */
  start: number;
  /** Bytes of the body. */
  length: number;
  /** Views of the whole buffer. */
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView<ArrayBuffer>;
  samples: Int16Array<ArrayBuffer>;
}

/** Room for one read. */
const READ_BYTES = 1 << 16;

/**
 * Splits a pipe's bytes into frames, however the pipe fragments them. Reads go straight into its
 * buffer: `space`, then `commit`.
 */
export class FrameParser {
  readonly #onFrame: (frame: Frame) => void;
  readonly #frame: Frame;
  #start = 0;
  #end = 0;

  constructor(onFrame: (frame: Frame) => void, capacity = 4 * READ_BYTES) {
    this.#onFrame = onFrame;
    this.#frame = { kind: 0, start: 0, length: 0, ...views(new ArrayBuffer(capacity)) };
  }

  /** Returns room to read into, at least `READ_BYTES`. */
  space(): Uint8Array<ArrayBuffer> {
    if (this.#frame.bytes.length - this.#end < READ_BYTES) this.#makeRoom(READ_BYTES);
    return this.#frame.bytes.subarray(this.#end);
  }

  /**
   * Takes `count` bytes that were read into `space`, and emits the frames that they complete.
   *
   * @throws {ProtocolError} wrong magic, kind or length: the stream is unusable from here on
   */
  commit(count: number): void {
    this.#end += count;
    const frame = this.#frame;
    while (this.#end - this.#start >= HEADER_BYTES) {
      const at = this.#start;
      const magic = frame.view.getUint16(at, true);
      const kind = frame.view.getUint8(at + 2);
      const length = frame.view.getUint32(at + 4, true);
      const maximum = MAX_FRAME_BYTES[kind];
      if (magic !== MAGIC) throw garbage(`magic ${MAGIC}`, magic);
      if (maximum === undefined) throw garbage("a known kind", kind);
      if (length > maximum) throw garbage(`at most ${maximum} bytes of kind ${kind}`, length);
      const whole = HEADER_BYTES + paddedLength(length);
      if (this.#end - at < whole) {
        if (frame.bytes.length - at < whole) this.#makeRoom(whole);
        return;
      }
      this.#start += whole;
      frame.kind = kind;
      frame.start = at + HEADER_BYTES;
      frame.length = length;
      this.#onFrame(frame);
    }
    if (this.#start === this.#end) this.#start = this.#end = 0;
  }

  /** Bytes of an incomplete frame. */
  get pending(): number {
    return this.#end - this.#start;
  }

  /** Moves the pending bytes to the front, in a larger buffer if they need one. */
  #makeRoom(needed: number): void {
    const frame = this.#frame;
    const pending = this.#end - this.#start;
    const capacity = frame.bytes.length;
    if (this.#start > 0 && capacity >= Math.max(needed, pending + READ_BYTES)) {
      frame.bytes.copyWithin(0, this.#start, this.#end);
    } else {
      const larger = views(new ArrayBuffer(paddedLength(Math.max(2 * capacity, needed))));
      larger.bytes.set(frame.bytes.subarray(this.#start, this.#end));
      Object.assign(frame, larger);
    }
    this.#start = 0;
    this.#end = pending;
  }
}

function views(buffer: ArrayBuffer): Pick<Frame, "bytes" | "view" | "samples"> {
  return {
    bytes: new Uint8Array(buffer),
    view: new DataView(buffer),
    samples: new Int16Array(buffer),
  };
}

function garbage(expected: string, got: number): ProtocolError {
  return new ProtocolError(`the wire carried garbage: expected ${expected}, got ${got}`, {
    code: "wire-garbage",
  });
}
