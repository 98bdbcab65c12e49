/** A wrapper for voices that synthesise one text at a time. @module */
import type { Component } from "./component.ts";
import type { SpeechPart, TTS, TtsSession, TtsSessionOptions, TtsStream } from "./tts.ts";
import { assertPcmChunk } from "../../audio/pcm_chunk.ts";
import { Channel } from "../../events/channel.ts";
import { checkMethods } from "../../events/checks.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { SentenceSplitter } from "../text/sentence_splitter.ts";
import { InferenceError } from "./errors.ts";
import { hasWords } from "./words.ts";

/** A voice that synthesises one text at a time. */
export interface SentenceVoice extends Component {
  /**
   * Whether the voice may be asked for the next sentence while it still speaks the one before, so
   * that its first audio is not waited for. Default `false`.
   */
  readonly prefetch?: boolean;
  /**
   * Synthesises `text`, a sentence, and yields its audio as it comes; alignment counts from the
   * beginning of the text and its audio. A promise of the audio is awaited.
   */
  synthesize(text: string, options: { readonly signal: AbortSignal }): AsyncIterable<SpeechPart>;
}

/**
 * Returns a voice that cuts the text into sentences and has each synthesised by one call.
 *
 * @example A voice that beeps once for each word
 * ```ts
 * import { ttsFromSentences } from "@ringline/edge";
 * import { PcmChunk } from "@ringline/edge/audio";
 *
 * const beep = ttsFromSentences({
 *   name: "beep",
 *   async *synthesize(text) {
 *     const tone = Int16Array.from({ length: 2400 }, (_, n) => 8000 * Math.sin(n / 6));
 *     for (const _word of text.split(" ")) {
 *       yield { pcm: new PcmChunk(tone, { sampleRate: 24_000 }) };
 *     }
 *   },
 * });
 * console.log(beep.name); // beep
 * ```
 */
export function ttsFromSentences(voice: SentenceVoice): TTS {
  checkMethods(voice, "voice", "an object like { name, synthesize }", ["synthesize"]);
  return {
    name: voice.name,
    start: (context) => voice.start?.(context),
    close: () => voice.close?.(),
    metrics: () => voice.metrics?.() ?? {},
    open: (options) => new SentenceSession(voice, options),
  };
}

class SentenceSession implements TtsSession {
  readonly #voice: SentenceVoice;
  readonly #options: TtsSessionOptions;
  readonly #streams = new Set<SentenceStream>();

  constructor(voice: SentenceVoice, options: TtsSessionOptions) {
    this.#voice = voice;
    this.#options = options;
  }

  speak(): TtsStream {
    const stream = new SentenceStream(this.#voice, this.#options, () => {
      this.#streams.delete(stream);
    });
    this.#streams.add(stream);
    return stream;
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream.cancel();
    return Promise.resolve();
  }
}

/** A sentence and where it begins in the text that was sent. */
interface Sentence {
  readonly text: string;
  readonly from: number;
}

class SentenceStream implements TtsStream {
  requestedMs: number | undefined;
  readonly #voice: SentenceVoice;
  readonly #options: TtsSessionOptions;
  readonly #onOver: () => void;
  readonly #splitter = new SentenceSplitter();
  readonly #sentences = new Channel<Sentence>();
  readonly #controller = new AbortController();
  #sentChars = 0;
  /** Where the next sentence begins. */
  #nextFrom = 0;

  constructor(voice: SentenceVoice, options: TtsSessionOptions, onOver: () => void) {
    this.#voice = voice;
    this.#options = options;
    this.#onOver = onOver;
  }

  sendText(text: string): void {
    this.#sentChars += text.length;
    this.#add(this.#splitter.push(text));
  }

  flush(): void {
    this.#add(this.#splitter.end());
    this.#nextFrom = this.#sentChars;
  }

  end({ incomplete = false }: { readonly incomplete?: boolean } = {}): void {
    if (!incomplete) this.flush();
    this.#sentences.end();
  }

  cancel(reason: unknown = new DOMException("the speech is not needed", "AbortError")): void {
    this.#controller.abort(reason);
    this.#onOver();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SpeechPart, void, void> {
    const { signal } = this.#controller;
    let startMs = 0;
    let isOver = false;
    try {
      for await (const { text, from, parts } of this.#begun()) {
        let endMs = startMs;
        const lead = from + text.length - text.trimStart().length;
        for await (const part of parts) {
          const { pcm, alignment } = this.#checked(part);
          yield {
            pcm,
            alignment: alignment?.map(({ chars, atMs }) => {
              return { chars: lead + chars, atMs: startMs + atMs };
            }),
          };
          endMs += pcm?.durationMs ?? 0;
        }
        const to = from + text.length;
        const alignment = [{ chars: to, atMs: endMs }];
        if (endMs > startMs) yield { alignment };
        else yield { alignment, unspoken: { from, to, error: this.#noSound(text) } };
        startMs = endMs;
      }
      isOver = true;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      if (!isOver) this.cancel();
      this.#onOver();
    }
  }

  #add(sentences: readonly string[]): void {
    for (const text of sentences) {
      const from = this.#nextFrom;
      this.#nextFrom += text.length;
      if (hasWords(text)) this.#sentences.push({ text, from });
    }
  }

  /** The sentences with their audio; where the voice allows, the next has begun by then. */
  async *#begun(): AsyncGenerator<Sentence & { parts: AsyncIterable<SpeechPart> }, void, void> {
    const { clock } = this.#options;
    const { signal } = this.#controller;
    const { prefetch = false, name } = this.#voice;
    const sentences = untilAborted(() => this.#sentences, "the text", signal, clock);
    const begin = async () => {
      const { value, done } = await sentences.next();
      if (done) return undefined;
      this.requestedMs ??= clock.now();
      const synthesize = () => this.#voice.synthesize(value.text.trim(), { signal });
      const parts = untilAborted(synthesize, `${name}.synthesize`, signal, clock);
      return { ...value, parts: prefetch ? buffered(parts) : parts };
    };
    let next = begin();
    while (true) {
      const sentence = await next;
      if (!sentence) return;
      if (prefetch) {
        next = begin();
        // It may fail before it is waited for.
        next.catch(() => {});
        yield sentence;
      } else {
        yield sentence;
        next = begin();
      }
    }
  }

  #checked(part: SpeechPart): SpeechPart {
    const { name } = this.#voice;
    // Audio is expected, unless there is alignment instead.
    if (part?.pcm === undefined && part?.alignment) return part;
    assertPcmChunk(part?.pcm!, `${name}.synthesize returned a part whose pcm is wrong`);
    return part;
  }

  #noSound(text: string): InferenceError {
    const message = `${this.#voice.name} returned no audio for a sentence of ` +
      `${text.trim().length} characters`;
    return new InferenceError(message, { code: "no-sound" });
  }
}

/** Reads a source from now on, and keeps what has come; the audio is copied. */
function buffered(source: AsyncIterable<SpeechPart>): Channel<SpeechPart> {
  const parts = new Channel<SpeechPart>();
  const read = async () => {
    try {
      for await (const part of source) {
        const pcm = part?.pcm;
        parts.push(typeof pcm?.clone === "function" ? { ...part, pcm: pcm.clone() } : part);
      }
      parts.end();
    } catch (error) {
      parts.fail(error);
    }
  };
  void read();
  return parts;
}
