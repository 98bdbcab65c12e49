/** The audio in the body of a response: PCM or a WAV file, told by its bytes. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { decodeWav, readWavHeader, type WavHeader } from "../../audio/wav.ts";
import { PcmBytes } from "../service/pcm_bytes.ts";

/** No header of a WAV file is longer than this. */
const MAX_HEADER_BYTES = 65_536;
/** So many bytes tell the format. */
const MAGIC_BYTES = 12;
/** The bytes that a file of a known format can begin with. */
const FIRST_BYTES = [0x00, 0x1a, 0x49, 0x4f, 0x52, 0x66, 0xff];

/**
 * Yields the audio of a body: raw PCM at `sampleRate`, or a WAV file, which says its own rate.
 *
 * @throws {RangeError} it is another kind of file, which is named.
 */
export async function* decodeAudio(
  body: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { type, sampleRate }: { type: string; sampleRate: number },
): AsyncGenerator<PcmChunk, void, void> {
  let head = new Uint8Array(0);
  let decoder: Decoder | undefined;
  for await (const bytes of body) {
    if (decoder) {
      yield* decoder(bytes);
      continue;
    }
    head = join(head, bytes);
    if (head.length < MAGIC_BYTES && FIRST_BYTES.includes(head[0]!)) continue;
    decoder = decoderFor(head, type, sampleRate);
    if (decoder) yield* decoder(head.subarray(decoder.skip));
  }
  if (decoder || head.length === 0) return;
  if (isWav(head)) throw new RangeError("got a WAV file that is cut off in its header");
  rejectOther(head, type);
  yield* pcmDecoder(sampleRate)(head);
}

interface Decoder {
  (bytes: Uint8Array): Iterable<PcmChunk>;
  /** How many bytes stand before the audio. */
  readonly skip: number;
}

/** Returns what decodes the audio that begins so; `undefined` where more bytes are needed. */
function decoderFor(head: Uint8Array, type: string, sampleRate: number): Decoder | undefined {
  if (isWav(head)) {
    const header = headerOf(head);
    return header && wavDecoder(header);
  }
  rejectOther(head, type);
  return pcmDecoder(sampleRate);
}

function pcmDecoder(sampleRate: number): Decoder {
  const pcm = new PcmBytes(sampleRate);
  const decode = (bytes: Uint8Array) => [pcm.push(bytes)].filter(({ frames }) => frames > 0);
  return Object.assign(decode, { skip: 0 });
}

function wavDecoder(header: WavHeader): Decoder {
  const frameBytes = header.channels * header.bits / 8;
  // A file that is written as it is sent does not know its length: then all of the body is audio.
  let leftBytes = header.dataBytes > 0 ? header.dataBytes : Infinity;
  let rest = new Uint8Array(0);
  const decode = function* (bytes: Uint8Array) {
    const audio = bytes.subarray(0, Math.min(bytes.length, leftBytes));
    leftBytes -= audio.length;
    const joined = join(rest, audio);
    const whole = joined.length - joined.length % frameBytes;
    rest = joined.slice(whole);
    if (whole > 0) yield decodeWav(joined.subarray(0, whole), header);
  };
  return Object.assign(decode, { skip: header.dataStart });
}

/** Returns the header of a WAV file; `undefined` where the file goes on before its samples. */
function headerOf(head: Uint8Array): WavHeader | undefined {
  let isCut = false;
  try {
    return readWavHeader((at, length) => {
      isCut ||= at + length > head.length;
      return head.subarray(at, at + length);
    });
  } catch (error) {
    if (isCut && head.length < MAX_HEADER_BYTES) return undefined;
    throw error;
  }
}

function rejectOther(head: Uint8Array, type: string): void {
  const name = nameOf(head, type);
  if (name) throw new RangeError(`expected PCM or WAV, got ${name}`);
}

/** Returns the name of a format that is not decoded here. */
function nameOf(head: Uint8Array, type: string): string | undefined {
  const tag = (at: number) => String.fromCharCode(...head.subarray(at, at + 4));
  if (tag(0) === "OggS") return "Ogg";
  if (tag(0) === "fLaC") return "FLAC";
  if (tag(4) === "ftyp") return "MP4";
  if (tag(0).startsWith("ID3")) return "MP3";
  if (head[0] === 0x1a && head[1] === 0x45 && head[2] === 0xdf && head[3] === 0xa3) return "WebM";
  // These begin with bytes that quiet PCM can begin with, too: the service's word decides.
  const isPcm = /pcm|l16|wav/i.test(type);
  if (!isPcm && head[0] === 0xff && (head[1]! & 0xe0) === 0xe0) {
    if ((head[1]! & 0xf6) === 0xf0) return "AAC";
    const [version, layer] = [(head[1]! >> 3) & 3, (head[1]! >> 1) & 3];
    const [bitrate, rate] = [head[2]! >> 4, (head[2]! >> 2) & 3];
    if (version !== 1 && layer === 1 && bitrate % 15 !== 0 && rate !== 3) return "MP3";
  }
  const text = /json|html|xml|text|mpeg|mp3|ogg|opus|flac|aac|mp4|webm/i.exec(type)?.[0];
  return text && !isPcm ? type : undefined;
}

function isWav(head: Uint8Array): boolean {
  const tag = (at: number) => String.fromCharCode(...head.subarray(at, at + 4));
  return tag(0) === "RIFF" && tag(8) === "WAVE";
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
