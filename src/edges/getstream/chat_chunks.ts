/**
 * Long texts in several messages: Stream's chat cuts a message that is longer.
 *
 * @module
 */

/** The most characters of one message. */
const CHUNK_LENGTH = 1000;

/**
 * Cuts a text into pieces of at most 1000 characters, at a space where there is one in the last
 * fifth, never inside a character that takes two code units. An empty text is one empty piece.
 */
export function chunksOf(text: string, length = CHUNK_LENGTH): string[] {
  const chunks: string[] = [];
  let start = 0;
  while (text.length - start > length) {
    let end = start + length;
    const space = text.lastIndexOf(" ", end - 1);
    if (space >= start + length * 0.8) end = space + 1;
    else if (isLowSurrogate(text.charCodeAt(end))) end--;
    chunks.push(text.slice(start, end));
    start = end;
  }
  chunks.push(text.slice(start));
  return chunks;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
