/** How words are pronounced that a voice gets wrong. @module */

/** Returns a function that replaces words, and phrases, by what is to be said for them. */
export function pronounce(words: Readonly<Record<string, string>>): (text: string) => string {
  // The longest first: "New York City" before "New York".
  const written = Object.keys(words).sort((a, b) => b.length - a.length);
  if (written.length === 0) return (text) => text;
  const pattern = written.map((word) => RegExp.escape(word)).join("|");
  const whole = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${pattern})(?![\\p{L}\\p{N}_])`, "gu");
  return (text) => text.replace(whole, (word) => words[word]!);
}
