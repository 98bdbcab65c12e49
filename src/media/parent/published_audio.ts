/** An audio track that the agent publishes. @module */
import type { AudioTrack, AudioTrackMode, SinkBinding } from "../../edge/audio_track.ts";
import type { PlayoutReportFrame, RowReader } from "../wire/audio_frames.ts";
import type { ChildLink } from "./child_link.ts";
import { RemotePlayoutSink } from "./remote_playout_sink.ts";

/** The agent's audio track on its way to the media process. */
export class PublishedAudio implements Disposable {
  readonly track: AudioTrack;
  readonly #sink: RemotePlayoutSink;
  #link: ChildLink;
  readonly #binding: SinkBinding;
  /** How much of the track had been played before it was published here. */
  #playedBeforeMs: number;

  constructor(
    track: AudioTrack,
    options: { link: ChildLink; connectionId: number; stream: number },
  ) {
    const { link, connectionId, stream } = options;
    this.track = track;
    this.#link = link;
    this.#sink = new RemotePlayoutSink(link, connectionId, stream);
    this.#playedBeforeMs = track.playedMs;
    // First, since it refuses a track whose participant has left meanwhile.
    this.#binding = track.bind(this.#sink);
    // The child learns of the stream before its first sample: control goes first.
    link.writer.addAudio(this.#sink);
  }

  /** The track as the media process needs to know it. */
  get description(): { stream: number; mode: AudioTrackMode; epoch: number; paused: boolean } {
    const { stream, isPaused: paused } = this.#sink;
    return { stream, mode: this.track.mode, epoch: this.track.epoch, paused };
  }

  /** The same of a track that one participant hears. */
  get directedDescription(): PublishedAudio["description"] & { to: string; othersGain: number } {
    const { to, othersGain = 1 } = this.track;
    return { ...this.description, to: to!.id, othersGain };
  }

  /** How much of the track had been played when a row was recorded, if the row says. */
  playedAt({ stream, playedMs }: RowReader): number | undefined {
    if (stream !== this.#sink.stream || Number.isNaN(playedMs)) return undefined;
    return this.#playedBeforeMs + playedMs;
  }

  /** Takes a report of the playout; ignores one of another track. */
  report(report: PlayoutReportFrame, heardDelayMs: number): void {
    if (report.stream !== this.#sink.stream) return;
    this.#binding.report({ ...this.#sink.progress(report), heardDelayMs });
  }

  /** Goes on in another process, with what the last one had not played. */
  reopen(link: ChildLink): void {
    this.#link = link;
    this.#sink.reopen(link);
    link.writer.addAudio(this.#sink);
    this.#playedBeforeMs = this.track.playedMs;
  }

  /** Stops sending; the track itself belongs to its publisher. */
  [Symbol.dispose](): void {
    this.#binding[Symbol.dispose]();
    this.#link.writer.removeAudio(this.#sink);
  }
}
