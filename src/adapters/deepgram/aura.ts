/** Deepgram's voices at `/v1/speak`: one text at a time. @module */
import type { TtsCodec, TtsIo } from "../streaming/tts_codec.ts";
import { readAura } from "./messages.ts";
import { statedError } from "./words.ts";

/**
 * The messages of one connection to `/v1/speak`. The service speaks what it has when it is told to
 * flush, which it allows 20 times a minute: that is done after the first phrase, so that it is heard
 * early, and then at the end.
 */
export class AuraCodec implements TtsCodec {
  readonly #name: string;
  readonly #io: TtsIo;
  /** Flushes that are not confirmed. */
  #flushes = 0;
  #hasUnspoken = false;
  #isEnding = false;

  constructor(name: string, io: TtsIo) {
    this.#name = name;
    this.#io = io;
  }

  speak(id: string, text: string, { isFirst }: { readonly isFirst: boolean }): void {
    if (isFirst) this.#begin();
    this.#io.send(JSON.stringify({ type: "Speak", text }));
    this.#hasUnspoken = true;
    if (isFirst) this.flush(id);
  }

  flush(_id: string): void {
    if (!this.#hasUnspoken) return;
    this.#hasUnspoken = false;
    this.#flushes++;
    this.#io.send(JSON.stringify({ type: "Flush" }));
  }

  end(id: string): void {
    this.#isEnding = true;
    this.flush(id);
    if (this.#flushes === 0) this.#io.ended(undefined);
  }

  cancel(_id: string): void {
    this.#io.send(JSON.stringify({ type: "Clear" }));
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data !== "string") return this.#io.sound(undefined, data);
    const message = readAura(data);
    switch (message?.type) {
      case "Flushed":
        this.#flushes = Math.max(0, this.#flushes - 1);
        if (this.#flushes === 0 && this.#isEnding) this.#io.ended(undefined);
        break;
      case "Cleared":
        this.#begin();
        this.#io.ended(undefined);
        break;
      case "Error":
        this.#io.fail(statedError(this.#name, message));
        break;
    }
  }

  #begin(): void {
    this.#flushes = 0;
    this.#hasUnspoken = false;
    this.#isEnding = false;
  }
}
