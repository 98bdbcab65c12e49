/** A filter that makes written text speakable as it comes. @module */
import { joinPlaced, placedSlice, type PlacedText, placedText, without } from "./placed_text.ts";

/** Text is looked at in windows of so many characters: the work grows no faster than its length. */
const WINDOW = 512;
/** What would be a longer link than this is text. */
const MAX_LINK = 1024;

/** A link: its text remains. */
const LINK = /!?\[([^\]\n]*)\]\([^)\n]*\)/dg;
/** Markdown and emoji. Of each match only the first group remains, if it has one. */
const MARKS: readonly RegExp[] = [
  LINK,
  /`{1,3}/g,
  /\*\*|__|~~/g,
  // Emphasis at a word's beginning, and at its end.
  /(^|[\s(。！？，、；：])[*_](?=\S)/dg,
  /(\S)[*_](?=[\s).,!?;:。！？，、；：]|$)/dg,
  /\p{Extended_Pictographic}|\u200d|\ufe0f/gu,
];
/** White space, headings, quotations and bullets at the beginning of a line. */
const LINE_MARK = /^(?:\s+|(?:#{1,6}|>|[-*+•])\s)/;
/** Ends after which no white space is needed. */
const WIDE_END = /[。！？，、；：]/;
/** Letters of scripts that put no white space between words. */
const WITHOUT_SPACES = new RegExp(
  "[" + ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"]
    .map((script) => `\\p{Script=${script}}`).join("") +
    "]",
  "u",
);

/**
 * Takes text as a model writes it and returns what a voice is to say of it: without Markdown
 * (emphasis, code, headings, bullets, link targets) and emoji. Runs of white space become one space
 * or the end of a line. What may still belong to a mark is kept until more comes.
 */
export class MarkupFilter {
  #rest = "";
  /** Where the rest begins in the text. */
  #start = 0;
  #isLineStart = true;
  /** The last character that was returned; none was is like a new line. */
  #last = "\n";

  /** How many characters of the text that came are done with, spoken or not. */
  get doneChars(): number {
    return this.#start;
  }

  /** Adds text and returns what can be said by now. */
  push(text: string): PlacedText {
    const parts: PlacedText[] = [];
    for (let at = 0; at < text.length; at += WINDOW) {
      this.#rest += text.slice(at, at + WINDOW);
      const end = cutOf(this.#rest);
      if (end > 0) parts.push(this.#take(end));
    }
    return joinPlaced(parts);
  }

  /** Ends the text and returns what can be said of the rest. */
  end(): PlacedText {
    return this.#take(this.#rest.length);
  }

  #take(end: number): PlacedText {
    const written = placedText(this.#rest.slice(0, end), this.#start);
    this.#rest = this.#rest.slice(end);
    this.#start += end;
    const lines: PlacedText[] = [];
    for (let start = 0; start < end;) {
      const lineEnd = written.text.indexOf("\n", start) + 1 || end;
      lines.push(this.#line(placedSlice(written, start, lineEnd)));
      start = lineEnd;
    }
    return this.#collapsed(joinPlaced(lines));
  }

  /** Returns what is said of a line, or of a part of it. */
  #line(written: PlacedText): PlacedText {
    const isEnd = written.text.endsWith("\n");
    let line = written;
    while (this.#isLineStart && line.text !== "") {
      const mark = LINE_MARK.exec(line.text)?.[0];
      if (mark === undefined) this.#isLineStart = false;
      else line = placedSlice(line, mark.length);
    }
    if (isEnd) this.#isLineStart = true;
    return MARKS.reduce((text, mark) => without(mark, text), line);
  }

  /** Of each run of white space one space remains, or a new line where there is one. */
  #collapsed({ text, places }: PlacedText): PlacedText {
    let remains = "";
    const from: number[] = [];
    for (let index = 0; index < text.length; index++) {
      const char = /\s/.test(text[index]!) ? text[index] === "\n" ? "\n" : " " : text[index]!;
      const isDouble = char === "\n" ? this.#last === "\n" : char === " " && /\s/.test(this.#last);
      if (isDouble) continue;
      remains += this.#last = char;
      from.push(places[index]!);
    }
    return { text: remains, places: from };
  }
}

/** Returns how much of a text can be looked at by itself: no mark spans its end. */
function cutOf(text: string): number {
  const limit = linkStart(text);
  const links = [...text.matchAll(LINK)];
  for (let end = limit; end > 0; end--) {
    const last = links.at(-1);
    if (last && end <= last.index) links.pop();
    const isInLink = last && end > last.index && end < last.index + last[0].length;
    if (!isInLink && isCut(text, end)) return end;
  }
  if (text.length < WINDOW || limit === 0) return 0;
  // A long piece without a gap.
  const isTorn = /[\ud800-\udbff]/.test(text[limit - 1]!);
  return isTorn ? limit - 1 : limit;
}

function isCut(text: string, end: number): boolean {
  const before = text[end - 1]!;
  if (/\s/.test(before) || WIDE_END.test(before)) return true;
  return end < text.length && WITHOUT_SPACES.test(before) && WITHOUT_SPACES.test(text[end]!);
}

/** Returns where a link begins whose end has not come, or the text's length. */
function linkStart(text: string): number {
  for (let at = text.indexOf("["); at >= 0; at = text.indexOf("[", at + 1)) {
    const link = /^\[[^\]\n]*(?:$|\](?:$|\([^)\n]*$))/.exec(text.slice(at));
    if (link && link[0].length <= MAX_LINK) return at;
  }
  return text.length;
}
