/**
 * WAV files, for speech in tests and recordings of agents.
 *
 * @module
 */
import { assertPcmChunk, PcmChunk } from "../audio/pcm_chunk.ts";
import { uint8Length } from "../audio/typed_arrays.ts";

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

/** Returns a WAV file of 16-bit PCM. */
export function writeWav(pcm: PcmChunk): Uint8Array {
  assertPcmChunk(pcm, "pcm");
  const dataLength = pcm.samples.length * 2;
  const view = new DataView(new ArrayBuffer(44 + dataLength));
  const ascii = (at: number, text: string) => {
    for (let n = 0; n < text.length; n++) view.setUint8(at + n, text.charCodeAt(n));
  };
  ascii(0, "RIFF");
  view.setUint32(4, 36 + dataLength, true);
  ascii(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, pcm.channels, true);
  view.setUint32(24, pcm.sampleRate, true);
  view.setUint32(28, pcm.sampleRate * pcm.channels * 2, true);
  view.setUint16(32, pcm.channels * 2, true);
  view.setUint16(34, 16, true);
  ascii(36, "data");
  view.setUint32(40, dataLength, true);
  for (let n = 0; n < pcm.samples.length; n++) view.setInt16(44 + 2 * n, pcm.samples[n]!, true);
  return new Uint8Array(view.buffer);
}

/**
 * Reads a WAV file of PCM (8, 16, 24 or 32 bits) or floats (32 or 64 bits), of up to 8 channels,
 * and converts it to 16-bit samples.
 *
 * @throws {TypeError} `bytes` is not a `Uint8Array`.
 * @throws {RangeError} the file is not such a WAV file, or ends within its header.
 */
export function readWav(bytes: Uint8Array): PcmChunk {
  uint8Length(bytes, "bytes");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.byteLength < 12 || tag(0) !== "RIFF" || tag(8) !== "WAVE") {
    throw new RangeError("expected a WAV file, which begins with RIFF and WAVE");
  }
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.byteLength;) {
    const length = view.getUint32(at + 4, true);
    const body = at + 8;
    if (tag(at) === "fmt ") {
      if (length < 16 || body + length > bytes.byteLength) throw new RangeError("fmt is cut off");
      format = readFormat(view, body, length);
    } else if (tag(at) === "data") {
      if (!format) throw new RangeError("expected fmt before data");
      // A killed recorder leaves a length beyond the end of the file.
      return decode(view, body, Math.min(length, bytes.byteLength - body), format);
    }
    at = body + length + length % 2;
  }
  throw new RangeError("expected a WAV file with data, got none");
}

interface Format {
  readonly kind: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number;
}

function readFormat(view: DataView, at: number, length: number): Format {
  const kind = view.getUint16(at, true);
  return {
    kind: kind === EXTENSIBLE && length >= 26 ? view.getUint16(at + 24, true) : kind,
    channels: view.getUint16(at + 2, true),
    sampleRate: view.getUint32(at + 4, true),
    bits: view.getUint16(at + 14, true),
  };
}

function decode(view: DataView, at: number, length: number, format: Format): PcmChunk {
  const { kind, channels, sampleRate, bits } = format;
  const read = reader(view, kind, bits);
  const size = bits / 8;
  if (!(channels >= 1)) throw new RangeError(`expected at least one channel, got ${channels}`);
  const frames = Math.floor(length / size / channels);
  const samples = new Int16Array(frames * channels);
  for (let n = 0; n < samples.length; n++) {
    const value = Math.round(read(at + n * size));
    samples[n] = Math.max(-32768, Math.min(32767, value));
  }
  return new PcmChunk(samples, { sampleRate, channels });
}

/** Returns a reader of one sample, scaled to 16 bits. */
function reader(view: DataView, kind: number, bits: number): (at: number) => number {
  if (kind === PCM && bits === 8) return (at) => (view.getUint8(at) - 128) * 256;
  if (kind === PCM && bits === 16) return (at) => view.getInt16(at, true);
  if (kind === PCM && bits === 24) {
    return (at) => view.getInt16(at + 1, true) + view.getUint8(at) / 256;
  }
  if (kind === PCM && bits === 32) return (at) => view.getInt32(at, true) / 65_536;
  const scale = (value: number) => Number.isFinite(value) ? value * 32_768 : 0;
  if (kind === FLOAT && bits === 32) return (at) => scale(view.getFloat32(at, true));
  if (kind === FLOAT && bits === 64) return (at) => scale(view.getFloat64(at, true));
  throw new RangeError(`expected PCM or floats, got format ${kind} with ${bits} bits`);
}
