/** The way of written text to a voice: markup filter, then the application's own changes. @module */
import { MarkupFilter } from "./markup_filter.ts";
import { joinPlaced, placedSlice, type PlacedText } from "./placed_text.ts";
import { reworded } from "./reworded.ts";
import { SentenceSplitter } from "./sentence_splitter.ts";

/**
 * Takes text as a model writes it and returns what is to be spoken, with the way back. With changes
 * it returns whole sentences, else the words as they come.
 */
export class SpeakableText {
  readonly #filter = new MarkupFilter();
  readonly #changes: readonly ((sentence: string) => string)[];
  readonly #splitter = new SentenceSplitter();
  /** What waits for its sentence's end. */
  #waiting: PlacedText = { text: "", places: [] };

  /** @param changes functions of a sentence, applied one after the other; they do not throw */
  constructor(changes: readonly ((sentence: string) => string)[] = []) {
    this.#changes = changes;
  }

  /** How many characters of the text that came are done with, spoken or not. */
  get doneChars(): number {
    return this.#waiting.places[0] ?? this.#filter.doneChars;
  }

  /** Adds text and returns what can be spoken by now. */
  push(text: string): PlacedText {
    return this.#changed(this.#filter.push(text), false);
  }

  /** Ends the text and returns what can be spoken of the rest. */
  end(): PlacedText {
    return this.#changed(this.#filter.end(), true);
  }

  #changed(piece: PlacedText, isEnd: boolean): PlacedText {
    if (this.#changes.length === 0) return piece;
    let waiting = joinPlaced([this.#waiting, piece]);
    const sentences = this.#splitter.push(piece.text);
    if (isEnd) sentences.push(...this.#splitter.end());
    const parts: PlacedText[] = [];
    for (const { length } of sentences) {
      parts.push(this.#changedSentence(placedSlice(waiting, 0, length)));
      waiting = placedSlice(waiting, length);
    }
    this.#waiting = isEnd ? { text: "", places: [] } : waiting;
    return joinPlaced(parts);
  }

  /** The white space around a sentence remains. */
  #changedSentence(written: PlacedText): PlacedText {
    const { text } = written;
    const start = text.length - text.trimStart().length, end = text.trimEnd().length;
    let sentence = placedSlice(written, start, end);
    for (const change of this.#changes) sentence = reworded(sentence, change(sentence.text));
    // What was added at its end is before what follows it.
    const limit = written.places[end] ?? Infinity;
    const places = sentence.places.map((place) => Math.min(place, limit));
    const changed = { text: sentence.text, places };
    return joinPlaced([placedSlice(written, 0, start), changed, placedSlice(written, end)]);
  }
}
