import type {
  AudioTrack,
  AudioTrackMode,
  AudioTrackOptions,
  FlushResult,
  PlayoutBinding,
  PlayoutPort,
  PlayoutReport,
} from "./audio_track.ts";
import type { AudioKernel } from "../audio/kernel.ts";
import { PcmChunk } from "../audio/pcm_chunk.ts";
import { Resampler } from "../audio/resampler.ts";
import { typescriptKernel } from "../audio/typescript_kernel.ts";
import { type Clock, systemClock } from "../events/clock.ts";
import { waitFor } from "../events/waiting.ts";
import { ClosedError, EdgeError } from "./errors.ts";
import { SampleQueue } from "./sample_queue.ts";

/** How a {@linkcode QueuedAudioTrack} is made. */
export interface QueuedAudioTrackOptions extends AudioTrackOptions {
  /** Identifies it; made up unless given. */
  id?: string;
  /** Samples a second of the ports it can be bound to. Default 48,000. */
  sampleRate?: number;
  /** How far the port is kept ahead. Default 400: enough for an agent that stalls 200 ms. */
  aheadMs?: number;
  /** What may wait beyond that before `write` waits. Default 1000. */
  waitingMs?: number;
  /** Who resamples. Default: the TypeScript kernel. */
  kernel?: AudioKernel;
  /** Where time comes from. Default: the machine's clock. */
  clock?: Clock;
}

/** Pushes to a port, and pieces of a long write, last no longer than this. */
const PIECE_MS = 20;
/** How many writes may wait: more means that somebody does not await them. */
const MAX_WAITING_WRITES = 256;

/**
 * The {@linkcode AudioTrack} that every edge uses: resamples what is written, holds about a second
 * of it, and keeps the port that it is bound to about 400 ms ahead.
 */
export class QueuedAudioTrack implements AudioTrack {
  readonly id: string;
  /** How it is played out. */
  readonly mode: AudioTrackMode;
  readonly sampleRate: number;
  readonly #clock: Clock;
  readonly #kernel: AudioKernel;
  readonly #aheadMs: number;
  readonly #queue: SampleQueue;
  readonly #pieceSamples: number;
  readonly #writes: PendingWrite[] = [];
  readonly #drains = new Set<PromiseWithResolvers<void>>();
  /** How many samples into the queue each utterance ends that is not pushed yet. */
  #finals: number[] = [];
  #resampler: Resampler | undefined;
  #scratch = new Int16Array(0);
  #binding: Binding | undefined;
  #epoch = 0;
  #paused = false;
  #closed = false;
  #pumping = false;
  /** What was played before the current binding and epoch. */
  #playedMs = 0;
  #trimmedMs = 0;
  /** What earlier bindings played and lost of the current epoch. */
  #epochPlayedMs = 0;
  #epochLostMs = 0;
  #heardMs = 0;

  /** Makes a queued audio track. */
  constructor(options: QueuedAudioTrackOptions = {}) {
    const { sampleRate = 48_000, aheadMs = 400, waitingMs = 1000, mode = "speech" } = options;
    if (mode !== "speech" && mode !== "live") {
      throw new TypeError(`mode must be "speech" or "live", got ${JSON.stringify(mode)}`);
    }
    this.id = options.id ?? crypto.randomUUID();
    this.mode = mode;
    this.sampleRate = sampleRate;
    this.#aheadMs = aheadMs;
    this.#clock = options.clock ?? systemClock;
    this.#kernel = options.kernel ?? typescriptKernel();
    this.#pieceSamples = Math.round(sampleRate * PIECE_MS / 1000);
    // Room for one piece more, so that a write is cut at the limit and not a piece before it.
    this.#queue = new SampleQueue(
      Math.ceil(sampleRate * waitingMs / 1000) + 4 * this.#pieceSamples,
    );
  }

  get epoch(): number {
    return this.#epoch;
  }

  get bufferedMs(): number {
    let ms = this.#toMs(this.#queue.length) + this.#aheadOfPlayout();
    for (const write of this.#writes) ms += write.remainingMs;
    return ms;
  }

  get playedMs(): number {
    return this.#playedMs + (this.#binding?.playedMs ?? 0);
  }

  get trimmedMs(): number {
    return this.#trimmedMs + (this.#binding?.trimmedMs ?? 0);
  }

  get heardMs(): number {
    const played = this.playedMs;
    const binding = this.#binding;
    // The last sample played is heard `heardDelayMs` after it was played.
    const unheard = binding
      ? Math.max(0, binding.heardDelayMs - (this.#clock.now() - binding.progressAt))
      : 0;
    this.#heardMs = Math.max(this.#heardMs, Math.min(played, played - unheard));
    return this.#heardMs;
  }

  write(pcm: PcmChunk, options: { final?: boolean; signal?: AbortSignal } = {}): Promise<void> {
    const { final = false, signal } = options;
    if (!(pcm instanceof PcmChunk)) {
      return Promise.reject(new TypeError(`write expects a PcmChunk, got ${typeof pcm}`));
    }
    if (this.#closed) return quietly(Promise.reject(new ClosedError("the audio track")));
    if (signal?.aborted) return quietly(Promise.reject(signal.reason));
    if (this.#writes.length >= MAX_WAITING_WRITES) {
      const message = `${MAX_WAITING_WRITES} writes wait already: await write() before the next`;
      const error = new EdgeError(message, { code: "write-overflow", retryable: true });
      return quietly(Promise.reject(error));
    }
    const write = new PendingWrite(pcm, final);
    if (this.#writes.length === 0) {
      this.#take(write);
      this.#pump();
      if (write.isTaken) return Promise.resolve();
    }
    write.keep();
    this.#writes.push(write);
    if (signal) {
      const onAbort = () => {
        const index = this.#writes.indexOf(write);
        if (index < 0) return;
        this.#writes.splice(index, 1);
        write.done.reject(signal.reason);
        this.#pump();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      const forget = () => signal.removeEventListener("abort", onAbort);
      write.done.promise.then(forget, forget);
    }
    this.#pump();
    return quietly(write.done.promise);
  }

  async flush(): Promise<FlushResult> {
    const binding = this.#binding;
    let discardedMs = this.#toMs(this.#queue.length) + this.#epochLostMs;
    for (const write of this.#writes) discardedMs += write.remainingMs;
    const playedBefore = this.#epochPlayedMs;
    this.#forgetWaiting();
    this.#epoch++;
    this.#epochPlayedMs = this.#epochLostMs = 0;
    if (!binding) return { playedMs: playedBefore, discardedMs };

    const known = binding.beginEpoch();
    this.#playedMs += known.playedMs;
    this.#trimmedMs += known.trimmedMs;
    const result = await binding.flush(this.#epoch, {
      playedMs: known.playedMs,
      discardedMs: Math.max(0, known.pushedMs - known.playedMs - known.trimmedMs),
    });
    this.#playedMs += result.playedMs - known.playedMs;
    return {
      playedMs: playedBefore + result.playedMs,
      discardedMs: discardedMs + result.discardedMs,
    };
  }

  async drain(options: { signal?: AbortSignal } = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#closed || this.#isDrained()) return;
    const drained = Promise.withResolvers<void>();
    this.#drains.add(drained);
    try {
      await waitFor(drained.promise, "playing out", { ...options, clock: this.#clock });
    } finally {
      this.#drains.delete(drained);
    }
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#binding?.port.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#binding?.port.resume();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const write of this.#writes.splice(0)) write.done.reject(new ClosedError("the track"));
    // Its answer is of no interest, and its failure is that of a port that is gone.
    if (this.#binding) this.flush().catch(() => {});
    this.#forgetWaiting();
    this.#unbind(this.#binding);
    this.#resampler?.[Symbol.dispose]();
    this.#resampler = undefined;
  }

  bind(port: PlayoutPort): PlayoutBinding {
    if (this.#closed) throw new ClosedError("the audio track");
    if (this.#binding) throw new TypeError("the audio track is published already");
    if (port.sampleRate !== this.sampleRate) {
      throw new RangeError(
        `expected a port of ${this.sampleRate} samples a second, got one of ${port.sampleRate}`,
      );
    }
    const binding = this.#binding = new Binding(port, this.#clock.now());
    if (this.#paused) port.pause();
    this.#pump();
    return {
      report: (report) => {
        if (this.#binding !== binding || report.epoch !== this.#epoch) return;
        binding.take(report, this.#clock.now());
        this.#pump();
      },
      [Symbol.dispose]: () => this.#unbind(binding),
    };
  }

  #unbind(binding: Binding | undefined): void {
    if (!binding || this.#binding !== binding) return;
    this.#playedMs += binding.playedMs;
    this.#trimmedMs += binding.trimmedMs;
    this.#epochPlayedMs += binding.playedMs;
    this.#epochLostMs += this.#aheadOfPlayout();
    this.#binding = undefined;
    binding.lose();
    this.#settleDrains();
  }

  /** Moves as much of a write into the queue as there is room for. */
  #take(write: PendingWrite): void {
    const { pcm } = write;
    const resampler = this.#resampler ??= new Resampler(this.#kernel, {
      inputRate: pcm.sampleRate,
      outputRate: this.sampleRate,
    });
    while (!write.isTaken) {
      const piece = write.next(PIECE_MS);
      const frames = resampler.maxOutputFrames(piece.frames, piece.sampleRate) +
        (write.final ? resampler.tailFrames : 0);
      if (frames > this.#queue.room) return;
      if (this.#scratch.length < frames) this.#scratch = new Int16Array(frames);
      let made = resampler.process(piece, this.#scratch);
      write.taken += piece.frames;
      if (write.final && write.taken >= pcm.frames) {
        made += resampler.flush(this.#scratch, made);
        this.#finals.push(this.#queue.length + made);
      }
      this.#queue.push(this.#scratch.subarray(0, made));
      if (piece.frames === 0) write.isEmptyTaken = true;
    }
  }

  /** Keeps the port ahead, and lets those go on who wait for room. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      do {
        this.#feed();
        const write = this.#writes[0];
        if (!write) break;
        this.#take(write);
        if (!write.isTaken) break;
        this.#writes.shift();
        write.done.resolve();
      } while (true);
      this.#feed();
    } finally {
      this.#pumping = false;
    }
    if (this.#isDrained()) this.#settleDrains();
  }

  #feed(): void {
    const binding = this.#binding;
    if (!binding) return;
    while (this.#queue.length > 0 && this.#aheadOfPlayout() < this.#aheadMs) {
      const end = this.#finals[0] ?? Infinity;
      const samples = this.#queue.peek(Math.min(this.#pieceSamples, end));
      this.#push(binding, samples, samples.length === end);
      this.#queue.consume(samples.length);
      for (let index = 0; index < this.#finals.length; index++) {
        this.#finals[index]! -= samples.length;
      }
      if (samples.length === end) this.#finals.shift();
    }
    if (this.#queue.length === 0 && this.#finals.length > 0) {
      this.#finals = [];
      this.#push(binding, new Int16Array(0), true);
    }
  }

  #push(binding: Binding, samples: Int16Array, final: boolean): void {
    binding.pushedMs += this.#toMs(samples.length);
    binding.port.push(samples, this.#epoch, { final });
  }

  /** How far the port is ahead of what it has played, the samples on their way included. */
  #aheadOfPlayout(): number {
    const binding = this.#binding;
    if (!binding) return 0;
    const ms = binding.pushedMs - binding.playedMs - binding.trimmedMs;
    // Sums of fractions of a millisecond: less than half a sample is nothing.
    return ms < 500 / this.sampleRate ? 0 : ms;
  }

  #isDrained(): boolean {
    return this.#queue.length === 0 && this.#writes.length === 0 && this.#aheadOfPlayout() === 0;
  }

  #settleDrains(): void {
    for (const drained of this.#drains) drained.resolve();
  }

  #forgetWaiting(): void {
    this.#queue.clear();
    this.#finals = [];
    this.#resampler?.reset();
    for (const write of this.#writes.splice(0)) write.done.resolve();
    this.#settleDrains();
  }

  #toMs(samples: number): number {
    return samples * 1000 / this.sampleRate;
  }
}

/**
 * A promise whose rejection is told to whoever awaits it, but ends no program where nobody does: a
 * word that came too late for a call that is over.
 */
function quietly(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}

/** A write that is not in the queue yet, or not all of it. */
class PendingWrite {
  readonly done: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  /** Frames that are in the queue. */
  taken = 0;
  isEmptyTaken = false;

  constructor(public pcm: PcmChunk, readonly final: boolean) {}

  get isTaken(): boolean {
    return this.taken >= this.pcm.frames && (this.pcm.frames > 0 || this.isEmptyTaken);
  }

  get remainingMs(): number {
    return (this.pcm.frames - this.taken) * 1000 / this.pcm.sampleRate;
  }

  /** The next piece of at most `ms`: a view. */
  next(ms: number): PcmChunk {
    const { samples, channels, sampleRate, frames } = this.pcm;
    const count = Math.min(frames - this.taken, Math.ceil(sampleRate * ms / 1000));
    if (count === frames) return this.pcm;
    const start = this.taken * channels;
    return new PcmChunk(samples.subarray(start, start + count * channels), this.pcm);
  }

  /** Copies what is left: the caller's samples are only valid while `write` runs. */
  keep(): void {
    const rest = this.pcm.samples.slice(this.taken * this.pcm.channels);
    this.pcm = new PcmChunk(rest, this.pcm);
    this.taken = 0;
  }
}

/** A port, and what is known of it in the current epoch. */
class Binding {
  readonly #lost = Promise.withResolvers<undefined>();
  pushedMs = 0;
  playedMs = 0;
  trimmedMs = 0;
  heardDelayMs = 0;
  /** When something was last played, as far as is known. */
  progressAt: number;

  constructor(readonly port: PlayoutPort, now: number) {
    this.progressAt = now;
  }

  take(report: PlayoutReport, now: number): void {
    if (report.playedMs > this.playedMs) this.progressAt = now;
    this.playedMs = Math.max(this.playedMs, report.playedMs);
    this.trimmedMs = Math.max(this.trimmedMs, report.trimmedMs);
    this.heardDelayMs = report.heardDelayMs;
  }

  /** Starts counting anew; gives what was known of the epoch that ends. */
  beginEpoch(): { pushedMs: number; playedMs: number; trimmedMs: number } {
    const { pushedMs, playedMs, trimmedMs } = this;
    this.pushedMs = this.playedMs = this.trimmedMs = 0;
    return { pushedMs, playedMs, trimmedMs };
  }

  /** The port's answer, or `known` when it is lost before it answers. */
  async flush(epoch: number, known: FlushResult): Promise<FlushResult> {
    return await Promise.race([this.port.flush(epoch), this.#lost.promise]) ?? known;
  }

  lose(): void {
    this.#lost.resolve(undefined);
  }
}
