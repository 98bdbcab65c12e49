import type {
  FlushResult,
  PlayoutChunk,
  PlayoutSink,
  PlayoutSource,
} from "../../edge/audio_track.ts";
import { writeAgentAudio } from "../wire/audio_frames.ts";
import type { FrameBuffer } from "../wire/frame_buffer.ts";
import type { FrameSource } from "../wire/frame_writer.ts";
import { ROOM_RATE, samplesToMs } from "../wire/time.ts";
import type { ChildLink } from "./child_link.ts";

/**
 * The sink of the agent's audio track: plays it out over the wire, into the media process's ring. It
 * reads from the track when the wire has room, and holds one chunk at most.
 */
export class RemotePlayoutSink implements PlayoutSink, FrameSource {
  readonly sampleRate = ROOM_RATE;
  /** The number of this binding on the wire: the child drops what an earlier one left on its way. */
  readonly stream: number;
  readonly #link: ChildLink;
  readonly #connectionId: number;
  #source: PlayoutSource | undefined;
  /** The chunk that goes out next. */
  #chunk: PlayoutChunk | undefined;
  /** Samples of the current epoch that were read. */
  #readSamples = 0;
  #paused = false;

  constructor(link: ChildLink, connectionId: number, stream: number) {
    this.#link = link;
    this.#connectionId = connectionId;
    this.stream = stream;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  onReady(source: PlayoutSource): void {
    this.#source = source;
    this.#link.writer.wake();
  }

  async flush(epoch: number): Promise<FlushResult> {
    const readMs = samplesToMs(this.#readSamples);
    this.#readSamples = 0;
    this.#chunk = undefined;
    const connection = this.#connectionId;
    const { stream } = this;
    const { playedMs, trimmedMs } = await this.#link.request("flush", {
      connection,
      stream,
      epoch,
    });
    return { playedMs, discardedMs: Math.max(0, readMs - playedMs - trimmedMs) };
  }

  pause(): void {
    this.#setPaused(true);
  }

  resume(): void {
    this.#setPaused(false);
  }

  get hasFrame(): boolean {
    if (this.#chunk === undefined) {
      this.#chunk = this.#source?.read();
      this.#readSamples += this.#chunk?.samples.length ?? 0;
    }
    return this.#chunk !== undefined;
  }

  writeFrame(out: FrameBuffer): boolean {
    const chunk = this.#chunk;
    if (chunk === undefined) return false;
    const { samples, epoch, final } = chunk;
    const { stream } = this;
    const audio = { connectionId: this.#connectionId, stream, epoch, final, samples };
    if (!writeAgentAudio(out, audio)) return false;
    this.#chunk = undefined;
    return true;
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    const { stream } = this;
    this.#link.send({ type: "pause", connection: this.#connectionId, stream, paused });
  }
}
