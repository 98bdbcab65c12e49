/** Text for a voice, with the way back to the written text. */
export interface Speakable {
  /** Empty when nothing of it can be said. */
  readonly text: string;
  /** Returns how many characters of the written text the first `chars` spoken ones stand for. */
  writtenChars(chars: number): number;
}

/** Markdown and emoji. Of each match only the first group remains, if it has one. */
const MARKS: readonly RegExp[] = [
  // Links: their text remains.
  /!?\[([^\]]*)\]\([^)]*\)/dg,
  /`{1,3}/g,
  /\*\*|__|~~/g,
  // Emphasis at a word's beginning, and at its end.
  /(^|[\s(])[*_](?=\S)/dg,
  /(\S)[*_](?=[\s).,!?;:]|$)/dg,
  // Headings, quotations and bullets.
  /^\s*(?:#{1,6}|>|[-*+•])\s+/gm,
  /\p{Extended_Pictographic}|\u200d|\ufe0f/gu,
  /(\s)\s+/dg,
  /^\s+|\s+$/g,
];

/**
 * Returns text for a voice: without Markdown (emphasis, code, headings, bullets, link targets) and
 * emoji.
 */
export function toSpeakable(written: string): Speakable {
  let text = written;
  let places = Array.from({ length: written.length }, (_, index) => index);
  for (const mark of MARKS) [text, places] = without(mark, text, places);
  text = text.replace(/\s/g, " ");
  if (!/[\p{L}\p{N}]/u.test(text)) text = "";
  return {
    text,
    writtenChars: (chars) => {
      if (chars <= 0) return 0;
      // Marks right after a word, and a link's target, belong to it.
      return chars >= text.length ? written.length : places[chars]!;
    },
  };
}

/** Removes a mark from a text whose characters come from these places. */
function without(mark: RegExp, text: string, places: readonly number[]): [string, number[]] {
  let remains = "";
  const from: number[] = [];
  const keep = (start: number, end: number): void => {
    remains += text.slice(start, end);
    for (let index = start; index < end; index++) from.push(places[index]!);
  };
  let end = 0;
  for (const match of text.matchAll(mark)) {
    keep(end, match.index);
    const group = match.indices?.[1];
    if (group) keep(...group);
    end = match.index + match[0].length;
  }
  keep(end, text.length);
  return [remains, from];
}
