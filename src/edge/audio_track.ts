/**
 * The audio track that an agent writes to, and the sink that an edge plays it out through.
 *
 * @module
 */
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { Participant } from "./types.ts";

/**
 * How a track is played out. `speech` is written ahead and never trimmed. `live` (an echo) follows its
 * source: what the source is late by after a stall is trimmed, and counted in `trimmedMs`. Pauses go
 * first, then what exceeds a second out of the middle; the rest is compressed within five seconds. So
 * write to it only as fast as the source speaks.
 */
export type AudioTrackMode = "speech" | "live";

/** The result of a flush. */
export interface FlushResult {
  /** The audio since the previous flush that was played, in milliseconds. */
  playedMs: number;
  /** The audio that was discarded, in milliseconds. */
  discardedMs: number;
}

/**
 * The audio that an agent sends. It takes PCM of any rate and number of channels and plays it out in
 * real time. Only a flush discards audio of a `speech` track.
 */
export interface OutboundAudioTrack {
  /** Unique within the edge. */
  readonly id: string;
  /** How it is played out. */
  readonly mode: AudioTrackMode;
  /** The only participant who hears it; `undefined` where all do. */
  readonly to?: Participant;

  /**
   * Appends `pcm`. Resolves immediately while less than a second waits beyond the audio that the edge
   * holds, and otherwise once that is so. The edge holds all that is written to a `live` track. `pcm`
   * need only be valid until `write` returns, before its promise settles.
   *
   * A write that a flush overtakes resolves too: the flush discards the rest of it and counts it in
   * `discardedMs`. An invalid write rejects and causes an error event; the rejection does not end a
   * program that does not await it.
   *
   * @param options `final`: an utterance ends here, so that the resampler holds nothing back.
   * @throws the signal's reason when aborted (the edge still plays what it has read),
   *   `ClosedError` when the track is closed, a `TypeError` or `RangeError` when `pcm` is invalid or
   *   its rate cannot be resampled to the track's.
   */
  write(pcm: PcmChunk, options?: { final?: boolean; signal?: AbortSignal }): Promise<void>;

  /**
   * Stops immediately and discards all audio that has not been played. Later writes belong to a new
   * epoch. A paused track stays paused.
   */
  flush(): Promise<FlushResult>;

  /** Resolves when all audio written so far was played or flushed, or the track was closed. */
  drain(options?: { signal?: AbortSignal }): Promise<void>;

  /** Pauses, and keeps the audio that has not been played. Idempotent. */
  pause(): void;
  /** Resumes where it was paused. Idempotent. */
  resume(): void;

  /** Audio that was written and not played yet, in milliseconds. */
  readonly bufferedMs: number;
  /** All audio that was played, in milliseconds: samples sent to the network, without silence. */
  readonly playedMs: number;
  /** All audio that a listener has heard, in milliseconds: `playedMs` less an estimated delay. */
  readonly heardMs: number;
  /** All audio of a live track that was trimmed to catch up, in milliseconds. */
  readonly trimmedMs: number;
  /** The number of the current epoch: every flush begins a new one. */
  readonly epoch: number;

  /** Ends the track and discards the audio that has not been played. Idempotent. */
  close(): void;
}

/** Options for an audio track. */
export interface AudioTrackOptions {
  /** How the track is played out. Default `"speech"`. */
  mode?: AudioTrackMode;
  /**
   * The person who alone hears the track: a whisper, or their language. Default: all hear it. Not all
   * edges can do that; see `EdgeTransport.supportsDirectedAudio`.
   */
  to?: Participant;
  /**
   * How loud the person of `to` hears the other people while the track is published: 1 as ever, 0 not
   * at all. Of several tracks the least counts. Agents stay as loud as they are. Default 1.
   */
  othersGain?: number;
}

/** Options for an audio track that one person hears. */
export interface DirectedAudioOptions extends AudioTrackOptions {
  /** The person who alone hears the track. */
  to: Participant;
}

/** A chunk of a track's audio, as its sink reads it. */
export interface PlayoutChunk {
  /** 20 ms at most, maybe none: a view, valid until the next chunk is read. */
  readonly samples: Int16Array;
  /** The epoch that they belong to. */
  readonly epoch: number;
  /** Whether an utterance ends with them. */
  readonly final: boolean;
}

/** The audio of a track that is due to be played. */
export interface PlayoutSource {
  /**
   * Takes the next chunk out of the track. Returns `undefined` when nothing waits, or the sink is far
   * enough ahead of what it has played.
   */
  read(): PlayoutChunk | undefined;
}

/**
 * A sink that an edge plays a track out to. The track calls its methods in order and none may block;
 * a sink in another process must keep that order.
 */
export interface PlayoutSink {
  /** Samples per second (mono) that the sink takes: the track's own rate. */
  readonly sampleRate: number;
  /**
   * Called when audio is due: read all of it from `source`, now or as soon as there is room. The
   * source stays valid until the track is unbound.
   */
  onReady(source: PlayoutSource): void;
  /**
   * Begins `epoch`: stops, and discards the audio of older epochs, late arrivals included. Resolves
   * with the played and discarded audio of the epoch that ended.
   */
  flush(epoch: number): Promise<FlushResult>;
  /** Pauses, and keeps the audio that it holds. */
  pause(): void;
  /** Resumes where it was paused. */
  resume(): void;
}

/** The progress of a sink's playout. */
export interface PlayoutReport {
  /** The epoch that the figures belong to; a report of an older one is ignored. */
  epoch: number;
  /** Audio of this epoch that was sent to the network, without silence. */
  playedMs: number;
  /** Audio of this epoch that was trimmed to catch up. */
  trimmedMs: number;
  /** Audio that the sink holds now. */
  bufferedMs: number;
  /** The delay until a listener hears audio played now; constant where it cannot be measured. */
  heardDelayMs: number;
}

/** A track bound to a sink. Disposing it unbinds them: audio that the sink still held counts as lost. */
export interface SinkBinding extends Disposable {
  /** Reports progress. The edge calls it at least every 100 ms while audio plays. */
  report(report: PlayoutReport): void;
}

/** An audio track that an edge can publish. */
export interface AudioTrack extends OutboundAudioTrack {
  /** Samples per second (mono) that the track plays out at. */
  readonly sampleRate: number;
  /** How loud the person of `to` hears the other people while the track is published. Default 1. */
  readonly othersGain?: number;
  /** Resolves when the track is closed. Never rejects. */
  readonly closed: Promise<void>;
  /**
   * Starts playing out through `sink`, with the audio written before.
   *
   * @throws {TypeError} the track is bound already: publish a track once at a time.
   * @throws {RangeError} the sink has another sample rate.
   */
  bind(sink: PlayoutSink): SinkBinding;
}
