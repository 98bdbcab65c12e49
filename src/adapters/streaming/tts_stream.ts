/** A text that a service speaks as it comes: cut into phrases, and its sound mapped to them. @module */
import { Channel } from "../../events/channel.ts";
import type { Alignment, SpeechPart, TtsStream } from "../../inference/contracts/tts.ts";
import { PcmBytes } from "../service/pcm_bytes.ts";
import type { InferenceError } from "../../inference/contracts/errors.ts";
import type { SpokenChar, SpokenWord, TtsCodec } from "./tts_codec.ts";
import { hasWords } from "../../inference/contracts/words.ts";

/** Options for a {@linkcode StreamingTtsStream}. */
export interface StreamingTtsStreamInit {
  readonly id: string;
  readonly name: string;
  readonly sampleRate: number;
  /** There is something to send. */
  readonly onText: () => void;
  readonly onCancel: () => void;
}

/** What the text's author did, in order. */
type Step = { readonly text: string } | "flush" | "end";

/** Where a phrase ends that can be spoken without what follows. */
const PHRASE_END = /[.!?…:;。！？।؟\n]["'”’»)\]」』）]*\s/u;
/** A text without such an end is cut at a space when it is as long as this. */
const MAX_PHRASE_CHARS = 240;

/** A word is looked for in so much of the text. */
const MAX_SKIPPED_CHARS = 100;

/** A stream, which keeps its text until it has sound: it may have to be sent again. */
export class StreamingTtsStream implements TtsStream {
  readonly id: string;
  readonly #init: StreamingTtsStreamInit;
  readonly #parts = new Channel<SpeechPart>();
  readonly #steps: Step[] = [];
  readonly #pcm: PcmBytes;
  #codec: TtsCodec | undefined;
  /** Text that is no whole phrase yet. */
  #rest = "";
  #isEnded = false;
  #isOver = false;
  #limit: Disposable | undefined;
  #tries = 0;
  #audioMs = 0;
  #alignedChars = 0;
  #sentText = "";
  #hasSentText = false;

  constructor(init: StreamingTtsStreamInit) {
    this.#init = init;
    this.id = init.id;
    this.#pcm = new PcmBytes(init.sampleRate);
  }

  /** Whether there is something to say. */
  get hasText(): boolean {
    return !this.#isOver && this.#steps.some((step) => typeof step === "object");
  }

  /** Whether no more sound is wanted, or comes. */
  get isOver(): boolean {
    return this.#isOver;
  }

  sendText(text: string): void {
    if (this.#isEnded || this.#isOver) return;
    this.#rest += text;
    for (let phrase = this.#cut(); phrase !== ""; phrase = this.#cut()) this.#add({ text: phrase });
  }

  flush(): void {
    if (this.#isEnded || this.#isOver) return;
    this.#addRest();
    this.#add("flush");
  }

  end({ incomplete = false }: { readonly incomplete?: boolean } = {}): void {
    if (this.#isEnded || this.#isOver) return;
    if (!incomplete) this.#addRest();
    this.#isEnded = true;
    if (this.#steps.some((step) => typeof step === "object")) this.#add("end");
    else this.finish();
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.end();
    this.#init.onCancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SpeechPart, void, void> {
    try {
      yield* this.#parts;
    } finally {
      this.cancel();
    }
  }

  /** A connection speaks it from now on, from its beginning. */
  attach(codec: TtsCodec): void {
    this.#tries++;
    this.#sentText = "";
    this.#hasSentText = false;
    this.#codec = codec;
    for (const step of this.#steps) this.#send(step);
  }

  /** The connection is gone. */
  detach(): void {
    this.#codec = undefined;
    this.#limit?.[Symbol.dispose]();
  }

  /** Whether its text may be sent again: nothing of it was heard. */
  mayTryAgain(most: number): boolean {
    return this.#audioMs === 0 && this.#tries < most;
  }

  /** Sets what happens when its cancelling is not confirmed. */
  limit(limit: Disposable): void {
    this.#limit?.[Symbol.dispose]();
    this.#limit = limit;
  }

  sound(bytes: Uint8Array, chars: readonly SpokenChar[] = []): void {
    const fromMs = this.#audioMs;
    const pcm = this.#pcm.push(bytes);
    this.#audioMs += pcm.durationMs;
    const alignment: Alignment[] = [];
    for (const { char, endMs } of chars) {
      this.#align(char);
      alignment.push({ chars: this.#alignedChars, atMs: Math.min(fromMs + endMs, this.#audioMs) });
    }
    if (pcm.frames > 0) this.#parts.push({ pcm, ...alignment.length > 0 ? { alignment } : {} });
  }

  words(words: readonly SpokenWord[]): void {
    const alignment: Alignment[] = [];
    for (const { text, endMs } of words) {
      const at = this.#sentText.indexOf(text, this.#alignedChars);
      // A service may write a word in its own way: the next ones are known again.
      if (text === "" || at < 0 || at > this.#alignedChars + MAX_SKIPPED_CHARS) continue;
      this.#alignedChars = at + text.length;
      alignment.push({ chars: this.#alignedChars, atMs: endMs });
    }
    if (alignment.length > 0 && !this.#isOver) this.#parts.push({ alignment });
  }

  /** No more sound comes. */
  finish(): void {
    this.detach();
    this.#isOver = true;
    this.#parts.end();
  }

  fail(error: InferenceError): void {
    this.detach();
    this.#isOver = true;
    this.#parts.fail(error);
  }

  /**
   * Goes on by a character that was said. A service says spaces that are none of the text: one in front
   * of a sentence, or the one that it was sent after the last word.
   */
  #align(char: string): void {
    const isSpace = char.trim() === "";
    while (!isSpace && /\s/.test(this.#sentText[this.#alignedChars] ?? "")) this.#alignedChars++;
    if (isSpace && !/\s/.test(this.#sentText[this.#alignedChars] ?? "")) return;
    this.#alignedChars = Math.min(this.#sentText.length, this.#alignedChars + char.length);
  }

  /** Takes a whole phrase off what is not sent yet; empty where there is none. */
  #cut(): string {
    const found = PHRASE_END.exec(this.#rest);
    let end = found ? found.index + found[0].length : 0;
    if (end === 0 && this.#rest.length > MAX_PHRASE_CHARS) {
      end = this.#rest.lastIndexOf(" ", MAX_PHRASE_CHARS) + 1 || MAX_PHRASE_CHARS;
    }
    const phrase = this.#rest.slice(0, end);
    // What is no word is sent with what follows.
    if (!hasWords(phrase)) return "";
    this.#rest = this.#rest.slice(end);
    return phrase;
  }

  #addRest(): void {
    if (hasWords(this.#rest)) this.#add({ text: this.#rest });
    this.#rest = "";
  }

  #add(step: Step): void {
    this.#steps.push(step);
    if (this.#codec) this.#send(step);
    else this.#init.onText();
  }

  #send(step: Step): void {
    const codec = this.#codec!;
    if (step === "end") return codec.end(this.id);
    if (step === "flush") return this.#hasSentText ? codec.flush(this.id) : undefined;
    this.#sentText += step.text;
    codec.speak(this.id, step.text, { isFirst: !this.#hasSentText });
    this.#hasSentText = true;
  }
}
