/** What an agent publishes in its call: its audio, tracks to one participant each, its video. */
import type { AudioTrack } from "../../edge/audio_track.ts";
import type { PublishedTracks } from "../../edge/call_connection.ts";
import type { Clock } from "../../events/clock.ts";
import type { PlayoutReportFrame, RowReader } from "../wire/audio_frames.ts";
import { PictureSender } from "../wire/video_frames.ts";
import type { ChildLink } from "./child_link.ts";
import { PublishedAudio } from "./published_audio.ts";
import { PublishedVideo } from "./published_video.ts";

/** What {@linkcode PublishedMedia} works with. */
export interface PublishedMediaInit {
  connectionId: number;
  /** Numbers the streams of the connection. */
  nextStream(): number;
  clock: Clock;
  onVideoError(error: unknown): void;
}

/** The tracks that a connection publishes through the media process. */
export class PublishedMedia implements Disposable {
  readonly #init: PublishedMediaInit;
  #link: ChildLink;
  #audio: PublishedAudio | undefined;
  /** The tracks that one participant hears each. */
  readonly #directed = new Map<AudioTrack, PublishedAudio>();
  #video: PublishedVideo | undefined;

  constructor(link: ChildLink, init: PublishedMediaInit) {
    this.#link = link;
    this.#init = init;
  }

  /** Whether there is nothing to publish. */
  get isEmpty(): boolean {
    return this.#audio === undefined && this.#directed.size === 0 && this.#video === undefined;
  }

  /** Takes these tracks, and no others any longer; those to one participant stay. */
  setTracks({ audio, video }: PublishedTracks): void {
    if (audio !== this.#audio?.track) {
      this.#audio?.[Symbol.dispose]();
      // A track may refuse: what was published before is gone all the same.
      this.#audio = undefined;
      if (audio !== undefined) this.#audio = this.#publish(audio);
    }
    if (video !== this.#video?.track) {
      this.#video?.[Symbol.dispose]();
      const { connectionId, nextStream, clock, onVideoError: onError } = this.#init;
      this.#video = video && new PublishedVideo(
        video,
        new PictureSender(connectionId, nextStream()),
        { writer: this.#link.writer, clock, onError },
      );
    }
  }

  /** Takes a track that one participant hears. */
  addDirected(track: AudioTrack): void {
    this.#directed.set(track, this.#publish(track));
  }

  /** Returns whether it had the track. */
  removeDirected(track: AudioTrack): boolean {
    this.#directed.get(track)?.[Symbol.dispose]();
    return this.#directed.delete(track);
  }

  /** The streams as the media process needs to know them. */
  get description() {
    return {
      audio: this.#audio?.description ?? null,
      directed: [...this.#directed.values()].map((one) => one.directedDescription),
      video: this.#video === undefined ? null : { stream: this.#video.stream },
    };
  }

  /** Goes on in another process. */
  reopen(link: ChildLink): void {
    this.#link = link;
    this.#audio?.reopen(link);
    for (const audio of this.#directed.values()) audio.reopen(link);
    this.#video?.reopen(link.writer);
  }

  /** Takes the media process's report on what was played. */
  report(report: PlayoutReportFrame, heardDelayMs: number): void {
    this.#audio?.report(report, heardDelayMs);
    for (const audio of this.#directed.values()) audio.report(report, heardDelayMs);
  }

  /** How much of the agent's audio had been played when a row was heard; `undefined` without any. */
  playedAt(row: RowReader): number | undefined {
    return this.#audio?.playedAt(row);
  }

  [Symbol.dispose](): void {
    this.setTracks({});
    for (const audio of this.#directed.values()) audio[Symbol.dispose]();
    this.#directed.clear();
  }

  #publish(track: AudioTrack): PublishedAudio {
    const { connectionId, nextStream } = this.#init;
    return new PublishedAudio(track, { link: this.#link, connectionId, stream: nextStream() });
  }
}
