import { checkClock, type Clock } from "../events/clock.ts";
import type { SpeechPart, TTS } from "../inference/contracts/tts.ts";
import { PcmChunk } from "../audio/pcm_chunk.ts";
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
  /** Errors by a part of the sentence that causes them. */
  failures?: { readonly [text: string]: unknown };
}

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

  /** Creates a voice. */
  constructor(clock: Clock, options: FakeTTSOptions = {}) {
    checkClock(clock);
    this.#clock = clock;
    this.#options = options;
  }

  /** Synthesises a sentence. */
  async *synthesize(
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
      for (let start = 0; start < samples.length; start += step) {
        if (start > 0 && speed < Infinity) {
          await sleep(CHUNK_MS / speed, { clock: this.#clock, signal });
        }
        signal.throwIfAborted();
        yield { pcm: new PcmChunk(samples.subarray(start, start + step), { sampleRate }) };
      }
    } finally {
      if (signal.aborted) this.aborted.push(text);
    }
  }

  #samples(text: string, sampleRate: number): Int16Array {
    const { msPerChar = 50 } = this.#options;
    const perChar = Math.round(sampleRate * msPerChar / 1000);
    const samples = new Int16Array(text.length * perChar);
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      // Spaces are quiet; every letter has its own loudness.
      const loudness = text[index] === " " ? 300 : 3000 + (code * 7919 % 97) * 90;
      for (let n = 0; n < perChar; n++) {
        const at = index * perChar + n;
        samples[at] = loudness * Math.sin(2 * Math.PI * 300 * at / sampleRate);
      }
    }
    return samples;
  }
}
