/**
 * What the agent says: the track it writes to, and the sink through which an edge plays it out.
 *
 * @module
 */
import type { PcmChunk } from "../audio/pcm_chunk.ts";

/**
 * How a track is played out. `speech` is written ahead and never trimmed. `live` (echo,
 * interpreters) follows its source: depth that builds up is taken out again, slowly, and counted.
 */
export type AudioTrackMode = "speech" | "live";

/** What a flush found. */
export interface FlushResult {
  /** How much of what was written since the flush before had been played. */
  playedMs: number;
  /** How much of it was thrown away. */
  discardedMs: number;
}

/**
 * Audio that the agent says. PCM of any rate and number of channels is written, plays out in real
 * time, and nothing of it is ever dropped unless it is flushed.
 */
export interface OutboundAudioTrack {
  /** Unique within the edge. */
  readonly id: string;
  /** How it is played out. */
  readonly mode: AudioTrackMode;

  /**
   * Says `pcm` after everything that was written before it. Resolves while less than a second waits
   * to be played beyond what the edge holds, and waits for that otherwise. `pcm` need only be valid
   * until `write` returns, before its promise settles.
   *
   * A write that a flush overtakes resolves too: what is left of it is discarded and counted in the
   * flush's `discardedMs`. A write that is refused rejects, which ends no program that does not await
   * it; what is wrong with it is told as an event too.
   *
   * @param options `final`: an utterance ends here, so that nothing is held back for what follows.
   * @throws the signal's reason when aborted (what already went to the edge is still said),
   *   `ClosedError` when the track is closed, a `TypeError` or `RangeError` when `pcm` is no chunk or
   *   its rate cannot be resampled to the track's.
   */
  write(pcm: PcmChunk, options?: { final?: boolean; signal?: AbortSignal }): Promise<void>;

  /**
   * Falls silent at once and forgets everything that has not been played. What is written
   * afterwards belongs to a new epoch. Pausing is not touched.
   */
  flush(): Promise<FlushResult>;

  /** Resolves when everything written so far was played, or flushed, or the track closed. */
  drain(options?: { signal?: AbortSignal }): Promise<void>;

  /** Falls silent and keeps what has not been played. Idempotent. */
  pause(): void;
  /** Goes on where it was paused. Idempotent. */
  resume(): void;

  /** Written and not yet played, in milliseconds. */
  readonly bufferedMs: number;
  /** All that was played, in milliseconds: real samples handed to the network, no silence. */
  readonly playedMs: number;
  /** All that the listener has heard, in milliseconds: `playedMs` less his delay, an estimate. */
  readonly heardMs: number;
  /** All that a live track had taken out to catch up, in milliseconds. */
  readonly trimmedMs: number;
  /** Changes with every flush. */
  readonly epoch: number;

  /** Ends the track; what has not been played is thrown away. Idempotent. */
  close(): void;
}

/** Options of a track. */
export interface AudioTrackOptions {
  /** Default `"speech"`. */
  mode?: AudioTrackMode;
}

/** A part of a track's audio, on its way to a sink. */
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
 * a far end in another process must keep that order.
 */
export interface PlayoutSink {
  /** Samples a second (mono) that the sink takes: the track's own rate. */
  readonly sampleRate: number;
  /**
   * Says that audio is due: read all of it from `source`, now or as soon as there is room for it. A
   * source outlives the call, until the track is unbound.
   */
  onReady(source: PlayoutSource): void;
  /**
   * Begins `epoch`: discards what older ones have left, also what arrives late, and falls silent.
   * Resolves with what was played and discarded of the epoch that ended.
   */
  flush(epoch: number): Promise<FlushResult>;
  /** Falls silent and keeps what it holds. */
  pause(): void;
  /** Goes on where it was paused. */
  resume(): void;
}

/** How far a sink's playout is. */
export interface PlayoutReport {
  /** The epoch that the figures belong to; a report of an older one is ignored. */
  epoch: number;
  /** Real samples of this epoch that were handed to the network. */
  playedMs: number;
  /** Samples of this epoch that were taken out to catch up. */
  trimmedMs: number;
  /** What lies in the playout ring now. */
  bufferedMs: number;
  /** How much later the listener hears what is played now; constant where it cannot be measured. */
  heardDelayMs: number;
}

/** A track bound to a sink. Disposing it unbinds them: what the sink still held counts as lost. */
export interface SinkBinding extends Disposable {
  /** To be called by the edge at least every 100 ms while something plays. */
  report(report: PlayoutReport): void;
}

/** An audio track as an edge sees it: one that can be published. */
export interface AudioTrack extends OutboundAudioTrack {
  /** Samples a second (mono) that the track plays out at. */
  readonly sampleRate: number;
  /**
   * Starts playing out through `sink`: what was written before, first.
   *
   * @throws {TypeError} it is bound already; a track is published once at a time.
   * @throws {RangeError} the sink's rate is another one.
   */
  bind(sink: PlayoutSink): SinkBinding;
}
