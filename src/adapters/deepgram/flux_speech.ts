/** Deepgram's voices at `/v2/speak`, which speak in turns: one text at a time. @module */
import type { TtsCodec, TtsIo } from "../streaming/tts_codec.ts";
import { readFluxSpeech } from "./messages.ts";
import { statedError } from "./words.ts";

/** An interruption that the service ignores, because it has no sound since the last one. */
const NOTHING_HEARD = ["NO_AUDIO_GENERATED", "INVALID_INTERRUPT_OFFSET", "INTERRUPT_IN_PROGRESS"];

/**
 * The messages of one connection to `/v2/speak`. The service finds itself what of a text can be spoken
 * without the rest. A flush ends its turn: what comes after it is another.
 */
export class FluxSpeechCodec implements TtsCodec {
  readonly #name: string;
  readonly #io: TtsIo;
  /** Turns that have begun and are not over. */
  #turns = 0;
  /** Whether there is text after the last flush. */
  #isOpen = false;
  #isEnding = false;
  #isCancelling = false;
  /** Whether an interruption was sent and not answered. */
  #isAsked = false;

  constructor(name: string, io: TtsIo) {
    this.#name = name;
    this.#io = io;
  }

  speak(_id: string, text: string, { isFirst }: { readonly isFirst: boolean }): void {
    if (isFirst) this.#begin();
    if (!this.#isOpen) this.#turns++;
    this.#isOpen = true;
    this.#send({ type: "Speak", text });
  }

  flush(_id: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#send({ type: "Flush" });
  }

  end(id: string): void {
    this.#isEnding = true;
    this.flush(id);
    if (this.#turns === 0) this.#io.ended(undefined);
  }

  cancel(_id: string): void {
    this.#isCancelling = true;
    if (this.#turns === 0) this.#cancelled();
    else this.#interrupt();
  }

  receive(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data !== "string") {
      this.#io.sound(undefined, data);
      // Now there is something to interrupt.
      if (this.#isCancelling && !this.#isAsked) this.#interrupt();
      return;
    }
    const message = readFluxSpeech(data);
    switch (message?.type) {
      case "SpeechMetadata":
        this.#turns = Math.max(0, this.#turns - 1);
        if (this.#turns > 0) return;
        if (this.#isCancelling) return this.#isAsked ? undefined : this.#cancelled();
        return this.#isEnding ? this.#io.ended(undefined) : undefined;
      case "SpeechInterrupted":
        this.#isOpen &&= this.#turns > 1;
        this.#turns = Math.max(0, this.#turns - 1);
        return this.#answered();
      case "Warning":
        if (!this.#isAsked) return;
        if (message.code === "NO_ACTIVE_SPEECH") this.#turns = 0;
        else if (NOTHING_HEARD.includes(message.code)) {
          this.#isAsked = false;
          if (this.#turns === 0) return this.#cancelled();
          // It ends by itself, or has sound by then.
          return this.flush("");
        } else return;
        return this.#answered();
      case "Error":
        return this.#io.fail(statedError(this.#name, message));
    }
  }

  #begin(): void {
    this.#turns = 0;
    this.#isOpen = false;
    this.#isEnding = false;
    this.#isCancelling = false;
    this.#isAsked = false;
  }

  #interrupt(): void {
    this.#isAsked = true;
    this.#send({ type: "Interrupt" });
  }

  /** A turn was interrupted, or none was left; the ones that wait behind it are no more wanted. */
  #answered(): void {
    if (this.#turns > 0) this.#interrupt();
    else this.#cancelled();
  }

  #cancelled(): void {
    this.#begin();
    this.#io.ended(undefined);
  }

  #send(message: object): void {
    this.#io.send(JSON.stringify(message));
  }
}
