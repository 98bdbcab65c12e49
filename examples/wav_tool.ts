// Needs: deno run --allow-read --allow-write examples/wav_tool.ts (with --allow-ffi too it is faster)
/**
 * Turns a WAV file of any rate into another, and mixes two:
 *
 *   wav_tool.ts convert IN.wav OUT.wav --rate=16000 [--channels=1]
 *   wav_tool.ts mix A.wav B.wav OUT.wav [--rate=48000] [--channels=1] [--gain-b=0.5]
 *
 * 16-bit PCM. Files may be longer than memory: they are read and written in pieces.
 */
import { loadKernel, Mixer, PcmChunk, Resampler } from "@ringline/edge/audio";
import { parseArgs } from "node:util";

/** Frames that are read at once: short enough for a smooth bar, long enough for speed. */
const PIECE_FRAMES = 48_000;

class WavReader implements Disposable {
  private constructor(
    readonly file: Deno.FsFile,
    readonly sampleRate: number,
    readonly channels: number,
    readonly frames: number,
  ) {}

  static open(path: string): WavReader {
    const file = Deno.openSync(path);
    const header = readExactly(file, 12);
    const tag = (view: DataView, at: number) =>
      String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
    if (tag(header, 0) !== "RIFF" || tag(header, 8) !== "WAVE") {
      throw new TypeError(`${path}: expected a WAV file`);
    }
    let format: DataView | undefined;
    for (;;) {
      const chunk = readExactly(file, 8);
      const length = chunk.getUint32(4, true);
      if (tag(chunk, 0) === "data") {
        if (format === undefined) throw new TypeError(`${path}: its format is missing`);
        const [kind, bits] = [format.getUint16(0, true), format.getUint16(14, true)];
        // 0xfffe says that the kind stands further on; with 16 bits it is PCM.
        if ((kind !== 1 && kind !== 0xfffe) || bits !== 16) {
          throw new TypeError(`${path}: expected 16-bit PCM, got kind ${kind} with ${bits} bits`);
        }
        const channels = format.getUint16(2, true);
        const frames = Math.floor(length / 2 / channels);
        return new WavReader(file, format.getUint32(4, true), channels, frames);
      }
      const body = readExactly(file, length + length % 2);
      if (tag(chunk, 0) === "fmt ") format = body;
    }
  }

  #done = 0;

  /** The next piece; `undefined` at the end. */
  read(): PcmChunk | undefined {
    const frames = Math.min(PIECE_FRAMES, this.frames - this.#done);
    const samples = new Int16Array(frames * this.channels);
    const read = frames > 0 ? readUpTo(this.file, new Uint8Array(samples.buffer)) : 0;
    const whole = Math.floor(read / 2 / this.channels);
    if (whole === 0) return undefined;
    this.#done += whole;
    return new PcmChunk(samples.subarray(0, whole * this.channels), this);
  }

  /** From 0 to 1. */
  get progress(): number {
    return this.frames === 0 ? 1 : this.#done / this.frames;
  }

  [Symbol.dispose](): void {
    this.file.close();
  }
}

class WavWriter implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #rate: number;
  readonly #channels: number;
  #bytes = 0;

  constructor(path: string, rate: number, channels: number) {
    this.#file = Deno.openSync(path, { write: true, create: true, truncate: true });
    this.#rate = rate;
    this.#channels = channels;
    this.#writeHeader();
  }

  write(samples: Int16Array): void {
    writeAll(this.#file, new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
    this.#bytes += samples.byteLength;
  }

  /** Writes the length, which is known only now, into the header. */
  [Symbol.dispose](): void {
    this.#file.seekSync(0, Deno.SeekMode.Start);
    this.#writeHeader();
    this.#file.close();
  }

  #writeHeader(): void {
    const header = new DataView(new ArrayBuffer(44));
    const put = (at: number, text: string) =>
      [...text].forEach((letter, n) => header.setUint8(at + n, letter.charCodeAt(0)));
    put(0, "RIFF");
    header.setUint32(4, 36 + this.#bytes, true);
    put(8, "WAVEfmt ");
    header.setUint32(16, 16, true);
    header.setUint16(20, 1, true);
    header.setUint16(22, this.#channels, true);
    header.setUint32(24, this.#rate, true);
    header.setUint32(28, this.#rate * this.#channels * 2, true);
    header.setUint16(32, this.#channels * 2, true);
    header.setUint16(34, 16, true);
    put(36, "data");
    header.setUint32(40, this.#bytes, true);
    writeAll(this.#file, new Uint8Array(header.buffer));
  }
}

/** A file's samples at another rate, the filter's delay cut off, in pieces of any length. */
function* converted(
  reader: WavReader,
  rate: number,
  channels: 1 | 2,
): Generator<Int16Array> {
  const inputRate = reader.sampleRate;
  using resampler = new Resampler(loadKernel(), { inputRate, outputRate: rate, channels });
  let late = Math.round(resampler.latencyMs * rate / 1000) * channels;
  const settled = (samples: Int16Array) => {
    const cut = Math.min(late, samples.length);
    late -= cut;
    return samples.subarray(cut);
  };
  for (let piece = reader.read(); piece !== undefined; piece = reader.read()) {
    yield settled(resampler.convert(piece).samples);
  }
  const tail = new Int16Array(resampler.tailFrames * channels);
  yield settled(tail.subarray(0, resampler.flush(tail) * channels));
}

/** Cuts pieces of any length into frames of one length; the last is filled up with silence. */
function* framed(pieces: Iterable<Int16Array>, length: number): Generator<Int16Array> {
  let frame = new Int16Array(length);
  let filled = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + length - filled);
      frame.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < length) continue;
      yield frame;
      frame = new Int16Array(length);
      filled = 0;
    }
  }
  if (filled > 0) yield frame;
}

function convert(from: string, to: string, rate: number | undefined, channels?: 1 | 2): void {
  using reader = WavReader.open(from);
  const outRate = rate ?? reader.sampleRate;
  const outChannels = channels ?? (reader.channels === 1 ? 1 : 2);
  using writer = new WavWriter(to, outRate, outChannels);
  for (const samples of converted(reader, outRate, outChannels)) {
    writer.write(samples);
    showProgress(reader.progress);
  }
}

function mix(
  from: [string, string],
  to: string,
  options: { rate?: number; channels?: 1 | 2; gainB: number },
): void {
  using a = WavReader.open(from[0]);
  using b = WavReader.open(from[1]);
  const rate = options.rate ?? Math.max(a.sampleRate, b.sampleRate);
  const channels = options.channels ?? (a.channels === 1 && b.channels === 1 ? 1 : 2);
  using writer = new WavWriter(to, rate, channels);
  const frameSamples = Math.round(rate / 50) * channels;
  const mixer = new Mixer(loadKernel(), { frameSamples, rows: 2 });
  const left = framed(converted(a, rate, channels), frameSamples);
  const right = framed(converted(b, rate, channels), frameSamples);
  for (;;) {
    const [first, second] = [left.next(), right.next()];
    if (first.done && second.done) break;
    if (!first.done) mixer.add(first.value);
    if (!second.done) mixer.add(second.value, { gain: options.gainB });
    mixer.mix();
    writer.write(mixer.total);
    mixer.clear();
    showProgress(Math.min(a.progress, b.progress));
  }
}

let shown = -1;

/** A bar on a terminal; nothing where standard error goes to a file. */
function showProgress(part: number): void {
  const percent = Math.floor(part * 100);
  if (percent === shown || !Deno.stderr.isTerminal()) return;
  shown = percent;
  const bar = "#".repeat(percent / 4).padEnd(25, ".");
  const end = percent === 100 ? "\n" : "";
  writeAll(Deno.stderr, new TextEncoder().encode(`\r[${bar}] ${percent} %${end}`));
}

function readUpTo(file: Deno.FsFile, bytes: Uint8Array): number {
  let read = 0;
  while (read < bytes.length) {
    const count = file.readSync(bytes.subarray(read));
    if (count === null) break;
    read += count;
  }
  return read;
}

function readExactly(file: Deno.FsFile, length: number): DataView {
  const bytes = new Uint8Array(length);
  if (readUpTo(file, bytes) < length) throw new TypeError("expected a WAV file, got a cut one");
  return new DataView(bytes.buffer);
}

function writeAll(to: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}

function usage(): never {
  console.error(
    "wav_tool.ts convert IN.wav OUT.wav --rate=HZ [--channels=1|2]\n" +
      "wav_tool.ts mix A.wav B.wav OUT.wav [--rate=HZ] [--channels=1|2] [--gain-b=0..32]",
  );
  Deno.exit(2);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rate: { type: "string" },
    channels: { type: "string" },
    "gain-b": { type: "string", default: "1" },
  },
});
const rate = values.rate === undefined ? undefined : Number(values.rate);
const channels = values.channels === undefined ? undefined : Number(values.channels) as 1 | 2;
const [command, ...files] = positionals;
try {
  if (command === "convert" && files.length === 2) {
    convert(files[0]!, files[1]!, rate, channels);
  } else if (command === "mix" && files.length === 3) {
    mix([files[0]!, files[1]!], files[2]!, { rate, channels, gainB: Number(values["gain-b"]) });
  } else {
    usage();
  }
} catch (error) {
  console.error(`wav_tool: ${error instanceof Error ? error.message : error}`);
  Deno.exitCode = 1;
}
