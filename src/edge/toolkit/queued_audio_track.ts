/** The audio track that every edge uses. @module */
import type {
  AudioTrack,
  AudioTrackMode,
  AudioTrackOptions,
  FlushResult,
  PlayoutChunk,
  PlayoutSink,
  PlayoutSource,
  SinkBinding,
} from "../audio_track.ts";
import type { AudioKernel } from "../../audio/kernel.ts";
import { filterShape } from "../../audio/filter.ts";
import { assertPcmChunk, assertSampleRate, type PcmChunk } from "../../audio/pcm_chunk.ts";
import { typescriptKernel } from "../../audio/typescript_kernel.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { UserHook } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { checkAddressee } from "../directed_audio.ts";
import { ClosedError, EdgeError } from "../errors.ts";
import type { Participant } from "../types.ts";
import { PendingWrite } from "./pending_write.ts";
import { TrackPlayout } from "./track_playout.ts";
import { TrackQueue } from "./track_queue.ts";
import { checkMethods, checkOptions, shown } from "../../events/checks.ts";

/** Options for a {@linkcode QueuedAudioTrack}. */
export interface QueuedAudioTrackOptions extends AudioTrackOptions {
  /** The track's id. Default: a new one. */
  id?: string;
  /** Samples per second of the sinks it can be bound to. Default 48,000. */
  sampleRate?: number;
  /** How far ahead the sink is kept, in milliseconds. Default 1500: enough for a stall of a second. */
  aheadMs?: number;
  /** How much more may wait before `write` does, in milliseconds. Default 1000. */
  waitingMs?: number;
  /** Resamples. Default: the TypeScript kernel. */
  kernel?: AudioKernel;
  /** The source of time. Default: the machine's clock. */
  clock?: Clock;
  /** Called with errors of sinks and invalid writes, at most once a second. Default: the console. */
  onError?: (error: unknown) => void;
}

const OPTIONS = {
  mode: true,
  to: true,
  othersGain: true,
  id: true,
  sampleRate: true,
  aheadMs: true,
  waitingMs: true,
  kernel: true,
  clock: true,
  onError: true,
} as const;

const WRITE_OPTIONS = { final: true, signal: true } as const;

/** The most audio that a track keeps, ahead or waiting: more than any use needs, in milliseconds. */
const MAX_KEPT_MS = 600_000;
/** The most writes that may wait: more means that the program does not await them. */
const MAX_WAITING_WRITES = 256;

/**
 * The {@linkcode AudioTrack} that every edge uses: it resamples the audio, holds about a second of
 * it, and keeps its sink about 1.5 s ahead.
 */
export class QueuedAudioTrack implements AudioTrack {
  readonly id: string;
  /** How it is played out. */
  readonly mode: AudioTrackMode;
  readonly to?: Participant;
  readonly othersGain?: number;
  readonly sampleRate: number;
  /** Resolves when the track is closed. Never rejects. */
  readonly closed: Promise<void>;
  readonly #ended = Promise.withResolvers<void>();
  readonly #clock: Clock;
  readonly #aheadMs: number;
  readonly #queue: TrackQueue;
  readonly #playout: TrackPlayout;
  readonly #writes: PendingWrite[] = [];
  readonly #drains = new Set<PromiseWithResolvers<void>>();
  readonly #invalidWrites: UserHook;
  #paused = false;
  #closed = false;
  #pumping = false;

  /**
   * Creates a track that is not bound to a sink yet.
   *
   * @throws {TypeError | RangeError} an option is not what it should be: `aheadMs` and `waitingMs` are
   *   0 to 600,000
   */
  constructor(options: QueuedAudioTrackOptions = {}) {
    checkOptions(options, "options", OPTIONS, 'an object like { mode: "live" }, or nothing');
    const { sampleRate = 48_000, aheadMs = 1500, waitingMs = 1000, mode = "speech" } = options;
    if (mode !== "speech" && mode !== "live") {
      throw new TypeError(`mode: expected "speech" or "live", got ${JSON.stringify(mode)}`);
    }
    assertSampleRate(sampleRate);
    checkMs("aheadMs", aheadMs);
    checkMs("waitingMs", waitingMs);
    checkAddressee(options);
    this.closed = this.#ended.promise;
    this.to = options.to;
    this.othersGain = options.othersGain;
    this.id = options.id ?? crypto.randomUUID();
    this.mode = mode;
    this.sampleRate = sampleRate;
    this.#aheadMs = aheadMs;
    this.#clock = options.clock ?? systemClock;
    const kernel = options.kernel ?? typescriptKernel();
    this.#queue = new TrackQueue({ sampleRate, waitingMs, kernel });
    const { onError = (error: unknown) => console.error(error) } = options;
    this.#playout = new TrackPlayout(sampleRate, this.#clock, onError);
    const report = onError;
    this.#invalidWrites = new UserHook(() => {}, { clock: this.#clock, report, context: "write" });
  }

  get epoch(): number {
    return this.#playout.epoch;
  }

  get bufferedMs(): number {
    return this.#waitingMs() + this.#playout.aheadMs;
  }

  get playedMs(): number {
    return this.#playout.playedMs;
  }

  get trimmedMs(): number {
    return this.#playout.trimmedMs;
  }

  get heardMs(): number {
    return this.#playout.heardMs;
  }

  write(pcm: PcmChunk, options: { final?: boolean; signal?: AbortSignal } = {}): Promise<void> {
    try {
      checkOptions(
        options,
        "the options of write",
        WRITE_OPTIONS,
        "an object like { final: true }",
      );
      assertPcmChunk(pcm, "pcm");
      // Checked now: a write that cannot be resampled must not block the queue.
      filterShape(pcm.sampleRate, this.sampleRate);
    } catch (error) {
      return this.#refuse(error);
    }
    const { final = false, signal } = options;
    if (this.#closed) return withoutUnhandled(Promise.reject(new ClosedError("the audio track")));
    if (signal?.aborted) return withoutUnhandled(Promise.reject(signal.reason));
    if (this.#writes.length >= MAX_WAITING_WRITES) {
      const message =
        `write queue full (${MAX_WAITING_WRITES} waiting): await write() before the next`;
      const error = new EdgeError(message, { code: "write-overflow", retryable: true });
      return this.#refuse(error);
    }
    const write = new PendingWrite(pcm, final);
    if (this.#writes.length === 0) {
      this.#queue.take(write);
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
    return withoutUnhandled(write.done.promise);
  }

  async flush(): Promise<FlushResult> {
    const waitingMs = this.#waitingMs();
    this.#discardWaiting();
    const { playedMs, discardedMs } = await this.#playout.flush();
    return { playedMs, discardedMs: waitingMs + discardedMs };
  }

  async drain(options: { signal?: AbortSignal } = {}): Promise<void> {
    checkOptions(options, "options", { signal: true }, "an object like { signal }, or nothing");
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
    this.#playout.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#playout.resume();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended.resolve();
    for (const write of this.#writes.splice(0)) write.done.reject(new ClosedError("the track"));
    // The result is not needed, and a failure means that the sink is gone.
    if (this.#playout.isBound) this.flush().catch(() => {});
    this.#discardWaiting();
    this.#playout.unbind();
    this.#queue[Symbol.dispose]();
  }

  bind(sink: PlayoutSink): SinkBinding {
    const methods = ["onReady", "flush", "pause", "resume"];
    checkMethods(sink, "sink", "a PlayoutSink", methods);
    if (this.#closed) throw new ClosedError("the audio track");
    const source: PlayoutSource = { read: () => this.#read(source) };
    const binding = this.#playout.bind(sink, source);
    if (this.#paused) this.#playout.pause();
    this.#pump();
    return {
      report: (report) => {
        if (this.#playout.take(binding, report)) this.#pump();
      },
      [Symbol.dispose]: () => {
        if (this.#playout.unbind(binding)) this.#settleDrains();
      },
    };
  }

  /** Reports an invalid write as well as rejecting: the program may not await its writes. */
  #refuse(error: unknown): Promise<void> {
    this.#invalidWrites.fail(error);
    return withoutUnhandled(Promise.reject(error));
  }

  /** Lets the sink read the audio that is due, and queues waiting writes while there is room. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      this.#refill();
      if (this.#isDue()) this.#playout.wake();
    } finally {
      this.#pumping = false;
    }
    if (this.#isDrained()) this.#settleDrains();
  }

  #refill(): void {
    for (let write = this.#writes[0]; write; write = this.#writes[0]) {
      this.#queue.take(write);
      if (!write.isTaken) return;
      this.#writes.shift();
      write.done.resolve();
    }
  }

  /**
   * Returns whether the sink may read: up to `aheadMs`, and always the end of an utterance. The sink of
   * a live track reads everything: it decides what is late.
   */
  #isDue(): boolean {
    if (this.#queue.isEmpty) return this.#queue.isAtEnd;
    return this.mode === "live" || this.#playout.aheadMs < this.#aheadMs;
  }

  #read(source: PlayoutSource): PlayoutChunk | undefined {
    if (!this.#playout.isReadBy(source) || !this.#isDue()) return undefined;
    const chunk = this.#queue.read();
    if (!chunk) return undefined;
    const { samples, final } = chunk;
    this.#playout.countRead(samples.length);
    this.#refill();
    return { samples, final, epoch: this.#playout.epoch };
  }

  /** Returns the audio that was written and has not been read. */
  #waitingMs(): number {
    let ms = this.#queue.durationMs;
    for (const write of this.#writes) ms += write.remainingMs;
    return ms;
  }

  #isDrained(): boolean {
    return this.#queue.isEmpty && this.#writes.length === 0 && this.#playout.aheadMs === 0;
  }

  #settleDrains(): void {
    for (const drained of this.#drains) drained.resolve();
  }

  #discardWaiting(): void {
    this.#queue.clear();
    for (const write of this.#writes.splice(0)) write.done.resolve();
    this.#settleDrains();
  }
}

function checkMs(name: string, ms: unknown): void {
  if (typeof ms === "number" && ms >= 0 && ms <= MAX_KEPT_MS) return;
  throw new RangeError(`${name}: expected 0 to ${MAX_KEPT_MS} ms, got ${shown(ms)}`);
}

/**
 * Returns the promise. Its rejection no longer ends a program that does not await it, for instance
 * when a write comes too late for a call that is over.
 */
function withoutUnhandled(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}
