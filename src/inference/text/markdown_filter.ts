/** Text as a voice gets it, and where it stands in the text that it was made of. */
export interface Speakable {
  /** Empty when nothing of it can be said. */
  readonly text: string;
  /** How much of the written text the first `chars` characters of the spoken one are. */
  writtenChars(chars: number): number;
}

/** Marks for the eye. Of each only the first group remains, if it has one. */
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
 * Text as a voice should get it: without the marks that models put in for the eye (emphasis, code,
 * headings, bullets, link targets, emoji).
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

/** Only the text of {@linkcode toSpeakable}. */
export function stripMarkdown(text: string): string {
  return toSpeakable(text).text;
}

/** Takes a mark out of a text whose characters come from these places. */
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
