/** Plays an audio track in the media process. @module */
import type {
  FlushResult,
  PlayoutChunk,
  PlayoutSink,
  PlayoutSource,
} from "../../edge/audio_track.ts";
import { type PlayoutReportFrame, writeAgentAudio } from "../wire/audio_frames.ts";
import type { FrameBuffer } from "../wire/frame_buffer.ts";
import type { FrameSource } from "../wire/frame_writer.ts";
import { ROOM_RATE, samplesToMs } from "../wire/time.ts";
import type { ChildLink } from "./child_link.ts";
import { UnplayedAudio } from "./unplayed_audio.ts";

/** How much of an epoch a playout has played and trimmed. */
interface Progress {
  playedMs: number;
  trimmedMs: number;
}

/**
 * The sink of the agent's audio track: plays it out over the wire, into the media process's ring. It
 * reads from the track when the wire has room, and keeps what is not known to be played: another process
 * plays it when this one is lost.
 */
export class RemotePlayoutSink implements PlayoutSink, FrameSource {
  readonly sampleRate = ROOM_RATE;
  /** The number of this binding on the wire: the child drops what an earlier one left on its way. */
  readonly stream: number;
  #link: ChildLink;
  readonly #connectionId: number;
  readonly #unplayed = new UnplayedAudio();
  #source: PlayoutSource | undefined;
  #epoch: number | undefined;
  /** Samples of the current epoch that were read. */
  #readSamples = 0;
  /** The progress of the current epoch in earlier processes, and in all. */
  #before: Progress = { playedMs: 0, trimmedMs: 0 };
  #total: Progress = { playedMs: 0, trimmedMs: 0 };
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

  /** Returns a report as one about the whole epoch. */
  progress(report: PlayoutReportFrame): PlayoutReportFrame {
    const playedMs = this.#before.playedMs + report.playedMs;
    const trimmedMs = this.#before.trimmedMs + report.trimmedMs;
    if (this.#epoch === undefined || report.epoch === this.#epoch) {
      this.#total = { playedMs, trimmedMs };
      this.#unplayed.passed(playedMs + trimmedMs);
    }
    return { ...report, playedMs, trimmedMs };
  }

  /** Goes on in another process: plays what the last one is not known to have played. */
  reopen(link: ChildLink): void {
    this.#link = link;
    this.#before = this.#total;
    this.#unplayed.rewind();
  }

  async flush(epoch: number): Promise<FlushResult> {
    const link = this.#link;
    const { stream } = this;
    const readMs = samplesToMs(this.#readSamples);
    const before = this.#before;
    const known = this.#total;
    this.#epoch = epoch;
    this.#readSamples = 0;
    this.#before = this.#total = { playedMs: 0, trimmedMs: 0 };
    this.#unplayed.clear();
    const { playedMs, trimmedMs } = await link.request("flush", {
      connection: this.#connectionId,
      stream,
      epoch,
    }).then(
      ({ playedMs, trimmedMs }) => ({
        playedMs: before.playedMs + playedMs,
        trimmedMs: before.trimmedMs + trimmedMs,
      }),
      (error) => {
        if (link.lost === undefined) throw error;
        return known;
      },
    );
    return { playedMs, discardedMs: Math.max(0, readMs - playedMs - trimmedMs) };
  }

  pause(): void {
    this.#setPaused(true);
  }

  resume(): void {
    this.#setPaused(false);
  }

  get hasFrame(): boolean {
    if (this.#unplayed.hasNext) return true;
    const chunk = this.#source?.read();
    if (chunk === undefined) return false;
    this.#readSamples += chunk.samples.length;
    this.#unplayed.add(chunk);
    return true;
  }

  writeFrame(out: FrameBuffer): boolean {
    const chunk: PlayoutChunk | undefined = this.#unplayed.next;
    if (chunk === undefined) return false;
    const { samples, epoch, final } = chunk;
    const { stream } = this;
    const audio = { connectionId: this.#connectionId, stream, epoch, final, samples };
    if (!writeAgentAudio(out, audio)) return false;
    this.#unplayed.sent();
    return true;
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    const { stream } = this;
    this.#link.send({ type: "pause", connection: this.#connectionId, stream, paused });
  }
}
