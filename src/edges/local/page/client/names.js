/**
 * Names that are safe to show on one line, as the server accepts them.
 *
 * @module
 */

/** Control and direction characters, which can make a name look like another. */
const FORBIDDEN = /[\p{Cc}\u2028-\u202E\u2066-\u2069]/u;

/**
 * Returns a name without the space around it.
 *
 * @param {string} what its name in errors
 * @param {unknown} text
 * @param {number} size the most characters it may have
 * @returns {string}
 * @throws {TypeError} it is not a string
 * @throws {RangeError} it is empty, too long, or has forbidden characters
 */
export function checkName(what, text, size) {
  if (typeof text !== "string") {
    throw new TypeError(`${what}: expected a string, got ${typeof text}`);
  }
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.length > size || FORBIDDEN.test(trimmed)) {
    throw new RangeError(
      `${what} must have 1 to ${size} characters without control or direction characters`,
    );
  }
  return trimmed;
}

/**
 * Returns typed or pasted text as a name, which is empty when no character is allowed.
 *
 * @param {string} text
 * @returns {string}
 */
export function cleanName(text) {
  return text.replaceAll(new RegExp(FORBIDDEN, "gu"), " ").trim().slice(0, 60).trim();
}
