/**
 * Text as a voice should get it: without the marks that models put in for the eye (emphasis, code,
 * headings, bullets, link targets, emoji). Empty when nothing of it can be said.
 */
export function speakable(text: string): string {
  const plain = text
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/`{1,3}/g, "")
    .replace(/(\*\*|__|~~)/g, "")
    .replace(/(^|[\s(])[*_](?=\S)/g, "$1")
    .replace(/(\S)[*_](?=[\s).,!?;:]|$)/g, "$1")
    .replace(/^\s*(?:#{1,6}|>|[-*+•])\s+/gm, "")
    .replace(/\p{Extended_Pictographic}|\u200d|\ufe0f/gu, "")
    .replace(/\s+/g, " ")
    .trim();
  return /[\p{L}\p{N}]/u.test(plain) ? plain : "";
}
