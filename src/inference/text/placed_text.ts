/** Text that knows where each of its characters stands in the text that it was made from. @module */

/** Text with the way back to the text that it was made from. */
export interface PlacedText {
  readonly text: string;
  /** Where each UTF-16 code unit of `text` stands in the source, in order. */
  readonly places: readonly number[];
}

/** Returns a text as it stands, which begins so far into its source. */
export function placedText(text: string, start: number): PlacedText {
  return { text, places: Array.from({ length: text.length }, (_, index) => start + index) };
}

/** Returns a part of a text. */
export function placedSlice({ text, places }: PlacedText, start: number, end?: number): PlacedText {
  return { text: text.slice(start, end), places: places.slice(start, end) };
}

/** Returns texts one after the other. */
export function joinPlaced(parts: readonly PlacedText[]): PlacedText {
  if (parts.length === 1) return parts[0]!;
  return {
    text: parts.map(({ text }) => text).join(""),
    places: parts.flatMap(({ places }) => places),
  };
}

/**
 * Returns a text without the matches of a pattern. Of each match its first group remains, if it has
 * one.
 */
export function without(pattern: RegExp, text: PlacedText): PlacedText {
  return edited(pattern, text, (match, { keep }) => {
    const group = match.indices?.[1];
    if (group) keep(...group);
  });
}

/** Returns a text whose matches of a pattern are replaced; each stands where its match began. */
export function replaced(
  pattern: RegExp,
  text: PlacedText,
  replacement: (match: RegExpExecArray) => string,
): PlacedText {
  return edited(pattern, text, (match, { add }) => add(replacement(match), match.index));
}

/** The text that is being made of another. */
interface Edit {
  /** Adds a part of the other text. */
  keep(start: number, end: number): void;
  /** Adds new text, which stands where that character of the other stands. */
  add(text: string, at: number): void;
}

function edited(
  pattern: RegExp,
  { text, places }: PlacedText,
  edit: (match: RegExpExecArray, into: Edit) => void,
): PlacedText {
  let remains = "";
  const from: number[] = [];
  const into: Edit = {
    keep(start, end) {
      remains += text.slice(start, end);
      for (let index = start; index < end; index++) from.push(places[index]!);
    },
    add(added, at) {
      remains += added;
      for (let index = 0; index < added.length; index++) from.push(places[at]!);
    },
  };
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    into.keep(end, match.index);
    edit(match, into);
    end = match.index + match[0].length;
  }
  if (end === 0) return { text, places };
  into.keep(end, text.length);
  return { text: remains, places: from };
}
