/** WAV files: read in many formats, written as 16-bit PCM, whole or in pieces. @module */

import { assertPcmChunk, PcmChunk, type PcmFormat } from "./pcm_chunk.ts";
import { uint8Length } from "./typed_arrays.ts";

const PCM = 1;
const FLOAT = 3;
/** The format code stands further on in the chunk. */
const EXTENSIBLE = 0xfffe;
const HEADER_BYTES = 44;
/** The most bytes of samples: the header counts the rest of the file in 32 bits. */
const MAX_DATA_BYTES = 2 ** 32 - 1 - (HEADER_BYTES - 8);

/** The header of a WAV file: the format and the position of its samples. */
export interface WavHeader extends PcmFormat {
  /** Whether the samples are integers or floats. */
  readonly encoding: "integer" | "float";
  /** Bits of a sample: 8, 16, 24 or 32 of an integer, 32 or 64 of a float. */
  readonly bits: number;
  /** Where the samples begin, in bytes from the beginning of the file. */
  readonly dataStart: number;
  /** The number of bytes of samples. A recorder that was killed leaves fewer. */
  readonly dataBytes: number;
}

/**
 * Returns a WAV file of 16-bit PCM.
 *
 * @example
 * ```ts
 * import { PcmChunk, readWav, writeWav } from "@ringline/edge/audio";
 *
 * const second = new PcmChunk(new Int16Array(16_000), { sampleRate: 16_000 });
 * const file = writeWav(second);
 * console.log(file.length); // 32044
 * console.log(readWav(file).durationMs); // 1000
 * ```
 *
 * @throws {TypeError} `pcm` is not a chunk.
 * @throws {RangeError} the file would be longer than the format allows (4 GiB).
 */
export function writeWav(pcm: PcmChunk): Uint8Array<ArrayBuffer> {
  assertPcmChunk(pcm, "pcm");
  const { samples } = pcm;
  const header = wavHeader(pcm, samples.length * 2);
  const bytes = new Uint8Array(HEADER_BYTES + samples.length * 2);
  bytes.set(header);
  new Int16Array(bytes.buffer, HEADER_BYTES).set(samples);
  return bytes;
}

/**
 * Returns the 44 bytes that stand before `dataBytes` bytes of 16-bit PCM in a WAV file, for a file
 * that is written in pieces: the samples follow as they are in memory.
 *
 * @example
 * ```ts
 * import { wavHeader } from "@ringline/edge/audio";
 *
 * const second = new Int16Array(16_000);
 * const header = wavHeader({ sampleRate: 16_000, channels: 1 }, second.byteLength);
 * const file = new Blob([header, second]); // or write them to a file, one after the other
 * console.log(file.size); // 32044
 * ```
 *
 * @throws {RangeError} the rate or the channels are invalid for a {@linkcode PcmChunk}, or `dataBytes`
 * is not a whole number of frames or more than the format allows (4 GiB).
 */
export function wavHeader(format: PcmFormat, dataBytes: number): Uint8Array<ArrayBuffer> {
  const { sampleRate, channels } = new PcmChunk(new Int16Array(0), format);
  const frameBytes = channels * 2;
  if (!(dataBytes >= 0 && dataBytes <= MAX_DATA_BYTES && dataBytes % frameBytes === 0)) {
    throw new RangeError(
      `dataBytes: expected whole frames of ${frameBytes} bytes, at most ${MAX_DATA_BYTES} bytes, ` +
        `got ${dataBytes}`,
    );
  }
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  const put = (at: number, text: string) => {
    for (let n = 0; n < text.length; n++) view.setUint8(at + n, text.charCodeAt(n));
  };
  put(0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + dataBytes, true);
  put(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * frameBytes, true);
  view.setUint16(32, frameBytes, true);
  view.setUint16(34, 16, true);
  put(36, "data");
  view.setUint32(40, dataBytes, true);
  return new Uint8Array(view.buffer);
}

/**
 * Reads a WAV file of PCM (8, 16, 24 or 32 bits) or floats (32 or 64 bits), of up to 8 channels.
 * Everything becomes 16-bit samples.
 *
 * @throws {TypeError} `bytes` is not a `Uint8Array`.
 * @throws {RangeError} the file has another format, or its header is incomplete.
 */
export function readWav(bytes: Uint8Array): PcmChunk {
  uint8Length(bytes, "bytes");
  const header = readWavHeader((at, length) => bytes.subarray(at, at + length));
  const { dataStart, dataBytes } = header;
  return decodeWav(bytes.subarray(dataStart, dataStart + dataBytes), header);
}

/**
 * Reads the header of a WAV file that is read in pieces, because it may not fit in memory.
 *
 * @example The first second of a file
 * ```ts
 * import { decodeWav, PcmChunk, readWavHeader, writeWav } from "@ringline/edge/audio";
 *
 * const file = writeWav(new PcmChunk(new Int16Array(48_000), { sampleRate: 16_000 }));
 * const header = readWavHeader((at, length) => file.subarray(at, at + length));
 * const { dataStart, sampleRate, channels, bits } = header;
 * const bytes = sampleRate * channels * bits / 8;
 * const first = decodeWav(file.subarray(dataStart, dataStart + bytes), header);
 * console.log(first.durationMs); // 1000
 * ```
 *
 * @param read returns `length` bytes from byte `at` of the file, or fewer at its end
 * @throws {RangeError} {@linkcode readWav} cannot read this file.
 */
export function readWavHeader(read: (at: number, length: number) => Uint8Array): WavHeader {
  if (typeof read !== "function") {
    throw new TypeError(`read: expected a function of position and length, got ${read}`);
  }
  const start = read(0, 12);
  if (start.length < 12 || tag(start, 0) !== "RIFF" || tag(start, 8) !== "WAVE") {
    throw new RangeError("expected a WAV file, which begins with RIFF and WAVE");
  }
  let format: Omit<WavHeader, "dataStart" | "dataBytes"> | undefined;
  for (let at = 12;;) {
    const head = read(at, 8);
    if (head.length < 8) throw new RangeError("expected a WAV file with data, got none");
    const [name, length, body] = [tag(head, 0), viewOf(head).getUint32(4, true), at + 8];
    if (name === "data") {
      if (!format) throw new RangeError("expected a WAV file with its format before its data");
      return { ...format, dataStart: body, dataBytes: length };
    }
    if (name === "fmt ") {
      if (length < 16) {
        throw new RangeError(`expected a format chunk of 16 bytes or more, got ${length}`);
      }
      const content = read(body, Math.min(length, 26));
      if (content.length < Math.min(length, 26)) {
        throw new RangeError("expected a WAV file with its whole format, got one that is cut off");
      }
      format = readFormat(viewOf(content));
    }
    at = body + length + length % 2;
  }
}

/**
 * Decodes samples of a WAV file, as many whole frames as there are in `bytes`.
 *
 * @throws {TypeError} `bytes` is not a `Uint8Array`.
 */
export function decodeWav(bytes: Uint8Array, header: WavHeader): PcmChunk {
  uint8Length(bytes, "bytes");
  const { channels, bits } = header;
  const read = sampleReader(viewOf(bytes), header);
  const frames = Math.floor(bytes.length / (bits / 8) / channels);
  const samples = new Int16Array(frames * channels);
  for (let n = 0; n < samples.length; n++) {
    const value = Math.round(read(n * bits / 8));
    samples[n] = Math.max(-32768, Math.min(32767, value));
  }
  return new PcmChunk(samples, header);
}

function readFormat(view: DataView): Omit<WavHeader, "dataStart" | "dataBytes"> {
  const bits = view.getUint16(14, true);
  let kind = view.getUint16(0, true);
  if (kind === EXTENSIBLE && view.byteLength >= 26) kind = view.getUint16(24, true);
  // Some programs write the extensible format without its end; 16 bits are always PCM.
  else if (kind === EXTENSIBLE && bits === 16) kind = PCM;
  const isInteger = kind === PCM && [8, 16, 24, 32].includes(bits);
  if (!isInteger && !(kind === FLOAT && [32, 64].includes(bits))) {
    throw new RangeError(`expected PCM or floats, got format ${kind} with ${bits} bits`);
  }
  const format = { channels: view.getUint16(2, true), sampleRate: view.getUint32(4, true) };
  const { channels, sampleRate } = new PcmChunk(new Int16Array(0), format);
  return { channels, sampleRate, encoding: isInteger ? "integer" : "float", bits };
}

/** Returns a function that reads a sample at a position, scaled to 16 bits with a fraction. */
function sampleReader(view: DataView, { encoding, bits }: WavHeader): (at: number) => number {
  const scale = (value: number) => Number.isFinite(value) ? value * 32_768 : 0;
  switch (`${encoding} ${bits}`) {
    case "integer 8":
      return (at) => (view.getUint8(at) - 128) * 256;
    case "integer 16":
      return (at) => view.getInt16(at, true);
    case "integer 24":
      return (at) => view.getInt16(at + 1, true) + view.getUint8(at) / 256;
    case "integer 32":
      return (at) => view.getInt32(at, true) / 65_536;
    case "float 32":
      return (at) => scale(view.getFloat32(at, true));
    case "float 64":
      return (at) => scale(view.getFloat64(at, true));
    default:
      throw new RangeError(`header: expected a result of readWavHeader, got ${bits} bits`);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function tag(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
