/** JSON that every service can read. @module */

/**
 * Returns a value as JSON without halves of characters (surrogates), which services refuse: a text that was cut may
 * end with one, and stays in the conversation. They become U+FFFD.
 */
export function wellFormedJson(value: unknown): string {
  return JSON.stringify(value, (_key, one) => typeof one === "string" ? one.toWellFormed() : one);
}
