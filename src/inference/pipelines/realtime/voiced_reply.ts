/** One reply that a realtime model writes and another voice speaks. @module */
import type { PcmChunk } from "../../../audio/pcm_chunk.ts";
import type { SpeechHandle } from "../../speech/speech_handle.ts";
import type { Synthesizer } from "../../speech/synthesizer.ts";
import { Channel } from "../../../events/channel.ts";

/** A reply that a realtime model writes, and a voice of its own speaks. */
export class VoicedReply {
  /** The voice adds what it speaks as it speaks it. */
  readonly spoken = undefined;
  readonly #text = new Channel<string>();
  readonly #voice: Synthesizer;
  #written = "";

  constructor(voice: Synthesizer) {
    this.#voice = voice;
  }

  /** All text so far. */
  get text(): string {
    return this.#written;
  }

  addText(text: string): void {
    this.#written += text;
    this.#text.push(text);
  }

  /** The model was asked for text alone: what sound comes all the same is not heard. */
  addAudio(): void {}

  /** Ends it: no more comes; with an error, what came is not all of it. Idempotent. */
  end(error?: unknown): void {
    if (error === undefined) this.#text.end();
    else this.#text.fail(error);
  }

  /** Returns its audio as the voice speaks it. */
  audio(speech: SpeechHandle): AsyncIterable<PcmChunk> {
    return this.#voice.synthesize(this.#text, speech);
  }
}
