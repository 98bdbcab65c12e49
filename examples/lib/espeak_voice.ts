// eSpeak NG is under the GPL, version 3: whoever passes on a program with this voice in it passes it
// on under the GPL. It is this example's own dependency, and no part of the library.
// deno-lint-ignore no-import-prefix
import load from "npm:@echogarden/espeak-ng-emscripten@0.3.5";
import { PcmChunk, type SpeechPart, type TTS } from "@ringline/edge";

interface EspeakEvent {
  type: string;
  /** Of a word: its first character, counted from 1, and its length. */
  text_position: number;
  word_length: number;
  /** Milliseconds. */
  audio_position: number;
}

interface EspeakWorker {
  get_samplerate(): number;
  set_voice(name: string): number;
  set_rate(wordsPerMinute: number): void;
  /** Calls back synchronously with one piece after another. */
  synthesize(text: string, take: (samples: Int16Array, events: EspeakEvent[]) => boolean): void;
}

/** eSpeak NG in WASM, offline. It tells its words, so that what was heard is known to the word. */
export class EspeakVoice implements TTS {
  readonly name = "espeak-ng";
  readonly #voice: string;
  #worker: EspeakWorker | undefined;

  constructor(voice = "en-us") {
    this.#voice = voice;
  }

  async start(): Promise<void> {
    const espeak = await load();
    const worker: EspeakWorker = new espeak.eSpeakNGWorker();
    worker.set_voice(this.#voice);
    worker.set_rate(165);
    this.#worker = worker;
  }

  async *synthesize(
    text: string,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<SpeechPart, void, void> {
    const worker = this.#worker!;
    const sampleRate = worker.get_samplerate();
    const pieces: Int16Array[] = [];
    const words: { fromMs: number; from: number }[] = [];
    worker.synthesize(text, (samples, events) => {
      pieces.push(samples);
      for (const { type, text_position, audio_position } of events) {
        if (type === "word") words.push({ fromMs: audio_position, from: text_position - 1 });
      }
      return false;
    });
    let ms = 0;
    for (const [index, samples] of pieces.entries()) {
      signal.throwIfAborted();
      if (samples.length === 0) continue;
      ms += samples.length * 1000 / sampleRate;
      // The words before the one that is being said.
      const current = words.findLast(({ fromMs }) => fromMs < ms);
      const spokenChars = index === pieces.length - 1 ? text.length : current?.from ?? 0;
      yield { pcm: new PcmChunk(samples, { sampleRate }), spokenChars };
    }
    await Promise.resolve();
  }
}
