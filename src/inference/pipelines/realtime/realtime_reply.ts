/** One reply that a realtime model speaks itself. @module */
import { assertPcmChunk, type PcmChunk } from "../../../audio/pcm_chunk.ts";
import type { SpeechHandle } from "../../speech/speech_handle.ts";
import { Channel } from "../../../events/channel.ts";
import { SpokenText } from "../../text/spoken_text.ts";

/** The most audio of a reply that may wait to be played: the oldest is dropped. */
const CAPACITY_MS = 300_000;

/** A reply of a realtime model: its text and audio as they come. */
export class RealtimeReply {
  readonly spoken = new SpokenText();
  readonly #audio = new Channel<PcmChunk>({
    capacity: CAPACITY_MS,
    sizeOf: ({ durationMs }) => durationMs,
  });

  /** All text so far. */
  get text(): string {
    return this.spoken.written;
  }

  addText(text: string): void {
    this.spoken.say(text);
  }

  /** Appends a copy of this audio. */
  addAudio(pcm: PcmChunk): void {
    assertPcmChunk(pcm, "pcm");
    // Audio and text come together, faster than they are played: the text is as long as the audio.
    this.spoken.expectedMs = (this.spoken.expectedMs ?? 0) + pcm.durationMs;
    this.#audio.push(pcm.clone());
  }

  /** Ends it: no more comes; with an error, what came is not all of it. Idempotent. */
  end(error?: unknown): void {
    if (error === undefined) this.#audio.end();
    else this.#audio.fail(error);
  }

  /** Returns its audio as it comes. */
  audio(_speech?: SpeechHandle): AsyncIterable<PcmChunk> {
    return this.#audio;
  }
}
