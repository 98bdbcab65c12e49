import type { FlushResult, PlayoutSink } from "../../edge/audio_track.ts";
import { ROOM_RATE, samplesToMs } from "../wire/time.ts";
import { SampleFifo } from "../room/sample_fifo.ts";
import { writeAgentAudio } from "../wire/audio_frames.ts";
import type { FrameBuffer } from "../wire/frame_buffer.ts";
import type { FrameSource } from "../wire/frame_writer.ts";
import type { ChildLink } from "./child_link.ts";

/** Samples in one frame of the wire: 20 ms. */
const PIECE_SAMPLES = ROOM_RATE / 50;

/**
 * Where the agent's audio track plays out to: over the wire, into the media process's ring. Nothing
 * that is pushed is dropped; the track itself sees to it that little waits here.
 */
export class RemotePlayoutSink implements PlayoutSink, FrameSource {
  readonly sampleRate = ROOM_RATE;
  /** Which binding this is: what an earlier one left on its way is not played. */
  readonly stream: number;
  readonly #link: ChildLink;
  readonly #connectionId: number;
  readonly #queue = new SampleFifo(ROOM_RATE);
  readonly #piece = new Int16Array(PIECE_SAMPLES);
  /** How many samples into the queue each utterance ends. */
  #finals: number[] = [];
  #epoch: number;
  #pushedSamples = 0;
  #paused = false;

  constructor(link: ChildLink, connectionId: number, stream: number, epoch: number) {
    this.#link = link;
    this.#connectionId = connectionId;
    this.stream = stream;
    this.#epoch = epoch;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  push(samples: Int16Array, epoch: number, options: { final: boolean }): void {
    if (epoch !== this.#epoch) return;
    this.#pushedSamples += samples.length;
    this.#queue.push(samples);
    if (options.final) this.#finals.push(this.#queue.length);
    this.#link.writer.wake();
  }

  async flush(epoch: number): Promise<FlushResult> {
    const pushedMs = samplesToMs(this.#pushedSamples);
    this.#epoch = epoch;
    this.#pushedSamples = 0;
    this.#queue.clear();
    this.#finals = [];
    const connection = this.#connectionId;
    const answer = await this.#link.request("flush", { connection, stream: this.stream, epoch });
    const { playedMs, trimmedMs } = answer as { playedMs: number; trimmedMs: number };
    return { playedMs, discardedMs: Math.max(0, pushedMs - playedMs - trimmedMs) };
  }

  pause(): void {
    this.#setPaused(true);
  }

  resume(): void {
    this.#setPaused(false);
  }

  get hasFrame(): boolean {
    return this.#queue.length > 0 || this.#finals.length > 0;
  }

  writeFrame(out: FrameBuffer): boolean {
    const end = this.#finals[0] ?? Infinity;
    const count = Math.min(PIECE_SAMPLES, this.#queue.length, end);
    const final = count === end;
    const { stream } = this;
    this.#queue.peek(this.#piece, count);
    const samples = count === PIECE_SAMPLES ? this.#piece : this.#piece.subarray(0, count);
    const audio = { connectionId: this.#connectionId, stream, epoch: this.#epoch, final, samples };
    if (!writeAgentAudio(out, audio)) return false;
    this.#queue.drop(count);
    if (final) this.#finals.shift();
    for (let index = 0; index < this.#finals.length; index++) this.#finals[index]! -= count;
    return true;
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    const { stream } = this;
    this.#link.send({ type: "pause", connection: this.#connectionId, stream, paused });
  }
}
