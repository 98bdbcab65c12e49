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
import { ClosedError, EdgeError } from "../errors.ts";
import { PendingWrite } from "./pending_write.ts";
import { TrackPlayout } from "./track_playout.ts";
import { UtteranceQueue } from "./utterance_queue.ts";
import { checkMethods, checkObject, shown } from "../../events/checks.ts";

/** How a {@linkcode QueuedAudioTrack} is made. */
export interface QueuedAudioTrackOptions extends AudioTrackOptions {
  /** Identifies it; made up unless given. */
  id?: string;
  /** Samples a second of the sinks it can be bound to. Default 48,000. */
  sampleRate?: number;
  /** How far the sink is kept ahead. Default 400: enough for an agent that stalls 200 ms. */
  aheadMs?: number;
  /** What may wait beyond that before `write` waits. Default 1000. */
  waitingMs?: number;
  /** Who resamples. Default: the TypeScript kernel. */
  kernel?: AudioKernel;
  /** Where time comes from. Default: the machine's clock. */
  clock?: Clock;
  /** Takes what a sink fails with and what `write` refuses, at most once a second. Default: the console. */
  onFailure?: (error: unknown) => void;
}

/** How many writes may wait: more means that somebody does not await them. */
const MAX_WAITING_WRITES = 256;

/**
 * The {@linkcode AudioTrack} that every edge uses: resamples what is written, holds about a second
 * of it, and keeps the sink that it is bound to about 400 ms ahead.
 */
export class QueuedAudioTrack implements AudioTrack {
  readonly id: string;
  /** How it is played out. */
  readonly mode: AudioTrackMode;
  readonly sampleRate: number;
  readonly #clock: Clock;
  readonly #aheadMs: number;
  readonly #queue: UtteranceQueue;
  readonly #playout: TrackPlayout;
  readonly #writes: PendingWrite[] = [];
  readonly #drains = new Set<PromiseWithResolvers<void>>();
  readonly #slips: UserHook;
  #paused = false;
  #closed = false;
  #pumping = false;

  /** Makes a queued audio track. */
  constructor(options: QueuedAudioTrackOptions = {}) {
    checkObject(options, "options", 'an object like { mode: "live" }, or nothing');
    const { sampleRate = 48_000, aheadMs = 400, waitingMs = 1000, mode = "speech" } = options;
    if (mode !== "speech" && mode !== "live") {
      throw new TypeError(`mode must be "speech" or "live", got ${JSON.stringify(mode)}`);
    }
    assertSampleRate(sampleRate);
    this.id = options.id ?? crypto.randomUUID();
    this.mode = mode;
    this.sampleRate = sampleRate;
    this.#aheadMs = aheadMs;
    this.#clock = options.clock ?? systemClock;
    const kernel = options.kernel ?? typescriptKernel();
    this.#queue = new UtteranceQueue({ sampleRate, waitingMs, kernel });
    const { onFailure = (error: unknown) => console.error(error) } = options;
    this.#playout = new TrackPlayout(sampleRate, this.#clock, onFailure);
    const report = onFailure;
    this.#slips = new UserHook(() => {}, { clock: this.#clock, report, context: "write" });
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
    if (typeof options !== "object" || options === null) {
      const got = `expected an object like { final: true }, got ${shown(options)}`;
      return this.#refused(new TypeError(`the options of write: ${got}`));
    }
    const { final = false, signal } = options;
    try {
      assertPcmChunk(pcm, "pcm");
      // Now, and not when its turn comes: what cannot be resampled must not stand in the way.
      filterShape(pcm.sampleRate, this.sampleRate);
    } catch (error) {
      return this.#refused(error);
    }
    if (this.#closed) return quietly(Promise.reject(new ClosedError("the audio track")));
    if (signal?.aborted) return quietly(Promise.reject(signal.reason));
    if (this.#writes.length >= MAX_WAITING_WRITES) {
      const message = `${MAX_WAITING_WRITES} writes wait already: await write() before the next`;
      const error = new EdgeError(message, { code: "write-overflow", retryable: true });
      return this.#refused(error);
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
    return quietly(write.done.promise);
  }

  async flush(): Promise<FlushResult> {
    const waitingMs = this.#waitingMs();
    this.#forgetWaiting();
    const { playedMs, discardedMs } = await this.#playout.flush();
    return { playedMs, discardedMs: waitingMs + discardedMs };
  }

  async drain(options: { signal?: AbortSignal } = {}): Promise<void> {
    checkObject(options, "options", "an object like { signal }, or nothing");
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
    for (const write of this.#writes.splice(0)) write.done.reject(new ClosedError("the track"));
    // Its answer is of no interest, and its failure is that of a sink that is gone.
    if (this.#playout.isBound) this.flush().catch(() => {});
    this.#forgetWaiting();
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

  /** What is a slip is told as well: a program that does not await what it writes would not know. */
  #refused(error: unknown): Promise<void> {
    this.#slips.fail(error);
    return quietly(Promise.reject(error));
  }

  /** Lets the sink read what is due, and takes in the writes that wait for room. */
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

  /** Whether the sink may read: it is kept ahead so far, and the end of an utterance always goes. */
  #isDue(): boolean {
    if (this.#queue.isEmpty) return this.#queue.isAtEnd;
    return this.#playout.aheadMs < this.#aheadMs;
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

  /** What was written and has not been read. */
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

  #forgetWaiting(): void {
    this.#queue.clear();
    for (const write of this.#writes.splice(0)) write.done.resolve();
    this.#settleDrains();
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
