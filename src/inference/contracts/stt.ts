/** The contract of speech to text: a session for each speaker, audio in, events out. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Clock } from "../../events/clock.ts";
import type { Logger } from "../../events/logger.ts";
import type { Component } from "./component.ts";

/** A word of a transcript; times in milliseconds of the session's audio. */
export interface TranscribedWord {
  /** The word, with its punctuation. */
  readonly text: string;
  /** When it begins. */
  readonly startMs: number;
  /** When it ends. */
  readonly endMs: number;
  /** How certain the recogniser is, 0 to 1. */
  readonly confidence?: number;
}

/** An event of an {@linkcode SttSession}. */
export type SttEvent =
  /**
   * The recogniser's own start of speech. One that detects turns sends it for each of them, before
   * its first text or with it.
   */
  | { readonly type: "speech-started" }
  /** The text of the current segment so far. */
  | {
    readonly type: "transcript";
    /** It replaces the interim text before it. */
    readonly text: string;
    /** Whether it is final: the next transcript begins another segment. */
    readonly final: boolean;
    /** The recognised language as a BCP 47 tag, where known. */
    readonly language?: string;
    /** How certain the recogniser is, 0 to 1. */
    readonly confidence?: number;
    /** The words with their times, where known. */
    readonly words?: readonly TranscribedWord[];
  }
  /** Exactly one for each `commit()`, in order: all final text of the audio before it has come. */
  | { readonly type: "committed" }
  /** The turn is probably over: a reply may be generated, and not be played yet. */
  | { readonly type: "eager-turn-ended" }
  /** It was not: that reply is not needed. */
  | { readonly type: "turn-resumed" }
  /** The recogniser's own end of a turn, after its final text. */
  | { readonly type: "turn-ended" }
  /** A failure that the session survives. */
  | { readonly type: "error"; readonly error: unknown };

/** Options for an {@linkcode SttSession}. */
export interface SttSessionOptions {
  /** The participant whose audio it is; empty for the mix of all. */
  readonly speakerId: string;
  /** Samples per second of the audio. */
  readonly sampleRate: number;
  /** The clock of the agent; virtual in tests. */
  readonly clock: Clock;
  /** The agent's logger. */
  readonly logger: Logger;
  /**
   * Whether all audio is sent, so that the recogniser can find where turns end. Otherwise only speech
   * is: from a moment before its first sound until the pause that ends it, where `commit` is called.
   */
  readonly continuous: boolean;
}

/**
 * The recogniser at work for one speaker. Iterating yields its events, for one reader; the iteration
 * ends after `end()`, or when the session is disposed, and throws when the session is lost for good.
 * Keeping the connection alive while nothing is sent, and reconnecting, are the session's own.
 */
export interface SttSession extends AsyncIterable<SttEvent>, AsyncDisposable {
  /**
   * Takes the next 20 ms of mono audio, or the rest before a pause. Must not block; `pcm` is a
   * view that is valid during the call. Audio that comes while the session (re)connects is kept, up
   * to a limit.
   */
  sendAudio(pcm: PcmChunk): void;
  /**
   * Ends the current segment, or turn: at a pause that the VAD found, at a mute, at a limit, or when
   * the application says so. `committed` follows, also where there was nothing to end.
   */
  commit(): void;
  /** No more audio comes: after the last final text the iteration ends. */
  end(): void;
  /** Stops immediately: no more text is wanted. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Speech to text. A recogniser that transcribes one segment of audio at a time is written as a
 * {@linkcode Transcriber}, and made one of these by {@linkcode sttFromTranscriber}.
 *
 * @example
 * ```ts
 * import { type STT, sttFromTranscriber } from "@ringline/edge";
 *
 * const counter: STT = sttFromTranscriber({
 *   name: "counter",
 *   async *transcribe(audio) {
 *     let ms = 0;
 *     for await (const pcm of audio) ms += pcm.durationMs;
 *     yield { text: `${ms} milliseconds`, final: true };
 *   },
 * });
 * console.log(counter.name); // counter
 * ```
 */
export interface STT extends Component {
  /** Whether it finds itself where turns end, which `turnDetection: "stt"` needs. */
  readonly detectsTurns?: boolean;
  /** Opens a session, without waiting: one for each speaker, or one for the mix of all. */
  open(options: SttSessionOptions): SttSession;
}
