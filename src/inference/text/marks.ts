/** The marks in written text that a voice does not say: Markdown, HTML and emoji. @module */
import { type PlacedText, replaced, without } from "./placed_text.ts";

/** A link: its text remains. What would be longer is text. */
const LINK = /!?\[([^\][\n]{0,300})\]\([^)\n]{0,400}\)/dg;
/** A tag, a comment or an address in angle brackets. */
const TAG = /<(?:\/?[a-zA-Z][^<>\n]{0,300}|!--[^<>\n]{0,300}--)>/g;
/** The beginning of one of both whose end has not come. */
const OPEN_MARK =
  /\[[^\][\n]{0,300}(?:$|\](?:$|\([^)\n]{0,400}$))|<(?:$|\/$|\/?[a-zA-Z][^<>\n]{0,300}$|!(?:-(?:-[^<>\n]{0,300})?)?$)/;
/** Tags within a word or a sentence; others separate. */
const INLINE_TAG = /^<\/?(?:a|abbr|b|code|em|font|i|kbd|mark|s|small|span|strong|sub|sup|u)[\s/>]/i;
const ENTITY = /&(amp|lt|gt|quot|nbsp|#39);/g;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
  nbsp: " ",
};

/** Of each match only the first group remains, if it has one. */
const MARKS: readonly RegExp[] = [
  /`{1,3}/g,
  /\*\*|__|~~/g,
  // Emphasis at a word's beginning, and at its end.
  /(^|[\s(。！？，、；：])[*_](?=\S)/dg,
  /(\S)[*_](?=[\s).,!?;:。！？，、；：]|$)/dg,
  // Digits in boxes, flags, and emoji with their skin tones and joiners.
  /[0-9#*]\ufe0f?\u20e3|\p{RI}|(?:\p{Extended_Pictographic}|\p{Emoji_Modifier})[\ufe0e\ufe0f\p{Emoji_Modifier}\u{e0020}-\u{e007f}]*\u200d?|\ufe0f/gu,
];

/** White space, headings, quotations and bullets at the beginning of a line. */
export const LINE_MARK = /^(?:\s+|(?:#{1,6}|>|[-*+•])\s)/;
/** A line that is not said: a row of a table, the fence of code with its language, a rule. */
export const SILENT_LINE = /^(?:\||(?:`{3,}|~{3,})[^`\n]*(?:\n|$)|(?:[-=*_]\s*){3,}(?:\n|$))/;
/** The beginning of a line of which more must come before it is known whether it is said. */
export const OPEN_LINE = /(?:^|\n)[ \t]{0,60}(?:(?:`{3,60}|~{3,60})[^`\n]{0,100}|[-=*_]{2,60})$/;
/** The head of a table, or what is left of it, and the rule below it. */
export const TABLE_HEAD =
  /^[^\n]*\|[^\n]*\n(?=[^\n]*\|)[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*\|)*[ \t]*(?::?-+:?[ \t]*)?(?:\n|$)/;
/** What may be the head of a table: a line with a bar, of which the line below has not come. */
export const OPEN_TABLE =
  /(?:^|(?<=\n))(?![-:| \t]+(?:\n|$))[^|\n]{0,200}\|[^\n]{0,300}(?:\n[-:| \t]{0,200})?$/;
/** The beginning of a line that may be one. */
export const OPEN_CELL = /(?<=\n)[^|\n.,;:!?]{0,24}$/;

/** Returns a text without the marks in it; none spans its beginning or its end. */
export function withoutMarks(written: PlacedText): PlacedText {
  let text = without(LINK, written);
  text = replaced(TAG, text, ([tag]) => INLINE_TAG.test(tag) ? "" : " ");
  text = replaced(ENTITY, text, ([, name]) => ENTITIES[name!]!);
  for (const mark of MARKS) text = without(mark, text);
  return text;
}

/** Returns where links and tags begin and end in a text. */
export function markSpans(text: string): { start: number; end: number }[] {
  const spans = [LINK, TAG].flatMap((mark) =>
    [...text.matchAll(mark)].map(({ index, 0: { length } }) => {
      return { start: index, end: index + length };
    })
  );
  return spans.sort((a, b) => a.start - b.start);
}

/** Returns where a link or tag begins whose end has not come, or the text's length. */
export function openMarkStart(text: string): number {
  const at = text.search(OPEN_MARK);
  return at < 0 ? text.length : at;
}
