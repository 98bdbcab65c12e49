/** Deepgram's words and errors in the words of the contract. @module */
import type { TranscribedWord } from "../../inference/contracts/stt.ts";
import { InferenceError } from "../../inference/contracts/errors.ts";
import type { DeepgramWord } from "./messages.ts";

/** Returns the words whose times are known. */
export function transcribedWords(words: readonly DeepgramWord[]): TranscribedWord[] {
  return words.flatMap(({ word, punctuated_word, start, end, confidence }) => {
    if (typeof start !== "number" || typeof end !== "number") return [];
    return [{
      text: punctuated_word ?? word,
      startMs: 1000 * start,
      endMs: 1000 * end,
      ...typeof confidence === "number" ? { confidence } : {},
    }];
  });
}

/** Codes of errors that are the client's. */
const FINAL = /UNPARSABLE|INVALID|UNSUPPORTED|DATA-0000|MESSAGE-0000/;

/** Returns the error for one that the service sent. */
export function statedError(
  name: string,
  { code, description, message = "" }: { code: string; description: string; message?: string },
): InferenceError {
  const reason = [code, description || message].filter(Boolean).join(": ");
  return new InferenceError(`${name}: ${reason || "the service failed"}`, {
    code: "failed",
    retryable: !FINAL.test(code),
  });
}
