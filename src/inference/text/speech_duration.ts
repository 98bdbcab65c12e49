/**
 * Milliseconds to say a character, about, in scripts where one is more than a sound: a word or a
 * syllable.
 */
const SCRIPTS: readonly (readonly [RegExp, number])[] = [
  [/\p{Script=Han}/u, 220],
  [/\p{Script=Hangul}/u, 160],
  [/[\p{Script=Hiragana}\p{Script=Katakana}]/u, 130],
  // Without most of their vowels.
  [/[\p{Script=Arabic}\p{Script=Hebrew}]/u, 85],
  [/\p{Script=Ethiopic}/u, 130],
];
/** A letter, a space or a mark of all others. */
const OTHER_MS = 65;

/** Returns how long it takes to say a text, in milliseconds, estimated from its characters. */
export function spokenMs(text: string): number {
  let ms = 0;
  for (const char of text) {
    const isSimple = char < "\u0590";
    ms += isSimple ? OTHER_MS : SCRIPTS.find(([script]) => script.test(char))?.[1] ?? OTHER_MS;
  }
  return ms;
}
