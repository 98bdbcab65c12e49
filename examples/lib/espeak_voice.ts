import { PcmChunk, type SentenceVoice, type SpeechPart } from "@ringline/edge";
import type { SpeakRequest, SpokenText } from "./espeak_worker.ts";

const CHUNK_MS = 100;

/**
 * eSpeak NG in WASM, offline; GPL-3, see `espeak_worker.ts`. It tells its words, so that what was
 * heard is known to the word. Needs `--allow-read`. An agent takes it by `ttsFromSentences`.
 */
export class EspeakVoice implements SentenceVoice {
  readonly name = "espeak-ng";
  readonly #waiting = new Map<number, (spoken: SpokenText) => void>();
  #worker: Worker | undefined;
  #asked = 0;

  async start(): Promise<void> {
    const worker = new Worker(new URL("./espeak_worker.ts", import.meta.url), { type: "module" });
    this.#worker = worker;
    await new Promise<void>((resolve, reject) => {
      worker.onmessage = () => resolve();
      worker.onerror = ({ message }) => reject(new Error(`eSpeak NG does not start: ${message}`));
    });
    worker.onmessage = ({ data }: MessageEvent<SpokenText>) => {
      this.#waiting.get(data.id)?.(data);
      this.#waiting.delete(data.id);
    };
  }

  close(): void {
    this.#worker?.terminate();
  }

  async *synthesize(
    text: string,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<SpeechPart, void, void> {
    const { samples, sampleRate, words } = await this.#speak(text);
    // A word is over when the next one begins.
    const alignment = words.map(({ from, fromMs }) => ({ chars: from, atMs: fromMs }));
    const step = Math.round(sampleRate * CHUNK_MS / 1000);
    for (let start = 0; start < samples.length; start += step) {
      signal.throwIfAborted();
      const pcm = new PcmChunk(samples.subarray(start, start + step), { sampleRate });
      yield start === 0 ? { pcm, alignment } : { pcm };
    }
  }

  #speak(text: string): Promise<SpokenText> {
    const request: SpeakRequest = { id: ++this.#asked, text };
    return new Promise((resolve) => {
      this.#waiting.set(request.id, resolve);
      this.#worker!.postMessage(request);
    });
  }
}
