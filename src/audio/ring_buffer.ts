/** A ring buffer of audio in slots. @module */

import type { AudioKernel } from "./kernel.ts";
import { assertPcmChunk, assertSampleRate, PcmChunk } from "./pcm_chunk.ts";
import { Resampler } from "./resampler.ts";
import { assertChannels } from "./resampler_arguments.ts";
import { int16Length } from "./typed_arrays.ts";
import { typescriptKernel } from "./typescript_kernel.ts";
import { assertOptions } from "./arguments.ts";
import { SLOT_MS } from "./grid.ts";

/** Options for a {@linkcode RingBuffer}. */
export interface RingBufferOptions {
  /** The sample rate of the slots, in Hz. */
  sampleRate: number;
  /** Interleaved channels of the slots. Default 1. */
  channels?: 1 | 2;
  /** The audio it holds before it drops the oldest slot, in milliseconds. Default 8000. */
  capacityMs?: number;
  /** The duration of a slot, in milliseconds. Default 20. */
  slotMs?: number;
  /** Resamples audio of another rate. Default: the TypeScript kernel. */
  kernel?: AudioKernel;
}

/** Options for {@linkcode RingBuffer.write}. */
export interface RingWriteOptions {
  /**
   * The row of the room's grid that the chunk begins in. An open slot of another row is closed first.
   */
  rowNumber?: number;
}

/** The longest single write without wrapping round the ring, in milliseconds. */
const GUARD_MS = 60;

/**
 * A ring of whole slots, of a fixed size. It resamples chunks of any length, rate and channels directly
 * into the slot being filled. When full it drops the oldest slot, and counts it. After the first chunk
 * it allocates nothing while the input format stays the same.
 *
 * @example
 * ```ts
 * import { PcmChunk, RingBuffer } from "@ringline/edge/audio";
 *
 * using ring = new RingBuffer({ sampleRate: 16_000 });
 * const completed = ring.write(new PcmChunk(new Int16Array(960), { sampleRate: 48_000 }));
 * const slot = ring.read();
 * console.log(completed, slot?.durationMs, slot?.sampleRate); // 1 20 16000
 * ```
 */
export class RingBuffer implements Disposable {
  /** The sample rate of the slots, in Hz. */
  readonly sampleRate: number;
  /** Interleaved channels of the slots. */
  readonly channels: 1 | 2;
  /** The duration of a slot, in milliseconds. */
  readonly slotMs: number;
  /** The most slots that it holds. */
  readonly capacity: number;

  readonly #kernel: AudioKernel;
  readonly #slotSamples: number;
  readonly #guardFrames: number;
  /** All slots, then room for a write that runs over the end and is carried to the start. */
  readonly #storage: Int16Array;
  readonly #slots: PcmChunk[];
  readonly #rows: Float64Array;
  #resampler: Resampler | undefined;
  #open = 0;
  #fill = 0;
  #oldest = 0;
  #length = 0;
  #dropped = 0;
  #nextRow = 0;
  #lastRow = -1;
  #disposed = false;

  /**
   * Creates a ring and allocates all its memory.
   *
   * @throws {RangeError} when a number is out of range or a slot is not whole frames
   */
  constructor(options: RingBufferOptions) {
    const known: Readonly<Record<keyof RingBufferOptions, true>> = {
      sampleRate: true,
      channels: true,
      capacityMs: true,
      slotMs: true,
      kernel: true,
    };
    assertOptions(options, known, "an object like { sampleRate: 16_000, kernel: loadKernel() }");
    const { sampleRate, channels = 1, capacityMs = 8000, slotMs = SLOT_MS, kernel } = options;
    assertSampleRate(sampleRate);
    assertChannels(channels);
    const slotFrames = sampleRate * slotMs / 1000;
    if (!(slotMs > 0) || !Number.isInteger(slotFrames)) {
      throw new RangeError(
        `slotMs: expected whole frames at ${sampleRate} Hz, got ${slotMs} ms = ${slotFrames} frames`,
      );
    }
    if (!(capacityMs >= slotMs) || !Number.isFinite(capacityMs)) {
      throw new RangeError(
        `capacityMs: expected at least one slot of ${slotMs}, got ${capacityMs}`,
      );
    }
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.slotMs = slotMs;
    this.capacity = Math.floor(capacityMs / slotMs);
    this.#kernel = kernel ?? typescriptKernel();
    this.#slotSamples = slotFrames * channels;
    const guardSlots = Math.ceil(GUARD_MS / slotMs);
    this.#guardFrames = guardSlots * slotFrames;
    // One slot more than it holds, for the one being filled.
    const count = Math.max(this.capacity, guardSlots) + 1;
    this.#storage = new Int16Array((count + guardSlots) * this.#slotSamples);
    this.#slots = Array.from({ length: count }, (_, index) => {
      const start = index * this.#slotSamples;
      return new PcmChunk(this.#storage.subarray(start, start + this.#slotSamples), {
        sampleRate,
        channels,
      });
    });
    this.#rows = new Float64Array(count);
  }

  /** Complete slots that wait to be read. */
  get length(): number {
    return this.#length;
  }

  /** Complete slots that were dropped before they were read. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The row number of the slot that {@linkcode RingBuffer.read} returned last; -1 before that. */
  get lastRow(): number {
    return this.#lastRow;
  }

  /** How much of the open slot is filled, in milliseconds. */
  get openMs(): number {
    return this.#fill / this.#slotSamples * this.slotMs;
  }

  /**
   * Appends a chunk of any rate and channels. Both may change within the stream: it continues without a
   * click.
   *
   * @returns how many slots it completed
   * @throws {TypeError} when `chunk` is no chunk, or the ring is disposed
   * @throws {RangeError} when the rate cannot be resampled to the ring's
   */
  write(chunk: PcmChunk, options?: RingWriteOptions): number {
    this.#assertOpen();
    assertPcmChunk(chunk, "chunk");
    // A slot of this ring: a resampler reads and writes different memory.
    if (chunk.samples.buffer === this.#storage.buffer) chunk = chunk.clone();
    let completed = 0;
    const row = options?.rowNumber;
    if (row !== undefined) {
      if (this.#fill > 0 && row !== this.#nextRow) completed += this.#padOpenSlot();
      if (this.#fill === 0) this.#nextRow = row;
    }
    const resampler = this.#resampler ??= new Resampler(this.#kernel, {
      inputRate: chunk.sampleRate,
      outputRate: this.sampleRate,
      channels: this.channels,
    });
    if (resampler.maxOutputFrames(chunk.frames, chunk.sampleRate) <= this.#guardFrames) {
      return completed + this.#append(resampler, chunk);
    }
    // Longer than the guard: written in pieces. Only their views are allocated.
    const pieceMs = GUARD_MS / 3;
    const pieceFrames = Math.max(1, Math.floor(chunk.sampleRate * pieceMs / 1000));
    const step = pieceFrames * chunk.channels;
    for (let start = 0; start < chunk.samples.length; start += step) {
      const piece = new PcmChunk(chunk.samples.subarray(start, start + step), chunk);
      completed += this.#append(resampler, piece);
    }
    return completed;
  }

  /**
   * Appends a whole slot in the ring's own format, with its number on the room's grid. An open slot
   * is closed first.
   *
   * @throws {TypeError} when `samples` is no `Int16Array`, or the ring is disposed
   * @throws {RangeError} when `samples` is not exactly one slot
   */
  writeSlot(samples: Int16Array, rowNumber: number): void {
    this.#assertOpen();
    const length = int16Length(samples, "samples");
    if (length !== this.#slotSamples) {
      throw new RangeError(`samples: expected a slot of ${this.#slotSamples}, got ${length}`);
    }
    this.closeSlot();
    this.#nextRow = rowNumber;
    this.#storage.set(samples, this.#open * this.#slotSamples);
    this.#advance(length);
  }

  /**
   * Returns the oldest complete slot, or `undefined`. It is a view, valid until the ring has been
   * written once round.
   *
   * @throws {TypeError} when the ring is disposed
   */
  read(): PcmChunk | undefined {
    this.#assertOpen();
    if (this.#length === 0) return undefined;
    const index = this.#oldest;
    this.#lastRow = this.#rows[index]!;
    this.#oldest = this.#following(index);
    this.#length--;
    return this.#slots[index];
  }

  /**
   * Ends the current stream (mute, a removed track, leaving): flushes the resampler, and completes the
   * open slot with silence.
   */
  closeSlot(): void {
    this.#assertOpen();
    if (this.#resampler !== undefined) {
      const offset = this.#open * this.#slotSamples + this.#fill;
      this.#advance(this.#resampler.flush(this.#storage, offset) * this.channels);
    }
    this.#padOpenSlot();
  }

  /** Discards all slots and the stream so far, without counting them as dropped. */
  clear(): void {
    this.#assertOpen();
    this.#resampler?.reset();
    this.#fill = 0;
    this.#length = 0;
    this.#oldest = this.#open;
  }

  /** Releases the resampler. Idempotent. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#resampler?.[Symbol.dispose]();
    this.#resampler = undefined;
  }

  #append(resampler: Resampler, chunk: PcmChunk): number {
    const offset = this.#open * this.#slotSamples + this.#fill;
    return this.#advance(resampler.process(chunk, this.#storage, offset) * this.channels);
  }

  #padOpenSlot(): number {
    if (this.#fill === 0) return 0;
    const start = this.#open * this.#slotSamples;
    this.#storage.fill(0, start + this.#fill, start + this.#slotSamples);
    return this.#advance(this.#slotSamples - this.#fill);
  }

  /** Counts `samples` just written at the open slot's end; returns how many slots they completed. */
  #advance(samples: number): number {
    const end = this.#slots.length * this.#slotSamples;
    const written = this.#open * this.#slotSamples + this.#fill + samples;
    if (written > end) this.#storage.copyWithin(0, end, written);
    this.#fill += samples;
    let completed = 0;
    while (this.#fill >= this.#slotSamples) {
      this.#rows[this.#open] = this.#nextRow++;
      this.#open = this.#following(this.#open);
      this.#fill -= this.#slotSamples;
      completed++;
      if (this.#length === this.capacity) {
        this.#oldest = this.#following(this.#oldest);
        this.#dropped++;
      } else {
        this.#length++;
      }
    }
    return completed;
  }

  #following(index: number): number {
    return index + 1 === this.#slots.length ? 0 : index + 1;
  }

  #assertOpen(): void {
    if (this.#disposed) throw new TypeError("RingBuffer: expected an open one, this is disposed");
  }
}
