/** A voice for the tests that speaks words as they come, as services with a socket do. */
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import type { Clock } from "../../src/events/clock.ts";
import { Channel } from "../../src/events/channel.ts";
import type {
  SpeechPart,
  TTS,
  TtsSession,
  TtsSessionOptions,
  TtsStream,
} from "../../src/inference/contracts/tts.ts";

const RATE = 16_000;

/** Options for a {@linkcode StreamingVoice}. */
export interface StreamingVoiceOptions {
  /** From the first word, or a flush, to its audio. */
  firstByteMs?: number;
  msPerChar?: number;
  /** Whether it gives the alignment of words. */
  alignment?: boolean;
  /** Whether it waits for so many characters, a flush or the end before it speaks. */
  bufferChars?: number;
}

/** A context of the voice: one text. */
export class VoiceContext implements TtsStream {
  readonly pieces: string[] = [];
  flushes = 0;
  isOpen = true;
  wasCancelled = false;
  readonly #options: StreamingVoiceOptions;
  readonly #clock: Clock;
  readonly #parts = new Channel<SpeechPart>();
  #waiting = "";
  #sentChars = 0;
  #atMs = 0;
  #readyAt = 0;
  #timers = new Set<Disposable>();

  constructor(clock: Clock, options: StreamingVoiceOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  get text(): string {
    return this.pieces.join("");
  }

  sendText(text: string): void {
    if (!this.isOpen) throw new Error("the context is closed");
    this.pieces.push(text);
    this.#waiting += text;
    if (this.#waiting.length >= (this.#options.bufferChars ?? 1)) this.#speakWords();
  }

  flush(): void {
    this.flushes++;
    this.#speak(this.#waiting);
  }

  end(): void {
    this.flush();
    this.#after(() => this.#close());
  }

  cancel(): void {
    this.wasCancelled ||= this.isOpen;
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#close();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechPart> {
    return this.#parts[Symbol.asyncIterator]();
  }

  #close(): void {
    this.isOpen = false;
    this.#parts.end();
  }

  #speakWords(): void {
    this.#speak(this.#waiting.slice(0, this.#waiting.search(/\S*$/)));
  }

  #speak(text: string): void {
    if (text === "") return;
    this.#waiting = this.#waiting.slice(text.length);
    const { msPerChar = 50, alignment = true } = this.#options;
    const samples = new Int16Array(text.length * msPerChar * RATE / 1000).fill(900);
    this.#sentChars += text.length;
    this.#atMs += text.length * msPerChar;
    const mark = { chars: this.#sentChars, atMs: this.#atMs };
    this.#after(() => {
      const pcm = new PcmChunk(samples, { sampleRate: RATE });
      this.#parts.push(alignment ? { pcm, alignment: [mark] } : { pcm });
    });
  }

  /** Acts after the first byte's delay, in order. */
  #after(act: () => void): void {
    const { firstByteMs = 80 } = this.#options;
    const now = this.#clock.now();
    this.#readyAt ||= now + firstByteMs;
    const timer = this.#clock.schedule(() => {
      this.#timers.delete(timer);
      act();
    }, Math.max(0, this.#readyAt - now));
    this.#timers.add(timer);
  }
}

/** The voice, and all that was asked of it. */
export class StreamingVoice implements TTS {
  readonly name = "streaming-voice";
  readonly contexts: VoiceContext[] = [];
  sessions = 0;
  openSessions = 0;
  /** The most contexts that were open at the same time. */
  mostOpen = 0;
  readonly #options: StreamingVoiceOptions;

  constructor(options: StreamingVoiceOptions = {}) {
    this.#options = options;
  }

  get openContexts(): number {
    return this.contexts.filter(({ isOpen }) => isOpen).length;
  }

  open({ clock }: TtsSessionOptions): TtsSession {
    this.sessions++;
    this.openSessions++;
    return {
      speak: () => {
        const context = new VoiceContext(clock, this.#options);
        this.contexts.push(context);
        this.mostOpen = Math.max(this.mostOpen, this.openContexts);
        return context;
      },
      [Symbol.asyncDispose]: () => {
        this.openSessions--;
        return Promise.resolve();
      },
    };
  }
}
