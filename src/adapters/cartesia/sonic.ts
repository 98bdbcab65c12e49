/** Cartesia's voices, at `/tts/websocket`. @module */
import type { TtsCodec, TtsIo } from "../streaming/tts_codec.ts";
import { readSpeech, statedError, timedWords, type WordTimes } from "./messages.ts";

/** A stream, and the context of the service that speaks it at the moment. */
interface Speaking {
  contextId: string;
  /** How many contexts it has had. */
  count: number;
  /** Whether the service has said all of the context: it keeps one for a second after its sound. */
  isOver: boolean;
  /** Whether no more text comes. */
  isEnded: boolean;
  /** Milliseconds of its sound, and those before its current context. */
  soundMs: number;
  fromMs: number;
}

/** The messages of one connection, each stream a context of the service, or several in a row. */
export class SonicCodec implements TtsCodec {
  readonly #name: string;
  readonly #io: TtsIo;
  readonly #request: object;
  readonly #sampleRate: number;
  readonly #streams = new Map<string, Speaking>();
  /** The streams by the ids of their contexts. */
  readonly #ids = new Map<string, string>();

  /** @param request what each request says beside its text, in the service's words */
  constructor(name: string, io: TtsIo, request: object, sampleRate: number) {
    this.#name = name;
    this.#io = io;
    this.#request = request;
    this.#sampleRate = sampleRate;
  }

  speak(id: string, transcript: string, { isFirst }: { readonly isFirst: boolean }): void {
    const one = isFirst ? this.#begin(id) : this.#streams.get(id);
    if (!one) return;
    if (one.isOver) this.#beginContext(id, one);
    this.#send(one, { transcript, continue: true });
  }

  flush(id: string): void {
    const one = this.#streams.get(id);
    if (one && !one.isOver) this.#send(one, { transcript: "", continue: true, flush: true });
  }

  end(id: string): void {
    const one = this.#streams.get(id);
    if (!one) return;
    one.isEnded = true;
    if (one.isOver) this.#ended(id, one);
    else this.#send(one, { transcript: "", continue: false });
  }

  cancel(id: string): void {
    const one = this.#streams.get(id);
    if (one && !one.isOver) {
      this.#io.send(JSON.stringify({ context_id: one.contextId, cancel: true }));
    }
    // The service does not confirm it, and may send what it had begun: that is of no stream any more.
    if (one) this.#ended(id, one);
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data !== "string") return;
    const message = readSpeech(data);
    if (!message) return;
    if (message.type === "error") {
      // Of a context that was cancelled nothing is wanted, its failures included.
      if (message.context_id && !this.#ids.has(message.context_id)) return;
      return this.#io.fail(statedError(this.#name, message));
    }
    const id = this.#ids.get(message.context_id);
    const one = id === undefined ? undefined : this.#streams.get(id);
    if (id === undefined || !one) return;
    switch (message.type) {
      case "chunk": {
        const bytes = Uint8Array.fromBase64(message.data);
        one.soundMs += bytes.length * 500 / this.#sampleRate;
        return this.#io.sound(id, bytes);
      }
      case "timestamps":
        return message.word_timestamps ? this.#said(id, one, message.word_timestamps) : undefined;
      case "done":
        one.isOver = true;
        this.#ids.delete(one.contextId);
        return one.isEnded ? this.#ended(id, one) : undefined;
    }
  }

  #begin(id: string): Speaking {
    const one: Speaking = {
      contextId: id,
      count: 0,
      isOver: false,
      isEnded: false,
      soundMs: 0,
      fromMs: 0,
    };
    this.#streams.set(id, one);
    this.#beginContext(id, one);
    return one;
  }

  #beginContext(id: string, one: Speaking): void {
    one.contextId = `${id}-${++one.count}`;
    one.isOver = false;
    one.fromMs = one.soundMs;
    this.#ids.set(one.contextId, id);
  }

  #said(id: string, { fromMs }: Speaking, times: WordTimes): void {
    const words = [...timedWords(times)];
    this.#io.words(id, words.map(({ text, endMs }) => ({ text, endMs: fromMs + endMs })));
  }

  #ended(id: string, { contextId }: Speaking): void {
    this.#ids.delete(contextId);
    this.#streams.delete(id);
    this.#io.ended(id);
  }

  #send({ contextId: context_id }: Speaking, what: object): void {
    this.#io.send(JSON.stringify({ ...this.#request, ...what, context_id }));
  }
}
