/** Cuts a text into sentences as it comes. @module */
import { checkOptions } from "../../events/checks.ts";

/** Options for {@linkcode SentenceSplitter}. */
export interface SentenceSplitterOptions {
  /**
   * A sentence longer than this is cut at a comma or a space, or where there is none between words.
   * Default 240 characters.
   */
  maxChars?: number;
}

/** A full stop after one of these ends no sentence. */
const ABBREVIATIONS = new Set(
  ("mr mrs ms dr prof st sr jr vs etc e.g i.e a.m p.m approx no vol fig inc ltd co bzw usw z.b d.h " +
    "ca nr dipl ing hr fr").split(" "),
);
/** An end that needs white space after it, one that does not, and a line's end. */
const END =
  /(?:(?<![.!?…।॥؟۔։])[.!?…।॥؟۔։]+["'”’»)\]]*(?=\s)|(?<![。！？])[。！？]+["'”’」』）]*|\n+)\s*/gu;
/** So much after the longest sentence is looked at. */
const LOOKAHEAD = 64;
/** So much before a full stop decides whether it is one. */
const TAIL = 32;
/** Where a long sentence is cut. */
const CLAUSE_ENDS = [", ", "; ", ": ", " - ", " – ", "، ", "؛ ", "，", "、", "；", "："];

const words = new Intl.Segmenter(undefined, { granularity: "word" });
const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * Cuts text that comes in pieces into sentences, as soon as each is complete. The sentences joined
 * are the text, white space included.
 *
 * @example
 * ```ts
 * import { SentenceSplitter } from "@ringline/edge";
 *
 * const splitter = new SentenceSplitter();
 * console.log(splitter.push("It is 3.5 miles, Mr. Po")); // []
 * console.log(splitter.push("lly. Take ")); // ["It is 3.5 miles, Mr. Polly. "]
 * console.log(splitter.end()); // ["Take "]
 * ```
 */
export class SentenceSplitter {
  readonly #maxChars: number;
  /** White space before the rest. */
  #lead = "";
  #rest = "";

  /** Creates a splitter without text. */
  constructor(options: SentenceSplitterOptions = {}) {
    checkOptions(
      options,
      "options",
      { maxChars: true },
      "an object like { maxChars: 200 }, or nothing",
    );
    this.#maxChars = options.maxChars ?? 240;
    if (!(this.#maxChars >= 1)) {
      throw new RangeError(`maxChars: expected a number >= 1, got ${this.#maxChars}`);
    }
  }

  /** Adds text and returns the sentences that it completed. */
  push(text: string): string[] {
    this.#rest += text;
    const sentences: string[] = [];
    for (let end = this.#end(); end > 0; end = this.#end()) {
      sentences.push(this.#lead + this.#rest.slice(0, end));
      this.#lead = "";
      this.#rest = this.#rest.slice(end);
    }
    return sentences;
  }

  /** Ends the text and returns what is left of it. */
  end(): string[] {
    const rest = this.#rest === "" ? "" : this.#lead + this.#rest;
    this.#lead = this.#rest = "";
    return rest === "" ? [] : [rest];
  }

  /** Where the next sentence ends in the rest, which begins with it from then on; 0 if it does not. */
  #end(): number {
    const trimmed = this.#rest.trimStart();
    this.#lead += this.#rest.slice(0, this.#rest.length - trimmed.length);
    this.#rest = trimmed;
    // However much text comes together, each step looks at a window of it.
    const window = trimmed.slice(0, this.#maxChars + LOOKAHEAD);
    for (const match of window.matchAll(END)) {
      const stop = match.index + 1;
      if (stop > this.#maxChars) break;
      // More white space may come, and belongs to the next sentence; what has been said already may
      // not wait for it.
      if (!endsOpen(window.slice(0, stop))) return match.index + match[0].length;
    }
    return trimmed.length > this.#maxChars ? this.#cut(window) : 0;
  }

  /** Where to cut what is too long: after a comma or the like, else after a space or a word. */
  #cut(window: string): number {
    const head = window.slice(0, this.#maxChars);
    const clause = Math.max(...CLAUSE_ENDS.map((one) => {
      const at = head.lastIndexOf(one);
      return at < 0 ? 0 : at + one.length;
    }));
    if (clause > this.#maxChars / 3) return clause;
    return head.lastIndexOf(" ") + 1 || this.#wholeCut(window);
  }

  /** Where there is no space, no word is torn if possible, and no character in any case. */
  #wholeCut(window: string): number {
    for (const segmenter of [words, characters]) {
      const torn = segmenter.segment(window).containing(this.#maxChars);
      if (torn && torn.index > 0) return torn.index;
    }
    const first = characters.segment(window).containing(0);
    return first?.segment.length ?? window.length;
  }
}

/** Whether the full stop at the end of `text` is none: after an abbreviation, initial or number. */
function endsOpen(text: string): boolean {
  if (!text.endsWith(".")) return false;
  // What is before the tail is no line's beginning.
  const tail = text.length > TAIL ? `x${text.slice(-TAIL)}` : text;
  const word = /([\p{L}\p{N}.]+)\.$/u.exec(tail)?.[1] ?? "";
  if (ABBREVIATIONS.has(word.toLowerCase())) return true;
  if (/^\p{Lu}$/u.test(word) && word !== "I") return true;
  // "1. First" at the start of a line is a list's number; "in 1999." is an end.
  return /(?:^|\n)\s*\p{N}{1,2}\.$/u.test(tail);
}
