/** Pictures in fragments, so that audio never waits for a whole picture. @module */
import { ProtocolError } from "../../edge/errors.ts";
import {
  assertVideoFrame,
  type VideoFormat,
  type VideoFrame,
  videoFrameSize,
} from "../../edge/video_frame.ts";
import { FrameKind } from "./frame.ts";
import type { FrameBuffer } from "./frame_buffer.ts";
import type { Frame } from "./frame_parser.ts";

/** The maximum bytes of a picture in one fragment. */
const FRAGMENT_BYTES = 1 << 14;
/** The largest picture: 4K in RGBA. */
const MAX_PICTURE_BYTES = 3840 * 2160 * 4;
/** Sides are 16 bits on the wire. */
const MAX_SIDE = 0xffff;

// connection u32, stream u32, picture u32, offset u32, width u16, height u16, format u32,
// timestamp f64, then bytes.
const FRAGMENT_HEADER = 32;
const FORMATS: readonly VideoFormat[] = ["I420", "RGBA"];

/**
 * @throws {TypeError | RangeError} a picture's data does not match its size and format, or is larger
 *   than 4K
 */
function assertPicture(frame: VideoFrame): void {
  assertVideoFrame(frame);
  const { width, height, data: { length } } = frame;
  if (width > MAX_SIDE || height > MAX_SIDE) {
    throw new RangeError(
      `width, height: expected at most ${MAX_SIDE} pixels, got ${width} x ${height}`,
    );
  }
  if (length > MAX_PICTURE_BYTES) {
    throw new RangeError(
      `data: expected at most ${MAX_PICTURE_BYTES} bytes a picture, got ${length}`,
    );
  }
}

/** A copy of a picture's fields while it is sent: its owner may change the original meanwhile. */
type Picture = Omit<VideoFrame, "data">;

/** The sending side of one stream of pictures. Only the latest picture waits. */
export class PictureSender {
  /** The stream's number on the wire. */
  readonly stream: number;
  readonly #connectionId: number;
  #current: Picture | undefined;
  #buffer = new Uint8Array(0);
  #spare = new Uint8Array(0);
  #offset = 0;
  #picture = 0;
  #next: Picture | undefined;
  #skipped = 0;

  constructor(connectionId: number, stream: number) {
    this.#connectionId = connectionId;
    this.stream = stream;
  }

  /** Pictures that a later one replaced before the sender reached them. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Whether a fragment waits to be sent. */
  get hasFragment(): boolean {
    return this.#current !== undefined;
  }

  /** Forgets the pictures that wait: the receiver has none of their fragments. */
  reset(): void {
    this.#current = this.#next = undefined;
    this.#offset = 0;
  }

  /**
   * Copies a picture to be sent.
   *
   * @throws {TypeError | RangeError} the picture is invalid or too large
   */
  put({ format, width, height, data, timestampMs }: VideoFrame): void {
    const picture = { format, width, height, timestampMs };
    assertPicture({ ...picture, data });
    if (this.#current === undefined) {
      this.#buffer = copyTo(this.#buffer, data);
      this.#current = picture;
      this.#offset = 0;
      return;
    }
    if (this.#next !== undefined) this.#skipped++;
    this.#spare = copyTo(this.#spare, data);
    this.#next = picture;
  }

  /** Writes the next fragment; returns false when there is no room or nothing to send. */
  writeFragment(out: FrameBuffer): boolean {
    const frame = this.#current;
    if (frame === undefined) return false;
    const total = videoFrameSize(frame.format, frame.width, frame.height);
    const bytes = Math.min(FRAGMENT_BYTES, total - this.#offset);
    const at = out.begin(FrameKind.video, FRAGMENT_HEADER + bytes);
    if (at < 0) return false;
    const { view } = out;
    view.setUint32(at, this.#connectionId, true);
    view.setUint32(at + 4, this.stream, true);
    view.setUint32(at + 8, this.#picture, true);
    view.setUint32(at + 12, this.#offset, true);
    view.setUint16(at + 16, frame.width, true);
    view.setUint16(at + 18, frame.height, true);
    view.setUint32(at + 20, FORMATS.indexOf(frame.format), true);
    view.setFloat64(at + 24, frame.timestampMs, true);
    out.bytes.set(this.#buffer.subarray(this.#offset, this.#offset + bytes), at + FRAGMENT_HEADER);
    this.#offset += bytes;
    if (this.#offset === total) this.#advance();
    return true;
  }

  #advance(): void {
    this.#picture = (this.#picture + 1) >>> 0;
    this.#offset = 0;
    this.#current = this.#next;
    this.#next = undefined;
    [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
  }
}

/** Returns the stream that a fragment belongs to. */
export function readFragmentStream(frame: Frame): { connectionId: number; stream: number } {
  if (frame.length < FRAGMENT_HEADER) throw malformed();
  return {
    connectionId: frame.view.getUint32(frame.start, true),
    stream: frame.view.getUint32(frame.start + 4, true),
  };
}

/** The receiving side of one stream of pictures. */
export class PictureReceiver {
  #data = new Uint8Array(0);
  #picture = -1;
  #filled = 0;

  /**
   * Takes a fragment and returns the picture that it completes, whose data belongs to the caller.
   *
   * @throws {ProtocolError} the fragment does not continue the previous one
   */
  read({ view, bytes, start, length }: Frame): VideoFrame | undefined {
    if (length < FRAGMENT_HEADER) throw malformed();
    const picture = view.getUint32(start + 8, true);
    const offset = view.getUint32(start + 12, true);
    const width = view.getUint16(start + 16, true);
    const height = view.getUint16(start + 18, true);
    const format = FORMATS[view.getUint32(start + 20, true)];
    const timestampMs = view.getFloat64(start + 24, true);
    if (format === undefined || width === 0 || height === 0) throw malformed();
    const total = videoFrameSize(format, width, height);
    if (total > MAX_PICTURE_BYTES) throw malformed();
    if (offset === 0) {
      this.#data = new Uint8Array(total);
      this.#picture = picture;
      this.#filled = 0;
    }
    const count = length - FRAGMENT_HEADER;
    if (
      picture !== this.#picture || offset !== this.#filled || total !== this.#data.length ||
      count === 0 || offset + count > total
    ) throw malformed();
    this.#data.set(bytes.subarray(start + FRAGMENT_HEADER, start + length), offset);
    this.#filled += count;
    if (this.#filled < total) return undefined;
    const data = this.#data;
    this.#data = new Uint8Array(0);
    this.#picture = -1;
    return { format, width, height, data, timestampMs };
  }
}

function copyTo(buffer: Uint8Array<ArrayBuffer>, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const target = buffer.length >= data.length ? buffer : new Uint8Array(data.length);
  target.set(data);
  return target;
}

function malformed(): ProtocolError {
  return new ProtocolError("the wire carried a malformed fragment of a picture", {
    code: "wire-garbage",
  });
}
