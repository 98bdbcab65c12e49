/** The resampler of the TypeScript kernel. @module */

import { type PolyphaseFilter, polyphaseFilter } from "./filter.ts";
import type { KernelResampler } from "./kernel.ts";
import { assertOpen, inputLength, outputLength } from "./resampler_arguments.ts";
import { assertApart, int16Length } from "./typed_arrays.ts";

/** Input frames per block: bounds the scratch memory for chunks of any length. */
const BLOCK_FRAMES = 1024;

/** A polyphase filter over an f64 history: exact to well below one LSB. */
export class TypeScriptResampler implements KernelResampler {
  readonly latencyMs: number;
  readonly tailFrames: number;
  readonly historyFrames: number;
  readonly #filter: PolyphaseFilter;
  readonly #rows: Float64Array;
  readonly #channels: 1 | 2;
  /** For each channel the history, followed by the block being converted. */
  readonly #lines: Float64Array[];
  /** The next output's position after the history, in steps of 1 / up of an input frame. */
  #position = 0;
  #fed = false;
  #disposed = false;

  constructor(inputRate: number, outputRate: number, channels: 1 | 2) {
    const filter = polyphaseFilter(inputRate, outputRate);
    this.#filter = filter;
    this.#rows = rowsInF64(filter);
    this.#channels = channels;
    this.latencyMs = filter.delay * 1000 / (filter.up * inputRate);
    this.tailFrames = Math.ceil(filter.delay / filter.down);
    this.historyFrames = filter.taps - 1;
    this.#lines = Array.from(
      { length: channels },
      () => new Float64Array(this.historyFrames + BLOCK_FRAMES),
    );
  }

  maxOutputFrames(inputFrames: number): number {
    return Math.ceil(inputFrames * this.#filter.up / this.#filter.down);
  }

  process(input: Int16Array, output: Int16Array, outputOffset = 0): number {
    assertOpen(this.#disposed);
    const frames = inputLength(input, this.#channels) / this.#channels;
    outputLength(output, outputOffset, this.maxOutputFrames(frames) * this.#channels);
    assertApart(output, "output", input, "the input");
    if (frames > 0) this.#fed = true;
    let written = 0;
    for (let start = 0; start < frames; start += BLOCK_FRAMES) {
      const count = Math.min(BLOCK_FRAMES, frames - start);
      this.#load(input, start, count);
      const end = count * this.#filter.up;
      written += this.#convert(end, output, outputOffset + written * this.#channels);
      this.#shift(count);
    }
    return written;
  }

  flush(output: Int16Array, outputOffset = 0): number {
    assertOpen(this.#disposed);
    outputLength(output, outputOffset, this.tailFrames * this.#channels);
    const { up, delay } = this.#filter;
    let written = 0;
    if (this.#fed) {
      for (let left = delay; left > 0; left -= BLOCK_FRAMES * up) {
        for (const line of this.#lines) line.fill(0, this.historyFrames);
        const end = Math.min(left, BLOCK_FRAMES * up);
        written += this.#convert(end, output, outputOffset + written * this.#channels);
        this.#shift(BLOCK_FRAMES);
      }
    }
    this.reset();
    return written;
  }

  history(out: Int16Array): number {
    assertOpen(this.#disposed);
    const channels = this.#channels;
    const frames = Math.min(this.historyFrames, Math.floor(int16Length(out, "out") / channels));
    const from = this.historyFrames - frames;
    for (let channel = 0; channel < channels; channel++) {
      const line = this.#lines[channel]!;
      for (let i = 0; i < frames; i++) out[i * channels + channel] = line[from + i]!;
    }
    return frames;
  }

  reset(): void {
    assertOpen(this.#disposed);
    for (const line of this.#lines) line.fill(0);
    this.#position = 0;
    this.#fed = false;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
  }

  #load(input: Int16Array, start: number, count: number): void {
    const channels = this.#channels;
    for (let channel = 0; channel < channels; channel++) {
      const line = this.#lines[channel]!;
      for (let i = 0, from = start * channels + channel; i < count; i++, from += channels) {
        line[this.historyFrames + i] = input[from]!;
      }
    }
  }

  /** Writes every output that lies before `end` (in steps of 1 / up); returns their number. */
  #convert(end: number, output: Int16Array, offset: number): number {
    const { up, down, taps } = this.#filter;
    const rows = this.#rows;
    const channels = this.#channels;
    const first = this.#position;
    const outputs = first < end ? Math.ceil((end - first) / down) : 0;
    for (let channel = 0; channel < channels; channel++) {
      const line = this.#lines[channel]!;
      if (up === 1) {
        this.#decimate(line, first, outputs, output, offset + channel);
        continue;
      }
      let newest = Math.floor(first / up);
      let phase = first % up;
      for (let n = 0, to = offset + channel; n < outputs; n++, to += channels) {
        output[to] = saturatingRound(product(rows, phase * taps, line, newest, taps));
        phase += down;
        newest += Math.floor(phase / up);
        phase %= up;
      }
    }
    this.#position = first + outputs * down;
    return outputs;
  }

  /** Converts to a rate that divides the input's: the filter's only phase is symmetric. */
  #decimate(line: Float64Array, first: number, outputs: number, output: Int16Array, to: number) {
    const { down, taps } = this.#filter;
    const rows = this.#rows;
    const channels = this.#channels;
    for (let n = 0, at = first; n < outputs; n++, at += down, to += channels) {
      output[to] = saturatingRound(symmetricProduct(rows, line, at, taps));
    }
  }

  /** Moves the last loaded frames to the history. */
  #shift(count: number): void {
    for (const line of this.#lines) line.copyWithin(0, count, count + this.historyFrames);
    this.#position -= count * this.#filter.up;
  }
}

const rowsOf = new WeakMap<PolyphaseFilter, Float64Array>();

/** The f32 coefficients, widened once for each filter: mixed widths would slow the inner loop. */
function rowsInF64(filter: PolyphaseFilter): Float64Array {
  let rows = rowsOf.get(filter);
  if (rows === undefined) rowsOf.set(filter, rows = Float64Array.from(filter.rows));
  return rows;
}

/** Returns the dot product of two stretches; unrolled, since each sum waits for the one before. */
function product(
  left: Float64Array,
  leftAt: number,
  right: Float64Array,
  rightAt: number,
  count: number,
): number {
  let a = 0, b = 0, c = 0, d = 0;
  const whole = count & ~3;
  for (let index = 0; index < whole; index += 4) {
    a += left[leftAt + index]! * right[rightAt + index]!;
    b += left[leftAt + index + 1]! * right[rightAt + index + 1]!;
    c += left[leftAt + index + 2]! * right[rightAt + index + 2]!;
    d += left[leftAt + index + 3]! * right[rightAt + index + 3]!;
  }
  for (let index = whole; index < count; index++) {
    a += left[leftAt + index]! * right[rightAt + index]!;
  }
  return (a + b) + (c + d);
}

/**
 * Returns the dot product of a symmetric row with a stretch, with half of the multiplications. The
 * row's middle is at half of its `count`; its last coefficient has no counterpart, and is zero.
 */
function symmetricProduct(
  row: Float64Array,
  line: Float64Array,
  lineAt: number,
  count: number,
): number {
  const half = count >> 1;
  const middle = half - 1;
  const end = lineAt + count - 2;
  let a = row[middle]! * line[lineAt + middle]!, b = 0, c = 0, d = 0;
  const whole = middle & ~3;
  for (let index = 0; index < whole; index += 4) {
    a += row[index]! * (line[lineAt + index]! + line[end - index]!);
    b += row[index + 1]! * (line[lineAt + index + 1]! + line[end - index - 1]!);
    c += row[index + 2]! * (line[lineAt + index + 2]! + line[end - index - 2]!);
    d += row[index + 3]! * (line[lineAt + index + 3]! + line[end - index - 3]!);
  }
  for (let index = whole; index < middle; index++) {
    a += row[index]! * (line[lineAt + index]! + line[end - index]!);
  }
  return (a + b) + (c + d);
}

function saturatingRound(value: number): number {
  if (value >= 32767) return 32767;
  if (value <= -32768) return -32768;
  return Math.round(value);
}
