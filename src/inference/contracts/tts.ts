/** The contract of text to speech: a session a call, a stream a reply. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Clock } from "../../events/clock.ts";
import type { Logger } from "../../events/logger.ts";
import type { Component } from "./component.ts";

/**
 * How much of the text was said by when: the first `chars` UTF-16 code units of all text that was
 * sent to the stream were said when `atMs` milliseconds of its audio had been played.
 */
export interface Alignment {
  /** UTF-16 code units of the text. */
  readonly chars: number;
  /** Milliseconds from the beginning of the audio. */
  readonly atMs: number;
}

/** A piece of synthesised speech. Audio and alignment may come together or alone. */
export interface SpeechPart {
  /** PCM at any rate; valid until the next part is requested. */
  readonly pcm?: PcmChunk;
  /**
   * Alignment, in order, where the voice knows it; it may come before its audio. Between two of
   * these, and where there is none, the words are assumed to be spread evenly.
   */
  readonly alignment?: readonly Alignment[];
  /**
   * Text that the voice did not say although the stream goes on, from one character of the text sent
   * to another, and why. It counts as not heard, and the error is reported.
   */
  readonly unspoken?: { readonly from: number; readonly to: number; readonly error: unknown };
}

/** Options for a {@linkcode TtsSession}. */
export interface TtsSessionOptions {
  /** The clock of the agent; virtual in tests. */
  readonly clock: Clock;
  /** The agent's logger. */
  readonly logger: Logger;
}

/**
 * Text to speech.
 *
 * Voices that synthesise one text at a time, as most HTTP services do, are wrapped by
 * `ttsFromSentences`.
 *
 * @example A voice that beeps once for each word, as the words come
 * ```ts
 * import type { SpeechPart, TTS } from "@ringline/edge";
 * import { PcmChunk } from "@ringline/edge/audio";
 * import { Channel } from "@ringline/edge/toolkit";
 *
 * const tone = Int16Array.from({ length: 2400 }, (_, n) => 8000 * Math.sin(n / 6));
 * const pcm = new PcmChunk(tone, { sampleRate: 24_000 });
 *
 * const beep: TTS = {
 *   name: "beep",
 *   open: () => ({
 *     speak() {
 *       const parts = new Channel<SpeechPart>();
 *       const sendText = (text: string) => {
 *         for (const _word of text.match(/\S+/g) ?? []) parts.push({ pcm });
 *       };
 *       const end = () => parts.end();
 *       return {
 *         sendText,
 *         flush() {},
 *         end,
 *         cancel: end,
 *         [Symbol.asyncIterator]: () => parts[Symbol.asyncIterator](),
 *       };
 *     },
 *     async [Symbol.asyncDispose]() {},
 *   }),
 * };
 * ```
 */
export interface TTS extends Component {
  /**
   * Opens a session without waiting for it: one for a call, with one connection to the service. The
   * session keeps it alive, and opens it again when it was lost.
   */
  open(options: TtsSessionOptions): TtsSession;
}

/** A voice in one call. Disposing it cancels what is being said and closes the connection. */
export interface TtsSession extends AsyncDisposable {
  /** Begins a stream, which a service may call a context: one for each thing that is said. */
  speak(): TtsStream;
}

/**
 * A text that is spoken as it comes. Its parts are iterated once; the iteration ends after `end()`
 * and the last audio, or after `cancel()`.
 *
 * @throws {InferenceError} from the iteration, when the rest of the text cannot be spoken.
 */
export interface TtsStream extends AsyncIterable<SpeechPart> {
  /**
   * When the voice began to work on the first audio, in milliseconds of the session's clock, where
   * that is later than the first text: a voice that needs a whole sentence waits for it.
   */
  readonly requestedMs?: number;
  /** Sends more text, as it comes: any piece of it, down to a letter, without Markdown and the like. */
  sendText(text: string): void;
  /** What was sent is to be spoken now: no more text comes for a while. */
  flush(): void;
  /**
   * No more text comes.
   *
   * @param options.incomplete whether the text breaks off because the model failed: a voice that
   *   waits for the end of a sentence leaves the beginning of the last one out
   */
  end(options?: { readonly incomplete?: boolean }): void;
  /**
   * No more audio is needed: the iteration ends. Idempotent, and allowed after the end.
   *
   * @param reason why: a `TimeoutError` if the voice took too long, else the speech was interrupted
   */
  cancel(reason?: unknown): void;
}
