/** A filter that makes written text speakable as it comes. @module */
import {
  LINE_MARK,
  markSpans,
  OPEN_CELL,
  OPEN_LINE,
  OPEN_TABLE,
  openMarkStart,
  SILENT_LINE,
  TABLE_HEAD,
  withoutMarks,
} from "./marks.ts";
import { joinPlaced, placedSlice, type PlacedText, placedText } from "./placed_text.ts";

/** Text is looked at in windows of so many characters: the work grows no faster than its length. */
const WINDOW = 512;
/** Where a model thinks aloud; the longer of both ends is `MAX_END` characters. */
const THOUGHT = /<(think|thinking)>/i;
const THOUGHT_END = /<\/(?:think|thinking)>/i;
const MAX_END = "</thinking>".length;
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
 * Takes text as a model writes it and returns what a voice is to say of it: without thoughts, tables,
 * Markdown (emphasis, headings, bullets, link targets, fences of code and their language), HTML and
 * emoji. Runs of white space become one space or the end of a line. What may still belong to a mark
 * is kept until more comes.
 */
export class MarkupFilter {
  #rest = "";
  /** Where the rest begins in the text. */
  #start = 0;
  #isLineStart = true;
  /** Whether the rest of the line is not said. */
  #isSilentLine = false;
  #isThought = false;
  /** Whether the line is below the head of a table: it is a row of it if it has a bar. */
  #isTable = false;
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
      parts.push(...this.#takeReady());
    }
    return joinPlaced(parts);
  }

  /** Ends the text and returns what can be said of the rest. */
  end(): PlacedText {
    const ready = [...this.#takeReady()];
    const rest = this.#take(this.#rest.length);
    return joinPlaced(this.#isThought ? ready : [...ready, rest]);
  }

  *#takeReady(): Generator<PlacedText, void, void> {
    while (true) {
      if (this.#isThought) {
        const end = THOUGHT_END.exec(this.#rest);
        this.#drop(end ? end.index + end[0].length : Math.max(0, this.#rest.length - MAX_END));
        if (!end) return;
        this.#isThought = false;
      }
      const thought = THOUGHT.exec(this.#rest);
      const end = thought ? thought.index : this.#cut();
      if (end > 0) yield this.#take(end);
      if (!thought) return;
      this.#drop(thought[0].length);
      this.#isThought = true;
    }
  }

  #drop(chars: number): void {
    this.#rest = this.#rest.slice(chars);
    this.#start += chars;
  }

  #take(end: number): PlacedText {
    const written = placedText(this.#rest.slice(0, end), this.#start);
    this.#drop(end);
    const lines: PlacedText[] = [];
    for (let start = 0; start < end;) {
      const head = TABLE_HEAD.exec(written.text.slice(start, start + 2 * WINDOW))?.[0];
      if (head) {
        this.#isTable = this.#isLineStart = true;
        this.#isSilentLine = false;
        start += head.length;
        // What is around it are two sentences.
        lines.push(placedSlice(written, start - 1, head.endsWith("\n") ? start : start - 1));
        continue;
      }
      const lineEnd = written.text.indexOf("\n", start) + 1 || end;
      lines.push(this.#line(placedSlice(written, start, lineEnd)));
      start = lineEnd;
    }
    return this.#collapsed(joinPlaced(lines));
  }

  /** Returns what is said of a line, or of a part of it. */
  #line(written: PlacedText): PlacedText {
    const isEnd = written.text.endsWith("\n");
    if (this.#isTable && this.#isLineStart) {
      this.#isTable = this.#isSilentLine = written.text.includes("|");
    }
    let line = written;
    while (this.#isLineStart && line.text !== "") {
      if (SILENT_LINE.test(line.text)) this.#isSilentLine = true;
      const mark = LINE_MARK.exec(line.text)?.[0];
      if (this.#isSilentLine || mark === undefined) this.#isLineStart = false;
      else line = placedSlice(line, mark.length);
    }
    // The end of the line remains: what is around it are two sentences.
    if (this.#isSilentLine) line = placedSlice(line, line.text.length - (isEnd ? 1 : 0));
    if (isEnd) {
      this.#isLineStart = true;
      this.#isSilentLine = false;
    }
    return withoutMarks(line);
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

  /** Returns how much of the rest can be looked at by itself: no mark spans its end. */
  #cut(): number {
    const text = this.#rest;
    const openLine = OPEN_LINE.exec(text);
    const isOpen = openLine && (this.#isLineStart || text[openLine.index] === "\n");
    const limit = Math.min(
      openMarkStart(text),
      isOpen ? openLine.index : text.length,
      this.#tableStart(text),
    );
    const spans = markSpans(text);
    for (let end = limit; end > 0; end--) {
      while (spans.length > 0 && end <= spans.at(-1)!.start) spans.pop();
      const isInMark = spans.length > 0 && end < spans.at(-1)!.end;
      if (!isInMark && isCut(text, end)) return end;
    }
    if (text.length < WINDOW || limit === 0) return 0;
    // A long piece without a gap.
    const isTorn = /[\ud800-\udbff]/.test(text[limit - 1]!);
    return isTorn ? limit - 1 : limit;
  }

  /** Returns where a line begins that may belong to a table, as far as it has come; or the text's length. */
  #tableStart(text: string): number {
    const lineStart = text.lastIndexOf("\n") + 1;
    const isRow = this.#isTable && (lineStart > 0 || this.#isLineStart);
    if (isRow && text.length - lineStart < WINDOW) return lineStart;
    const starts = [OPEN_TABLE, OPEN_CELL].map((open) => text.search(open));
    // What came before the text's first line is another line.
    const isCell = this.#isLineStart && this.#start > 0 && OPEN_CELL.test(`\n${text}`);
    if (isCell && lineStart === 0) return 0;
    return Math.min(text.length, ...starts.filter((start) => start >= 0));
  }
}

/** Returns a text without what a model thinks aloud in it. */
export function withoutThoughts(text: string): string {
  let rest = text;
  let spoken = "";
  for (let start = THOUGHT.exec(rest); start; start = THOUGHT.exec(rest)) {
    spoken += rest.slice(0, start.index);
    rest = rest.slice(start.index + start[0].length);
    const end = THOUGHT_END.exec(rest);
    rest = end ? rest.slice(end.index + end[0].length) : "";
  }
  return spoken + rest;
}

function isCut(text: string, end: number): boolean {
  const before = text[end - 1]!;
  if (/\s/.test(before) || WIDE_END.test(before)) return true;
  return end < text.length && WITHOUT_SPACES.test(before) && WITHOUT_SPACES.test(text[end]!);
}
