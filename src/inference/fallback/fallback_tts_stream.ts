/** A text that several voices may say, one after another. @module */
import type { Clock } from "../../events/clock.ts";
import type { Alignment, SpeechPart, TTS, TtsStream } from "../contracts/tts.ts";
import { allFailed, type ComponentHealth } from "./component_health.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { attempt } from "../../events/user_code.ts";
import { InferenceError } from "../contracts/errors.ts";
import { SentenceSplitter } from "../text/sentence_splitter.ts";
import { spokenMs } from "../text/speech_duration.ts";
import { hasWords } from "../contracts/words.ts";

/** Options for a {@linkcode FallbackTtsStream}. */
export interface FallbackTtsStreamInit {
  health: ComponentHealth<TTS>;
  clock: Clock;
  /** Begins a stream of a voice. */
  speak: (tts: TTS) => TtsStream;
  onOver: () => void;
}

/** A voice's stream, and where it began. */
interface OpenStream {
  readonly tts: TTS;
  readonly stream: TtsStream;
  /** In the text that was sent. */
  readonly fromChars: number;
  /** In the audio. */
  readonly fromMs: number;
  /** What it says of its own text and audio. */
  readonly alignment: Alignment[];
  /** Aborted when it is given up. */
  readonly over: AbortController;
}

/** Sends the text to a voice and, when that fails, what was not said of it to the next. */
export class FallbackTtsStream implements TtsStream {
  readonly #init: FallbackTtsStreamInit;
  readonly #failed = new Map<TTS, unknown>();
  readonly #sentences = new SentenceSplitter();
  readonly #flushes: number[] = [];
  readonly #cancelled = new AbortController();
  #text = "";
  #end: { readonly incomplete?: boolean } | undefined;
  #open: OpenStream | undefined;
  #audioMs = 0;
  /** Whether the voice owes audio: a sentence is complete, or no more text comes for a while. */
  #owesAudio = false;
  #isReading = false;
  #timer: Disposable | undefined;

  constructor(init: FallbackTtsStreamInit) {
    this.#init = init;
  }

  get requestedMs(): number | undefined {
    return this.#open?.stream.requestedMs;
  }

  sendText(text: string): void {
    this.#text += text;
    const isWhole = this.#sentences.push(text).some(hasWords);
    if (this.#open) this.#call(this.#open, (stream) => stream.sendText(text));
    else this.#begin();
    if (isWhole && this.#audioMs === 0) this.#expectAudio();
  }

  flush(): void {
    const isNew = hasWords(this.#text.slice(this.#flushes.at(-1) ?? 0));
    this.#flushes.push(this.#text.length);
    if (this.#open) this.#call(this.#open, (stream) => stream.flush());
    if (isNew) this.#expectAudio();
  }

  end(options: { readonly incomplete?: boolean } = {}): void {
    if (this.#end) return;
    this.#end = options;
    if (this.#open) this.#call(this.#open, (stream) => stream.end(options));
    this.#expectAudio();
  }

  cancel(reason: unknown = new DOMException("the speech is not needed", "AbortError")): void {
    if (this.#cancelled.signal.aborted) return;
    this.#cancelled.abort(reason);
    this.#leave(reason);
    this.#init.onOver();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SpeechPart, void, void> {
    try {
      while (!this.#cancelled.signal.aborted) {
        this.#begin();
        const open = this.#open;
        if (!open) throw this.#allFailed();
        try {
          yield* this.#read(open);
          this.#init.health.succeeded(open.tts);
          return;
        } catch (error) {
          if (this.#cancelled.signal.aborted) return;
          this.#fail(open.tts, error);
          const from = error instanceof Unspoken ? error.from : this.#unspokenFrom(open);
          this.#leave(error);
          this.#openNext(from);
          // From here on it is this text that is heard.
          if (this.#open) yield { alignment: [{ chars: from, atMs: this.#audioMs }] };
        }
      }
    } finally {
      this.#timer?.[Symbol.dispose]();
      if (this.#open) this.cancel();
      this.#init.onOver();
    }
  }

  /** Begins with the first voice, unless it has. */
  #begin(): void {
    if (!this.#open && this.#failed.size === 0) this.#openNext(0);
  }

  /** Has the next voice say the text from there, if one is left. */
  #openNext(fromChars: number): void {
    const { health, speak } = this.#init;
    while (true) {
      const tts = health.order.find((one) => !this.#failed.has(one));
      if (!tts) return;
      if (this.#failed.size > 0) health.takenOver();
      try {
        const stream = speak(tts);
        const place = { fromChars, fromMs: this.#audioMs };
        this.#open = { tts, stream, ...place, alignment: [], over: new AbortController() };
        this.#sendAll(this.#open);
        return;
      } catch (error) {
        this.#open = undefined;
        this.#fail(tts, error);
      }
    }
  }

  #sendAll({ stream, fromChars }: OpenStream): void {
    let from = fromChars;
    for (const to of this.#flushes) {
      if (to <= from) continue;
      stream.sendText(this.#text.slice(from, to));
      stream.flush();
      from = to;
    }
    if (from < this.#text.length) stream.sendText(this.#text.slice(from));
    if (this.#end) stream.end(this.#end);
  }

  async *#read(open: OpenStream): AsyncGenerator<SpeechPart, void, void> {
    const { tts, stream, fromChars, fromMs, alignment, over } = open;
    const { clock } = this.#init;
    let hasSpoken = false;
    this.#reading(true);
    for await (const part of untilAborted(() => stream, `${tts.name}.speak`, over.signal, clock)) {
      const { pcm, unspoken } = part;
      const hasAudio = pcm !== undefined && pcm.frames > 0;
      hasSpoken ||= hasAudio || unspoken !== undefined;
      if (unspoken && this.#hasOther(tts)) {
        throw new Unspoken(fromChars + unspoken.from, unspoken.error);
      }
      alignment.push(...part.alignment ?? []);
      // Once there is no more text, it owes audio up to its end.
      if (hasAudio && !this.#end) this.#owesAudio = false;
      this.#reading(false);
      yield {
        ...pcm ? { pcm } : {},
        ...part.alignment
          ? {
            alignment: part.alignment.map(({ chars, atMs }) => {
              return { chars: fromChars + chars, atMs: fromMs + atMs };
            }),
          }
          : {},
        ...unspoken
          ? {
            unspoken: {
              from: fromChars + unspoken.from,
              to: fromChars + unspoken.to,
              error: unspoken.error,
            },
          }
          : {},
      };
      this.#audioMs += pcm?.durationMs ?? 0;
      this.#reading(true);
    }
    this.#reading(false);
    if (hasSpoken || !hasWords(this.#text.slice(fromChars)) || this.#end?.incomplete) return;
    const message = `${tts.name} made no sound for ${this.#text.length - fromChars} characters`;
    throw new InferenceError(message, { code: "no-sound", retryable: true });
  }

  /** Where the first sentence begins that a voice did not say to its end. */
  #unspokenFrom({ fromChars, fromMs, alignment }: OpenStream): number {
    const text = this.#text.slice(fromChars);
    const saidMs = this.#audioMs - fromMs;
    if (saidMs === 0) return fromChars;
    const known = alignment.findLast(({ atMs }) => atMs <= saidMs)?.chars;
    let from = 0;
    let usualMs = 0;
    const splitter = new SentenceSplitter();
    for (const sentence of [...splitter.push(text), ...splitter.end()]) {
      usualMs += spokenMs(sentence);
      const isSaid = known === undefined
        ? usualMs <= saidMs
        : from + sentence.trimEnd().length <= known;
      if (!isSaid) break;
      from += sentence.length;
    }
    return fromChars + from;
  }

  #fail(tts: TTS, error: unknown): void {
    const cause = error instanceof Unspoken ? error.cause : error;
    this.#failed.set(tts, cause);
    this.#init.health.failed(tts, cause);
  }

  #hasOther(tts: TTS): boolean {
    return this.#init.health.order.some((one) => one !== tts && !this.#failed.has(one));
  }

  #allFailed(): unknown {
    return allFailed("no voice speaks", [...this.#failed.values()]);
  }

  #expectAudio(): void {
    this.#owesAudio = true;
    this.#reading(this.#isReading);
  }

  /** Measures the silence of a voice that owes audio, while its audio is waited for. */
  #reading(isReading: boolean): void {
    this.#isReading = isReading;
    this.#timer?.[Symbol.dispose]();
    const open = this.#open;
    if (!isReading || !this.#owesAudio || !open) return;
    const { clock, health: { timeoutMs } } = this.#init;
    this.#timer = clock.schedule(() => {
      const message = `${open.tts.name} made no sound for ${timeoutMs} ms`;
      open.over.abort(new InferenceError(message, { code: "timeout", retryable: true }));
    }, timeoutMs);
  }

  /** Acts on a voice's stream; one that throws is given up. */
  #call(open: OpenStream, act: (stream: TtsStream) => void): void {
    attempt(() => act(open.stream), (error) => open.over.abort(error));
  }

  /** Abandons the voice's stream. */
  #leave(reason: unknown): void {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return;
    attempt(() => open.stream.cancel(reason), () => {});
    open.over.abort(reason);
  }
}

/** A voice left a part of its text out. */
class Unspoken extends Error {
  constructor(readonly from: number, cause: unknown) {
    super("a part of the text was not spoken", { cause });
  }
}
