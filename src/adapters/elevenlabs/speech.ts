/** ElevenLabs' voices, at `/v1/text-to-speech/{voice}/multi-stream-input`. @module */
import type { SpokenChar, TtsCodec, TtsIo } from "../streaming/tts_codec.ts";
import { readSpeech, type SpeechMessage, statedError } from "./messages.ts";

/** An idle connection is closed after a while; this is no text of any stream. */
export const SPEECH_KEEPALIVE = {
  intervalMs: 10_000,
  message: JSON.stringify({ text: "" }),
};

/** The messages of one connection, each stream a context of the service. */
export class SpeechCodec implements TtsCodec {
  readonly #name: string;
  readonly #io: TtsIo;
  readonly #settings: object;
  /** The contexts whose sound is wanted. */
  readonly #wanted = new Set<string>();

  /** @param settings how a context begins, in the service's words */
  constructor(name: string, io: TtsIo, settings: object) {
    this.#name = name;
    this.#io = io;
    this.#settings = settings;
  }

  speak(context_id: string, text: string, { isFirst }: { readonly isFirst: boolean }): void {
    // A context takes its settings with its first message, and no later ones.
    if (isFirst) {
      this.#wanted.add(context_id);
      this.#send({ text: " ", ...this.#settings, context_id });
    }
    this.#send({ text: /\s$/.test(text) ? text : `${text} `, context_id });
  }

  flush(context_id: string): void {
    this.#send({ flush: true, context_id });
  }

  end(context_id: string): void {
    this.flush(context_id);
    this.#send({ close_context: true, context_id });
  }

  cancel(context_id: string): void {
    this.#wanted.delete(context_id);
    this.#send({ close_context: true, context_id });
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data !== "string") return;
    const message = readSpeech(data);
    const id = message.contextId ?? message.context_id ?? undefined;
    if (message.error) {
      // Of a context that was cancelled nothing is wanted, its failures included: it is over.
      if (id !== undefined && !this.#wanted.has(id)) return this.#io.ended(id);
      return this.#io.fail(statedError(this.#name, message.error, message.message));
    }
    if (id === undefined) return; // the answer to a sign of life
    if (message.audio) {
      this.#io.sound(id, Uint8Array.fromBase64(message.audio), alignedChars(message));
    }
    if (!message.isFinal && !message.is_final) return;
    this.#wanted.delete(id);
    this.#io.ended(id);
  }

  #send(message: object): void {
    this.#io.send(JSON.stringify(message));
  }
}

function alignedChars({ alignment }: SpeechMessage): SpokenChar[] {
  if (!alignment) return [];
  const { chars, charStartTimesMs, charsStartTimesMs, charDurationsMs, charsDurationsMs } =
    alignment;
  const starts = charStartTimesMs.length > 0 ? charStartTimesMs : charsStartTimesMs;
  const durations = charDurationsMs.length > 0 ? charDurationsMs : charsDurationsMs;
  // Characters without times say nothing of when they are said.
  if (starts.length < chars.length || durations.length < chars.length) return [];
  return chars.map((char, n) => ({ char, endMs: starts[n]! + durations[n]! }));
}
