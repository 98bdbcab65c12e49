/**
 * Names: texts that are shown on one line, as the server takes them.
 *
 * @module
 */

/** Characters that a name or an id may not have, since they make a line lie. */
const UNFIT = /[\p{Cc}\u2028-\u202E\u2066-\u2069]/u;

/**
 * Gives a text that is fit to be shown on one line, without the space around it.
 *
 * @param {string} what how to call it in an error
 * @param {unknown} text
 * @param {number} size the most characters it may have
 * @returns {string}
 * @throws {TypeError} it is no text
 * @throws {RangeError} it is empty, longer, or has characters that it may not have
 */
export function checkName(what, text, size) {
  if (typeof text !== "string") throw new TypeError(`${what} must be a text, got ${typeof text}`);
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.length > size || UNFIT.test(trimmed)) {
    throw new RangeError(
      `${what} must have 1 to ${size} characters, none of them for control or direction`,
    );
  }
  return trimmed;
}

/**
 * Makes a name of what somebody typed or pasted: an empty one where nothing of it is fit.
 *
 * @param {string} text
 * @returns {string}
 */
export function cleanName(text) {
  return text.replaceAll(new RegExp(UNFIT, "gu"), " ").trim().slice(0, 60).trim();
}
