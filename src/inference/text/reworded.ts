/** The way back from a text that an unknown function returned to the text that it was given. @module */
import type { PlacedText } from "./placed_text.ts";

/** More words than this in a sentence are compared at its ends only. */
const MAX_WORDS = 400;

/**
 * Returns `text`, which was made of `original`, with places: words that remained keep theirs, and
 * those that replaced others stand right after what is before these.
 */
export function reworded(original: PlacedText, text: string): PlacedText {
  const before = wordsOf(original.text), after = wordsOf(text);
  const places: number[] = [];
  /** Where in the original the last word ends that remained. */
  let at = 0;
  const pairs = [...matches(before, after), { from: before.length, to: after.length }];
  for (const { from, to } of pairs) {
    const kept = before[from], word = after[to];
    const gapEnd = word?.start ?? text.length;
    // The white space before a word that remained is that of the original.
    const space = spaceAtEnd(original.text.slice(at, kept?.start));
    const ownSpace = spaceAtEnd(text.slice(places.length, gapEnd));
    const place = placeAfter(original, at);
    while (places.length < gapEnd - ownSpace) places.push(place);
    const spaceStart = (kept?.start ?? original.text.length) - space;
    while (places.length < gapEnd) {
      places.push(space > 0 ? original.places[spaceStart]! : placeAfter(original, spaceStart));
    }
    if (!kept) break;
    for (let index = 0; index < kept.text.length; index++) {
      places.push(original.places[kept.start + index]!);
    }
    at = kept.start + kept.text.length;
  }
  // White space between two words that were moved is where both are.
  let last = 0;
  return { text, places: places.map((place) => last = Math.max(last, place)) };
}

function spaceAtEnd(text: string): number {
  return text.length - text.trimEnd().length;
}

function placeAfter({ places }: PlacedText, end: number): number {
  const next = places[end] ?? Infinity;
  return end > 0 ? Math.min(places[end - 1]! + 1, next) : places[0] ?? 0;
}

interface Word {
  readonly text: string;
  readonly start: number;
}

/** Words and signs. */
function wordsOf(text: string): Word[] {
  return [...text.matchAll(/[\p{L}\p{N}\p{M}]+|[^\p{L}\p{N}\p{M}\s]/gu)].map((match) => {
    return { text: match[0], start: match.index };
  });
}

/** The longest common sequence of words, as pairs of indices. */
function matches(before: readonly Word[], after: readonly Word[]): { from: number; to: number }[] {
  const pairs: { from: number; to: number }[] = [];
  let start = 0;
  while (start < before.length && before[start]?.text === after[start]?.text) {
    pairs.push({ from: start, to: start++ });
  }
  let endings = 0;
  while (
    endings < Math.min(before.length, after.length) - start &&
    before.at(-1 - endings)!.text === after.at(-1 - endings)!.text
  ) endings++;
  const rows = before.length - endings - start, columns = after.length - endings - start;
  if (Math.max(rows, columns) <= MAX_WORDS) {
    const lengths = Array.from({ length: rows + 1 }, () => new Uint16Array(columns + 1));
    for (let row = rows - 1; row >= 0; row--) {
      for (let column = columns - 1; column >= 0; column--) {
        const isSame = before[start + row]!.text === after[start + column]!.text;
        lengths[row]![column] = isSame
          ? lengths[row + 1]![column + 1]! + 1
          : Math.max(lengths[row + 1]![column]!, lengths[row]![column + 1]!);
      }
    }
    for (let row = 0, column = 0; row < rows && column < columns;) {
      if (before[start + row]!.text === after[start + column]!.text) {
        pairs.push({ from: start + row++, to: start + column++ });
      } else if (lengths[row + 1]![column]! >= lengths[row]![column + 1]!) row++;
      else column++;
    }
  }
  for (let ending = endings; ending > 0; ending--) {
    pairs.push({ from: before.length - ending, to: after.length - ending });
  }
  return pairs;
}
