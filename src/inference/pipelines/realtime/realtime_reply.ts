import { assertPcmChunk, type PcmChunk } from "../../../audio/pcm_chunk.ts";
import type { SpeechPart } from "../../contracts/tts.ts";
import type { TtsUtterance } from "../../speech/speech_handle.ts";
import { Channel } from "../../../events/channel.ts";

/** The most audio of a reply that may wait to be played: the oldest is dropped. */
const CAPACITY_MS = 300_000;

/** A reply of a realtime model: its text and audio as they come. */
export class RealtimeReply {
  readonly #words = { text: "", expectedMs: 0 };
  readonly #audio = new Channel<SpeechPart>({
    capacity: CAPACITY_MS,
    sizeOf: ({ pcm }) => pcm.durationMs,
  });

  /** All text so far. */
  get text(): string {
    return this.#words.text;
  }

  addText(text: string): void {
    this.#words.text += text;
  }

  /** Appends a copy of this audio. */
  addAudio(pcm: PcmChunk): void {
    assertPcmChunk(pcm, "pcm");
    // Audio and text come together, faster than they are played: the text is as long as the audio.
    this.#words.expectedMs += pcm.durationMs;
    this.#audio.push({ pcm: pcm.clone() });
  }

  /** Ends it: no more comes. Idempotent. */
  end(): void {
    this.#audio.end();
  }

  /** Returns the reply as one utterance. */
  async *utterances(): AsyncGenerator<TtsUtterance, void, void> {
    yield { words: this.#words, audio: this.#audio };
  }
}
