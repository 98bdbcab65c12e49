/** A voice for tests. @module */
import { checkClock, type Clock } from "../events/clock.ts";
import type {
  Alignment,
  SpeechPart,
  TTS,
  TtsSession,
  TtsSessionOptions,
} from "../inference/contracts/tts.ts";
import { ttsFromSentences } from "../inference/contracts/tts_from_sentences.ts";
import { PcmChunk } from "../audio/pcm_chunk.ts";
import { checkOptions } from "../events/checks.ts";
import { sleep } from "../events/waiting.ts";

/** Options for a {@linkcode FakeTTS}. */
export interface FakeTTSOptions {
  /** Samples per second. Default 24,000. */
  sampleRate?: number;
  /** Milliseconds of speech per character. Default 50. */
  msPerChar?: number;
  /** Milliseconds from the request to the first audio. Default 0. */
  firstByteMs?: number;
  /** Speed of synthesis: 1 is real time. Default `Infinity`. */
  speed?: number;
  /** Whether it gives the alignment of every word. Default `false`. */
  alignment?: boolean;
  /** Errors by a part of the sentence that causes them. */
  failures?: { readonly [text: string]: unknown };
}

const OPTIONS = {
  sampleRate: true,
  msPerChar: true,
  firstByteMs: true,
  speed: true,
  alignment: true,
  failures: true,
} as const;
const CHUNK_MS = 40;

/**
 * Text to speech in a clock's time: a tone of 300 Hz whose loudness changes with every word, as in
 * speech, differently for each text. It records its sentences.
 */
export class FakeTTS implements TTS {
  /** The name in messages. */
  readonly name = "fake-tts";
  /** The sentences that it was asked to say. */
  readonly sentences: string[] = [];
  /** The sentences that were aborted. */
  readonly aborted: string[] = [];
  readonly #clock: Clock;
  readonly #options: FakeTTSOptions;
  #wave: Float64Array | undefined;

  /** Creates a voice. */
  constructor(clock: Clock, options: FakeTTSOptions = {}) {
    checkClock(clock);
    checkOptions(options, "options", OPTIONS);
    this.#clock = clock;
    this.#options = options;
  }

  /** Opens a session; see {@linkcode TTS.open}. */
  open(options: TtsSessionOptions): TtsSession {
    const voice = {
      name: this.name,
      synthesize: (text: string, { signal }: { readonly signal: AbortSignal }) =>
        this.#synthesize(text, { signal }),
    };
    return ttsFromSentences(voice).open(options);
  }

  async *#synthesize(
    text: string,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<SpeechPart, void, void> {
    const { sampleRate = 24_000, firstByteMs = 0, speed = Infinity, failures = {} } = this.#options;
    this.sentences.push(text);
    try {
      await sleep(firstByteMs, { clock: this.#clock, signal });
      for (const [part, error] of Object.entries(failures)) if (text.includes(part)) throw error;
      const samples = this.#samples(text, sampleRate);
      const step = sampleRate * CHUNK_MS / 1000;
      const alignment = this.#alignment(text);
      for (let start = 0; start < samples.length; start += step) {
        if (start > 0 && speed < Infinity) {
          await sleep(CHUNK_MS / speed, { clock: this.#clock, signal });
        }
        signal.throwIfAborted();
        const pcm = new PcmChunk(samples.subarray(start, start + step), { sampleRate });
        yield start === 0 ? { pcm, alignment } : { pcm };
      }
    } finally {
      if (signal.aborted) this.aborted.push(text);
    }
  }

  #alignment(text: string): Alignment[] | undefined {
    const { msPerChar = 50, alignment = false } = this.#options;
    if (!alignment) return undefined;
    return [...text.matchAll(/\S+/g)].map(({ index, 0: word }) => {
      const chars = index + word.length;
      return { chars, atMs: chars * msPerChar };
    });
  }

  #samples(text: string, sampleRate: number): Int16Array {
    const { msPerChar = 50 } = this.#options;
    const perChar = Math.round(sampleRate * msPerChar / 1000);
    const samples = new Int16Array(text.length * perChar);
    const wave = this.#wave ??= tone(sampleRate);
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      // Spaces are quiet; every letter has its own loudness.
      const loudness = text[index] === " " ? 300 : 3000 + (code * 7919 % 97) * 90;
      for (let n = 0; n < perChar; n++) {
        const at = index * perChar + n;
        samples[at] = loudness * wave[at % wave.length]!;
      }
    }
    return samples;
  }
}

/** Returns 300 Hz, for as many samples as there are until it repeats. */
function tone(sampleRate: number): Float64Array {
  let [length, rest] = [sampleRate, 300];
  while (rest > 0) [length, rest] = [rest, length % rest];
  const samples = new Float64Array(sampleRate / length);
  return samples.map((_, at) => Math.sin(2 * Math.PI * 300 * at / sampleRate));
}
