import type { AudioTrack, AudioTrackMode, SinkBinding } from "../../edge/audio_track.ts";
import type { Report, RowReader } from "../wire/audio_frames.ts";
import type { ChildLink } from "./child_link.ts";
import { RemotePlayoutSink } from "./remote_playout_sink.ts";

/** What the agent says on its way to the media process. */
export class PublishedAudio implements Disposable {
  readonly track: AudioTrack;
  readonly #port: RemotePlayoutSink;
  readonly #link: ChildLink;
  readonly #binding: SinkBinding;
  /** What had been played of the track before it was published here. */
  readonly #playedBeforeMs: number;

  constructor(
    track: AudioTrack,
    options: { link: ChildLink; connectionId: number; stream: number },
  ) {
    const { link, connectionId, stream } = options;
    this.track = track;
    this.#link = link;
    this.#port = new RemotePlayoutSink(link, connectionId, stream, track.epoch);
    // The port must be known on the other side before the first sample comes: control goes first.
    link.writer.addSound(this.#port);
    this.#playedBeforeMs = track.playedMs;
    this.#binding = track.bind(this.#port);
  }

  /** What the media process needs to know of it. */
  get announcement(): { stream: number; mode: AudioTrackMode; epoch: number; paused: boolean } {
    const { stream, isPaused: paused } = this.#port;
    return { stream, mode: this.track.mode, epoch: this.track.epoch, paused };
  }

  /** How much of the track had been played when a row was heard, if the row tells. */
  playedAt({ stream, playedMs }: RowReader): number | undefined {
    if (stream !== this.#port.stream || Number.isNaN(playedMs)) return undefined;
    return this.#playedBeforeMs + playedMs;
  }

  /** Takes a report of the playout; one of another track is ignored. */
  report(report: Report, heardDelayMs: number): void {
    if (report.stream === this.#port.stream) this.#binding.report({ ...report, heardDelayMs });
  }

  /** Stops sending; the track itself belongs to whoever published it. */
  [Symbol.dispose](): void {
    this.#binding[Symbol.dispose]();
    this.#link.writer.removeSound(this.#port);
  }
}
