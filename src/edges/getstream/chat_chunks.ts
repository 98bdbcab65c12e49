/**
 * Chunks of long texts: Stream's chat cuts off a message that is too long.
 *
 * @module
 */

/** The longest chunk, in characters. */
const CHUNK_LENGTH = 1000;

/**
 * Cuts a text into chunks of at most 1000 characters, at a space where there is one in the last
 * fifth, never inside a character of two code units. An empty text is one empty chunk.
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
