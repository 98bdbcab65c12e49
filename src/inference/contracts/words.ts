/** Whether a text has something to say. @module */

/** Whether a text has a letter or a digit: what has neither is not spoken. */
export function hasWords(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}
