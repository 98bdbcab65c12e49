/** Backchannels: what people say to show that they listen, without taking the turn. @module */
import { BACKCHANNEL_SOUNDS, BACKCHANNEL_WORDS } from "./backchannel_words.ts";
import { hasWords } from "../contracts/words.ts";

/** Words that show listening, a list for each language: `{ en: ["yeah", "go on"], fr: ["oui"] }`. */
export type BackchannelWords = Readonly<Record<string, readonly string[]>>;

/** How many of these one after another still are no turn. */
const MOST = 3;
/** Scripts that write no spaces between words. */
const WITHOUT_SPACES =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}ー]+$/u;
/** Characters of the longest of them that stands in a word without spaces. */
const LONGEST = 20;
const NOT_IN_WORDS = /[^\p{L}\p{M}\p{N}'’-]+/u;

/** Tells backchannels ("mhm", "yeah, okay") from what is said to take the turn. */
export class Backchannels {
  readonly #lists = new Map<string, readonly string[]>(Object.entries(BACKCHANNEL_WORDS));
  /** The words to compare with, by language; made when they are needed. */
  readonly #known = new Map<string | undefined, ReadonlySet<string>>();

  /** `words` replaces the lists of its languages. */
  constructor(words: BackchannelWords = {}) {
    for (const [language, list] of Object.entries(words)) this.#lists.set(primary(language), list);
  }

  /**
   * Returns whether a text is no more than a backchannel, or empty.
   *
   * @param language a BCP 47 tag. Where it is not known, or has no list, the words of all languages
   *   count.
   */
  has(text: string, language?: string): boolean {
    const known = this.#wordsOf(language);
    const words = normalise(text.replace(/\[[^\][]*\]|\([^()]*\)/g, " ")).split(" ")
      .filter(hasWords);
    const left = count(words, known);
    return left !== undefined && left <= MOST;
  }

  #wordsOf(language: string | undefined): ReadonlySet<string> {
    const listed = language && this.#lists.has(primary(language)) ? primary(language) : undefined;
    let known = this.#known.get(listed);
    if (!known) {
      const list = listed ? this.#lists.get(listed)! : [...this.#lists.values()].flat();
      this.#known.set(listed, known = normalised([...list, ...BACKCHANNEL_SOUNDS]));
    }
    return known;
  }
}

/** Returns how many backchannels the words are, `undefined` if they are something else. */
function count(words: readonly string[], known: ReadonlySet<string>): number | undefined {
  let found = 0;
  for (let from = 0; from < words.length; found++) {
    // "Okay, all right" is "okay" and "all right".
    const length = [3, 2, 1].find((most) => known.has(words.slice(from, from + most).join(" ")));
    if (length !== undefined) from += Math.min(length, words.length - from);
    else {
      const parts = withoutSpaces(words[from]!, known);
      if (parts === undefined) return undefined;
      found += parts - 1;
      from++;
    }
  }
  return found;
}

/** Returns how many backchannels a word without spaces consists of, e.g. 2 of はいはい. */
function withoutSpaces(word: string, known: ReadonlySet<string>): number | undefined {
  if (!WITHOUT_SPACES.test(word)) return undefined;
  /** The least number that make up the word up to each character. */
  const least: (number | undefined)[] = [0];
  for (let end = 1; end <= word.length; end++) {
    for (let from = Math.max(0, end - LONGEST); from < end; from++) {
      const before = least[from];
      if (before === undefined || !known.has(word.slice(from, end))) continue;
      least[end] = Math.min(least[end] ?? Infinity, before + 1);
    }
  }
  return least[word.length];
}

function normalised(words: readonly string[]): ReadonlySet<string> {
  return new Set(words.map(normalise));
}

/** Returns words in lower case and one form of their letters, with a space between two. */
function normalise(text: string): string {
  // The Turkish capitals of i and ı have no lower case that is the same in all languages.
  return text.normalize("NFKC").toLowerCase().replace(/\u0307/g, "").replaceAll("ı", "i")
    .replaceAll("’", "'").split(NOT_IN_WORDS)
    .filter((word) => word !== "").join(" ");
}

/** Returns the language of a BCP 47 tag: "en" of "en-US". */
function primary(language: string): string {
  return language.toLowerCase().split(/[-_]/)[0]!;
}
