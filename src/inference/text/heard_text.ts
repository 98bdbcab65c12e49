/** A sentence that was handed to the voice, and how much of it was written to the track. */
export interface SpokenSentence {
  /** As it stands in the answer, white space included. It may still grow. */
  text: string;
  /** How long it will be, where that is known better than by its letters. */
  expectedMs?: number;
  /** Of what was written for it. */
  ms: number;
  /** Whether that is all of it. */
  complete: boolean;
  /** Where the voice says so: by which millisecond how many characters were said, in order. */
  readonly marks: { readonly ms: number; readonly chars: number }[];
}

/** Until a sentence is complete its length is guessed: so long does a character take to say. */
const MS_PER_CHAR = 65;

/** What was heard of these sentences, said one after another, in the first `heardMs`: whole words. */
export function heardText(sentences: readonly SpokenSentence[], heardMs: number): string {
  let text = "";
  let left = heardMs;
  for (const sentence of sentences) {
    // Sums of fractions: a tenth of a millisecond decides nothing.
    if (sentence.complete && left >= sentence.ms - 0.1) {
      text += sentence.text;
      left -= sentence.ms;
      continue;
    }
    if (left > 0) text += wholeWords(sentence.text, charsHeard(sentence, left));
    break;
  }
  return text;
}

function charsHeard(sentence: SpokenSentence, ms: number): number {
  const { text, marks } = sentence;
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
  const lasts = sentence.complete
    ? sentence.ms
    : Math.max(sentence.ms, sentence.expectedMs ?? text.trim().length * MS_PER_CHAR);
  return lasts > 0 ? text.trimEnd().length * ms / lasts : 0;
}

/** The words of `text` that end within its first `chars` characters. */
function wholeWords(text: string, chars: number): string {
  // A word that lacks less than half a character is heard.
  const limit = Math.floor(chars + 0.5);
  if (limit >= text.trimEnd().length) return text;
  let end = 0;
  for (const { segment, index, isWordLike } of segmenter.segment(text)) {
    if (index + segment.length > limit) break;
    if (isWordLike) end = index + segment.length;
  }
  return text.slice(0, end);
}

const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
