/** The text of a speech as the voice got it, and what was heard of it. @module */
import type { Alignment } from "../contracts/tts.ts";
import type { PlayedFragment } from "../history/chat_history.ts";
import { type PlacedText, placedText } from "./placed_text.ts";
import { spokenMs } from "./speech_duration.ts";

/** A voice's pace is measured over text that usually takes at least so long. */
const MIN_PACE_MS = 500;
/** Sums of fractions: a tenth of a millisecond decides nothing. */
const EPSILON_MS = 0.1;

/** What was heard of a text. */
export interface HeardText {
  readonly text: string;
  /** The whole text, in fragments of which the beginning was heard. */
  readonly fragments: readonly PlayedFragment[];
}

/**
 * The text of a speech: as it was written, as the voice got it, and how far into its audio it was
 * said. What was heard is found by the alignment that the voice gives, and by the length of the words
 * between.
 */
export class SpokenText {
  /** Milliseconds of audio that were written to the track. */
  audioMs = 0;
  /** Whether that is all of it. */
  isComplete = false;
  /** How long it will be, in milliseconds, where a better estimate than its letters exists. */
  expectedMs: number | undefined;
  #written = "";
  #spoken = "";
  readonly #places: number[] = [];
  /** How much of the written text the spoken one stands for. */
  #spokenFrom = 0;
  readonly #alignment: Alignment[] = [{ chars: 0, atMs: 0 }];
  readonly #unspoken: { from: number; to: number }[] = [];

  /** The text as it was written. */
  get written(): string {
    return this.#written;
  }

  /** The text that was sent to the voice. */
  get spoken(): string {
    return this.#spoken;
  }

  /** Whether the voice did not say some of it. */
  get hasUnspoken(): boolean {
    return this.#unspoken.length > 0;
  }

  /** Adds text that was written. */
  write(text: string): void {
    this.#written += text;
  }

  /** Adds what a voice is to say of the first `doneChars` that were written. */
  speak({ text, places }: PlacedText, doneChars: number): void {
    this.#spoken += text;
    for (const place of places) this.#places.push(place);
    this.#spokenFrom = doneChars;
  }

  /** Adds text that is said as it is written. */
  say(text: string): void {
    const start = this.#written.length;
    this.write(text);
    this.speak(placedText(text, start), start + text.length);
  }

  /** Adds alignment; what contradicts the alignment before it is ignored. */
  align(alignment: readonly Alignment[]): void {
    for (const { chars, atMs } of alignment) {
      const last = this.#alignment.at(-1)!;
      if (!(chars >= last.chars && atMs >= last.atMs) || !Number.isFinite(atMs)) continue;
      this.#alignment.push({ chars: Math.min(chars, this.#spoken.length), atMs });
    }
  }

  /** Notes that the voice did not say these characters. */
  skip(from: number, to: number): void {
    if (to > from) this.#unspoken.push({ from, to });
  }

  /** Returns what was heard in the first `ms`: its beginning in whole words. */
  heard(ms: number): HeardText {
    const isWhole = this.isComplete && ms >= this.audioMs - EPSILON_MS;
    const end = isWhole ? this.#written.length : this.#writtenEnd(this.#heardChars(ms));
    const fragments: PlayedFragment[] = [];
    let text = "";
    const add = (from: number, to: number, playedTo: number): void => {
      const playedChars = Math.max(0, Math.min(to, playedTo) - from);
      if (to > from) fragments.push({ chars: to - from, playedChars });
      text += this.#written.slice(from, from + playedChars);
    };
    let at = 0;
    for (const unspoken of this.#unspoken) {
      const from = this.#place(unspoken.from), to = this.#place(unspoken.to);
      add(at, from, end);
      add(from, to, 0);
      at = to;
    }
    add(at, this.#written.length, end);
    return { text, fragments };
  }

  /** How many characters of the spoken text. */
  #heardChars(ms: number): number {
    if (!(ms > 0)) return 0;
    const next = this.#alignment.findIndex(({ atMs }) => atMs > ms + EPSILON_MS);
    const before = this.#alignment.at(next < 0 ? -1 : next - 1)!;
    const after = next < 0 ? this.#nextAlignment(before) : this.#alignment[next]!;
    const lasts = after.atMs - before.atMs;
    if (lasts <= 0) return before.chars;
    const text = this.#spoken.slice(before.chars, after.chars);
    return before.chars + charsWithin(text, spokenMs(text) * (ms - before.atMs) / lasts);
  }

  /** The end of the text as it is known, or guessed by the pace so far. */
  #nextAlignment(before: Alignment): Alignment {
    const chars = this.#spoken.trimEnd().length;
    if (this.isComplete) return { chars, atMs: this.audioMs };
    const usualMs = spokenMs(this.#spoken.slice(before.chars, chars));
    const restMs = this.expectedMs === undefined
      ? usualMs * this.#pace(before)
      : this.expectedMs - before.atMs;
    return { chars, atMs: Math.max(this.audioMs, before.atMs + restMs) };
  }

  /** How much slower than usual the text is said up to there. */
  #pace({ chars, atMs }: Alignment): number {
    const usualMs = spokenMs(this.#spoken.slice(0, chars));
    return usualMs >= MIN_PACE_MS ? atMs / usualMs : 1;
  }

  /** Where in the written text the words end that end within so many spoken characters. */
  #writtenEnd(chars: number): number {
    const spoken = this.#spoken;
    // A word that lacks less than half a character counts as heard.
    const limit = Math.round(chars);
    if (limit <= 0) return 0;
    if (limit >= spoken.trimEnd().length) return this.#spokenFrom;
    let end = 0;
    for (const { segment, index, isWordLike } of segmenter.segment(spoken)) {
      if (index + segment.length > limit) break;
      if (isWordLike) end = index + segment.length;
    }
    // A sentence that was heard to its end.
    const [close = "", space = ""] = SENTENCE_END.exec(spoken.slice(end, limit + 1)) ?? [];
    if (close === "" || end + close.length - space.length > limit) return this.#place(end);
    end += close.length;
    return end < spoken.length
      ? Math.min(this.#places[end - 1]! + 1, this.#place(end))
      : this.#spokenFrom;
  }

  /** Where a spoken character stands in the written text; marks before it belong to what is before. */
  #place(chars: number): number {
    if (chars <= 0) return 0;
    return chars < this.#places.length ? this.#places[chars]! : this.#spokenFrom;
  }
}

/** The end of a sentence after its last word, and the white space after it. */
const SENTENCE_END = /^[^\p{L}\p{N}\s]*[.!?…।॥؟۔։。！？]["'”’»)\]」』）]*(\s*)/u;

const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

/** How many characters are said in so much time, at the usual pace. */
function charsWithin(text: string, ms: number): number {
  let left = ms;
  let chars = 0;
  for (const char of text) {
    const takes = spokenMs(char);
    if (takes > left) return chars + char.length * left / takes;
    left -= takes;
    chars += char.length;
  }
  return chars;
}
