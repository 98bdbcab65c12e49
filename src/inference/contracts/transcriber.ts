/** Speech to text in its small form: one function, called for each segment of speech. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { Channel } from "../../events/channel.ts";
import { checkMethods, shown } from "../../events/checks.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import type { Component } from "./component.ts";
import type { STT, SttEvent, SttSession, SttSessionOptions } from "./stt.ts";

/** The transcript so far of one segment of speech. */
export interface Transcript {
  /** All of its text so far; it replaces the interim text before it. */
  readonly text: string;
  /** Whether it is final. */
  readonly final: boolean;
  /** The recognised language as a BCP 47 tag, where known. */
  readonly language?: string;
}

/** Options for `transcribe`. */
export interface TranscribeOptions {
  /** Aborted when the text is no longer wanted. */
  readonly signal: AbortSignal;
  /** The speaker, for recognisers that keep state per speaker. */
  readonly speakerId?: string;
}

/** A recogniser that transcribes one segment of speech at a time. */
export interface Transcriber extends Component {
  /**
   * Transcribes a segment of speech, from a moment before its first sound until the pause that ends
   * it. Recognisers that work on the whole read the audio to its end and yield one final transcript;
   * those that stream yield interim ones on the way. A promise of the transcripts is awaited.
   *
   * @param audio mono, at the rate that the agent hears; the chunks may be kept
   */
  transcribe(audio: AsyncIterable<PcmChunk>, options: TranscribeOptions): AsyncIterable<Transcript>;
}

/** Audio that waits for the recogniser longer than a minute is too old to be of use. */
const CAPACITY_MS = 60_000;

/**
 * Returns an {@linkcode STT} that calls `transcribe` for each segment of speech. A call that throws
 * costs that segment its text and is reported; the next one is transcribed.
 *
 * @example A recogniser that works on the whole of a segment
 * ```ts
 * import { type PcmChunk, sttFromTranscriber } from "@ringline/edge";
 *
 * const recognise = async (_sound: PcmChunk[]): Promise<string> => await "hello"; // yours
 * const stt = sttFromTranscriber({
 *   name: "mine",
 *   async *transcribe(audio) {
 *     yield { text: await recognise(await Array.fromAsync(audio)), final: true };
 *   },
 * });
 * console.log(stt.name); // new Agent({ ..., stt })
 * ```
 *
 * @throws {TypeError} there is no method `transcribe`.
 */
export function sttFromTranscriber(transcriber: Transcriber): STT {
  checkMethods(transcriber, "sttFromTranscriber", "a Transcriber", ["transcribe"]);
  return {
    name: transcriber.name,
    start: (context) => transcriber.start?.(context),
    close: () => transcriber.close?.(),
    metrics: () => transcriber.metrics?.() ?? {},
    open: (options) => new TranscriberSession(transcriber, options),
  };
}

/** A session whose segments of speech are transcribed by one call each, their events in order. */
class TranscriberSession implements SttSession {
  readonly #transcriber: Transcriber;
  readonly #options: SttSessionOptions;
  /** The events of each segment; what is transcribed later may have its text earlier. */
  readonly #segments = new Channel<Channel<SttEvent>>();
  readonly #controller = new AbortController();
  /** The segment that audio goes to, if one has begun. */
  #current: SpeechSegment | undefined;

  constructor(transcriber: Transcriber, options: SttSessionOptions) {
    this.#transcriber = transcriber;
    this.#options = options;
  }

  sendAudio(pcm: PcmChunk): void {
    this.#current ??= this.#begin();
    this.#current.audio.push(pcm.clone());
  }

  commit(): void {
    if (this.#current) this.#current.commit();
    else {
      // It keeps its place behind what is being transcribed.
      const events = new Channel<SttEvent>();
      events.push({ type: "committed" });
      events.end();
      this.#segments.push(events);
    }
    this.#current = undefined;
  }

  end(): void {
    this.#current?.commit();
    this.#current = undefined;
    this.#segments.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.end();
    this.#controller.abort(new DOMException("the transcript is not needed", "AbortError"));
    return Promise.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SttEvent, void, void> {
    for await (const events of this.#segments) yield* events;
  }

  #begin(): SpeechSegment {
    const segment = new SpeechSegment(this.#transcriber, this.#options, this.#controller.signal);
    this.#segments.push(segment.events);
    return segment;
  }
}

/** A segment of speech, transcribed by one call. */
class SpeechSegment {
  readonly audio = new Channel<PcmChunk>({
    capacity: CAPACITY_MS,
    sizeOf: (chunk) => chunk.durationMs,
  });
  readonly events = new Channel<SttEvent>();
  readonly #committed = Promise.withResolvers<void>();
  #isCommitted = false;

  constructor(transcriber: Transcriber, options: SttSessionOptions, signal: AbortSignal) {
    this.#run(transcriber, options, signal);
  }

  /** Ends the audio. */
  commit(): void {
    this.#isCommitted = true;
    this.#committed.resolve();
    this.audio.end();
  }

  async #run(
    transcriber: Transcriber,
    { speakerId, clock }: SttSessionOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const { audio, events } = this;
    const what = `${transcriber.name}.transcribe`;
    let interim: Transcript | undefined;
    try {
      const transcripts = () => transcriber.transcribe(audio, { signal, speakerId });
      for await (const transcript of untilAborted(transcripts, what, signal, clock)) {
        if (typeof transcript?.text !== "string") {
          throw new TypeError(`${what} returned a transcript without a text: ${shown(transcript)}`);
        }
        interim = transcript.final ? undefined : transcript;
        events.push({ ...transcript, type: "transcript" });
        if (transcript.final && this.#isCommitted) break;
      }
    } catch (error) {
      if (!signal.aborted) events.push({ type: "error", error });
    }
    // What was understood last stands.
    if (interim) events.push({ ...interim, type: "transcript", final: true });
    audio.end();
    await this.#committed.promise;
    events.push({ type: "committed" });
    events.end();
  }
}
