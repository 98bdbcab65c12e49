import { assertPcmChunk, type PcmChunk } from "../../../audio/pcm_chunk.ts";
import type { SpeechPart } from "../../contracts/tts.ts";
import type { TtsUtterance } from "../../speech/speech_handle.ts";
import { Channel } from "../../../events/channel.ts";

/** An answer longer than this is not held: what is too old to be said goes, and is counted. */
const CAPACITY_MS = 300_000;

/** An answer of a realtime model on its way to the track. */
export class RealtimeReply {
  readonly #words = { text: "", expectedMs: 0 };
  readonly #audio = new Channel<SpeechPart>({
    capacity: CAPACITY_MS,
    sizeOf: ({ pcm }) => pcm.durationMs,
  });

  /** All its words so far. */
  get text(): string {
    return this.#words.text;
  }

  addText(text: string): void {
    this.#words.text += text;
  }

  /** Takes a copy. */
  addAudio(pcm: PcmChunk): void {
    assertPcmChunk(pcm, "pcm");
    // Sound and words come together, faster than they are said: they are as long as one another.
    this.#words.expectedMs += pcm.durationMs;
    this.#audio.push({ pcm: pcm.clone() });
  }

  end(): void {
    this.#audio.end();
  }

  async *utterances(): AsyncGenerator<TtsUtterance, void, void> {
    yield { words: this.#words, audio: this.#audio };
  }
}
