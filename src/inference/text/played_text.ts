import type { Speakable } from "./markdown_filter.ts";
import { spokenMs } from "./speech_duration.ts";

/** A sentence that the voice got, and how much of its audio was written to the track. */
export interface SpokenSentence {
  /** As it stands in the reply, white space included. It may still grow. */
  text: string;
  /** As the voice got it. Default: as it stands. */
  readonly spoken?: Speakable;
  /** How long it will be, in milliseconds, where a better estimate than its letters exists. */
  expectedMs?: number;
  /** Milliseconds of audio written for it. */
  ms: number;
  /** Whether that is all of its audio. */
  complete: boolean;
  /** Whether the voice returned no audio for it, although it should have: none of it is heard. */
  silent?: boolean;
  /** Alignment, where the voice gives it: how many characters were said by which millisecond, in order. */
  readonly marks: { readonly ms: number; readonly chars: number }[];
}

/**
 * Returns what was heard of each of these sentences, said one after another, in the first `heardMs`:
 * its beginning, in whole words.
 */
export function heardTexts(sentences: readonly SpokenSentence[], heardMs: number): string[] {
  let left = heardMs;
  let isOver = false;
  const pace = paceOf(sentences);
  return sentences.map((sentence) => {
    if (isOver || sentence.silent) return "";
    // Sums of fractions: a tenth of a millisecond decides nothing.
    if (sentence.complete && left >= sentence.ms - 0.1) {
      left -= sentence.ms;
      return sentence.text;
    }
    isOver = true;
    return left > 0 ? wholeWords(sentence, charsHeard(sentence, left, pace)) : "";
  });
}

/** How much slower than usual the sentences are said that are known in full. */
function paceOf(sentences: readonly SpokenSentence[]): number {
  let tookMs = 0;
  let usualMs = 0;
  for (const sentence of sentences) {
    if (!sentence.complete || sentence.ms === 0) continue;
    tookMs += sentence.ms;
    usualMs += spokenMs(spokenText(sentence));
  }
  return usualMs > 0 ? tookMs / usualMs : 1;
}

function spokenText({ text, spoken }: SpokenSentence): string {
  return spoken?.text ?? text.trimEnd();
}

/** How many characters of what is spoken. */
function charsHeard(sentence: SpokenSentence, ms: number, pace: number): number {
  const { marks } = sentence;
  if (marks.length > 0) {
    let before = { ms: 0, chars: 0 };
    for (const mark of marks) {
      if (mark.ms > ms) {
        return before.chars +
          (mark.chars - before.chars) * (ms - before.ms) / (mark.ms - before.ms);
      }
      before = mark;
    }
    return before.chars;
  }
  const text = spokenText(sentence);
  const usualMs = spokenMs(text);
  const lasts = sentence.complete
    ? sentence.ms
    : Math.max(sentence.ms, sentence.expectedMs ?? usualMs * pace);
  return lasts > 0 ? charsWithin(text, usualMs * ms / lasts) : 0;
}

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

/** The words of a sentence that end within the first `chars` characters that are spoken. */
function wholeWords(sentence: SpokenSentence, chars: number): string {
  const { text, spoken } = sentence;
  const said = spokenText(sentence);
  // A word that lacks less than half a character counts as heard.
  const limit = Math.round(chars);
  if (limit >= said.length) return text;
  let end = 0;
  for (const { segment, index, isWordLike } of segmenter.segment(said)) {
    if (index + segment.length > limit) break;
    if (isWordLike) end = index + segment.length;
  }
  return text.slice(0, spoken ? spoken.writtenChars(end) : end);
}

const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
