// Needs: deno run --allow-read --allow-write examples/wav_tool.ts (with --allow-ffi too it is faster)
/**
 * Turns a WAV file of any rate into another, and mixes two:
 *
 *   wav_tool.ts convert IN.wav OUT.wav --rate=16000 [--channels=1]
 *   wav_tool.ts mix A.wav B.wav OUT.wav [--rate=48000] [--channels=1] [--gain-b=0.5]
 *
 * It reads PCM and floats, and writes 16-bit PCM. Files may be longer than memory: they are read and
 * written in pieces.
 */
import {
  decodeWav,
  loadKernel,
  MAX_GAIN,
  Mixer,
  PcmChunk,
  readWavHeader,
  Resampler,
  type WavHeader,
  wavHeader,
} from "@ringline/edge/audio";
import { parseArgs } from "node:util";

/** Frames of one read: short enough for a smooth bar, long enough for speed. */
const PIECE_FRAMES = 48_000;
/** The most bytes of samples: a WAV file's header counts in 32 bits. */
const MAX_BYTES = 2 ** 32 - 1 - 36;

/** What was typed is wrong: the usage helps. */
class UsageError extends Error {}

class WavReader implements Disposable {
  readonly path: string;
  readonly sampleRate: number;
  readonly channels: number;
  readonly #file: Deno.FsFile;
  readonly #header: WavHeader;
  readonly #frameBytes: number;
  #done = 0;
  #open = true;

  constructor(path: string) {
    this.path = path;
    this.#file = named(path, () => Deno.openSync(path));
    try {
      this.#header = named(path, () => readWavHeader((at, length) => this.#read(at, length)));
    } catch (error) {
      this.#file.close();
      throw error;
    }
    const { sampleRate, channels, bits } = this.#header;
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.#frameBytes = channels * bits / 8;
  }

  /** Returns the next piece; `undefined` at the end. */
  read(): PcmChunk | undefined {
    const { dataStart, dataBytes } = this.#header;
    const length = Math.min(PIECE_FRAMES * this.#frameBytes, dataBytes - this.#done);
    const bytes = named(this.path, () => this.#read(dataStart + this.#done, length));
    const pcm = decodeWav(bytes, this.#header);
    this.#done += pcm.frames * this.#frameBytes;
    return pcm.frames === 0 ? undefined : pcm;
  }

  /** From 0 to 1. */
  get progress(): number {
    const { dataBytes } = this.#header;
    return dataBytes < this.#frameBytes ? 1 : this.#done / dataBytes;
  }

  [Symbol.dispose](): void {
    if (this.#open) this.#file.close();
    this.#open = false;
  }

  #read(at: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#file.seekSync(at, Deno.SeekMode.Start);
    return bytes.subarray(0, readUpTo(this.#file, bytes));
  }
}

/** Writes beside the file that is meant, which is replaced only when all went well. */
class WavWriter implements Disposable {
  readonly #path: string;
  readonly #part: string;
  readonly #file: Deno.FsFile;
  readonly #rate: number;
  readonly #channels: number;
  #bytes = 0;
  #open = true;

  constructor(path: string, rate: number, channels: number) {
    this.#path = target(path);
    this.#part = `${this.#path}.part`;
    this.#rate = rate;
    this.#channels = channels;
    this.#file = named(
      path,
      () => Deno.openSync(this.#part, { write: true, create: true, truncate: true }),
    );
    try {
      named(path, () => this.#writeHeader());
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  write(samples: Int16Array): void {
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    if (this.#bytes + bytes.length > MAX_BYTES) {
      throw new RangeError(`${this.#path}: a WAV file holds 4 GiB at most, this would be longer`);
    }
    named(this.#path, () => writeAll(this.#file, bytes));
    this.#bytes += bytes.length;
  }

  /** Writes the length, which is known only now, into the header, and moves the file into place. */
  finish(): void {
    named(this.#path, () => {
      this.#file.seekSync(0, Deno.SeekMode.Start);
      this.#writeHeader();
      this.#file.close();
      this.#open = false;
      try {
        Deno.renameSync(this.#part, this.#path);
      } catch (error) {
        Deno.removeSync(this.#part);
        throw error;
      }
    });
  }

  /** Leaves nothing behind of a file that was not finished. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#file.close();
    Deno.removeSync(this.#part);
  }

  #writeHeader(): void {
    const format = { sampleRate: this.#rate, channels: this.#channels };
    writeAll(this.#file, wavHeader(format, this.#bytes));
  }
}

function resamplerFor(reader: WavReader, outputRate: number, channels: 1 | 2): Resampler {
  const inputRate = reader.sampleRate;
  return named(
    reader.path,
    () => new Resampler(loadKernel(), { inputRate, outputRate, channels }),
  );
}

/** A file's samples at another rate, the filter's delay cut off, in pieces of any length. */
function* converted(reader: WavReader, resampler: Resampler): Generator<Int16Array> {
  const { sampleRate: rate, channels } = resampler.outputFormat;
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
  using reader = new WavReader(from);
  const outRate = rate ?? reader.sampleRate;
  const outChannels = channels ?? (reader.channels === 1 ? 1 : 2);
  using resampler = resamplerFor(reader, outRate, outChannels);
  using writer = new WavWriter(to, outRate, outChannels);
  for (const samples of converted(reader, resampler)) {
    writer.write(samples);
    showProgress(reader.progress);
  }
  // It may be the file that is replaced, and some systems replace no file that is open.
  reader[Symbol.dispose]();
  writer.finish();
}

function mix(
  from: [string, string],
  to: string,
  options: Options,
): void {
  using a = new WavReader(from[0]);
  using b = new WavReader(from[1]);
  const rate = options.rate ?? Math.max(a.sampleRate, b.sampleRate);
  const channels = options.channels ?? (a.channels === 1 && b.channels === 1 ? 1 : 2);
  using resamplerA = resamplerFor(a, rate, channels);
  using resamplerB = resamplerFor(b, rate, channels);
  const frameSamples = Math.round(rate / 50) * channels;
  const mixer = new Mixer(loadKernel(), { frameSamples, rows: 2 });
  using writer = new WavWriter(to, rate, channels);
  const left = framed(converted(a, resamplerA), frameSamples);
  const right = framed(converted(b, resamplerB), frameSamples);
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
  a[Symbol.dispose]();
  b[Symbol.dispose]();
  writer.finish();
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

function writeAll(to: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}

/** Runs what is about a file; its errors name the file. */
function named<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw message.includes(path) ? cause : new Error(`${path}: ${message}`, { cause });
  }
}

/** The file that a name stands for; only a file, or nothing yet, may be replaced. */
function target(path: string): string {
  return named(path, () => {
    try {
      const real = Deno.realPathSync(path);
      if (Deno.statSync(real).isFile) return real;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return path;
      throw error;
    }
    throw new TypeError("expected the name of a file");
  });
}

/** Throws unless it is a rate and a number of channels that can be converted. */
function assertFormat(sampleRate: number, channels: number): void {
  new PcmChunk(new Int16Array(0), { sampleRate, channels });
}

interface Options {
  rate?: number;
  channels?: 1 | 2;
  gainB: number;
}

/** What was typed; `undefined` where help was asked for. */
function parse(): { command?: string; files: string[]; options: Options } | undefined {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        rate: { type: "string" },
        channels: { type: "string" },
        "gain-b": { type: "string", default: "1" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) return undefined;
    const rate = values.rate === undefined ? undefined : Number(values.rate);
    if (rate !== undefined) named("--rate", () => assertFormat(rate, 1));
    const channels = values.channels === undefined ? undefined : Number(values.channels);
    if (channels !== undefined && channels !== 1 && channels !== 2) {
      throw new RangeError(`--channels: expected 1 or 2, got ${values.channels}`);
    }
    const gainB = values["gain-b"].trim() === "" ? NaN : Number(values["gain-b"]);
    if (!(gainB >= 0 && gainB <= MAX_GAIN)) {
      throw new RangeError(`--gain-b: expected 0 to ${MAX_GAIN}, got ${values["gain-b"]}`);
    }
    const [command, ...files] = positionals;
    return { command, files, options: { rate, channels, gainB } };
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

const usage = "wav_tool.ts convert IN.wav OUT.wav --rate=HZ [--channels=1|2]\n" +
  "wav_tool.ts mix A.wav B.wav OUT.wav [--rate=HZ] [--channels=1|2] [--gain-b=0..32]";

try {
  const typed = parse();
  if (typed === undefined) {
    console.log(usage);
  } else if (typed.command === "convert" && typed.files.length === 2) {
    const [from, to] = typed.files as [string, string];
    convert(from, to, typed.options.rate, typed.options.channels);
  } else if (typed.command === "mix" && typed.files.length === 3) {
    const [a, b, to] = typed.files as [string, string, string];
    mix([a, b], to, typed.options);
  } else {
    throw new UsageError("expected convert with 2 files, or mix with 3");
  }
} catch (error) {
  console.error(`wav_tool: ${error instanceof Error ? error.message : error}`);
  if (error instanceof UsageError) console.error(usage);
  Deno.exitCode = error instanceof UsageError ? 2 : 1;
}
