/** The messages of a voice's connection, in a vendor's words. @module */
import type { InferenceError } from "../../inference/contracts/errors.ts";

/** A character and when it has been said, in milliseconds of the bytes that it comes with. */
export interface SpokenChar {
  readonly char: string;
  readonly endMs: number;
}

/** A word of the text and when it has been said, in milliseconds of the stream's sound. */
export interface SpokenWord {
  readonly text: string;
  readonly endMs: number;
}

/** What a vendor's codec does its work with. */
export interface TtsIo {
  /** Sends a message of the vendor. */
  send(message: string): void;
  /** Sound of a stream, with when its characters are said, in milliseconds of these bytes. */
  sound(id: string | undefined, bytes: Uint8Array, chars?: readonly SpokenChar[]): void;
  /** When words of a stream are said, in their order; they may come before their sound. */
  words(id: string | undefined, words: readonly SpokenWord[]): void;
  /** A stream has no more sound, or its cancelling is confirmed. */
  ended(id: string | undefined): void;
  /** The connection is of no more use. */
  fail(error: InferenceError): void;
}

/** The messages of one connection. An `id` is left out by a service with one stream at a time. */
export interface TtsCodec {
  /** Sends text, in whole phrases. */
  speak(id: string, text: string, options: { readonly isFirst: boolean }): void;
  /** Has what was sent spoken now. */
  flush(id: string): void;
  /** No more text comes. */
  end(id: string): void;
  /** No more sound is needed. `ended` follows when the service has confirmed it, or immediately. */
  cancel(id: string): void;
  /** Takes a message of the service. An error that it throws ends the connection. */
  receive(data: string | Uint8Array<ArrayBuffer>): void;
}
