/**
 * Checks of a regular expression before it runs.
 *
 * @module
 */

/** Whether JavaScript can read it, and as the validator does. */
export function isPattern(value: unknown): value is string {
  try {
    new RegExp(value as string, "u");
    return typeof value === "string";
  } catch {
    return false;
  }
}

/**
 * Whether it repeats a group that itself repeats or chooses, as `(a+)+` does: to find that a text
 * does not match can take twice as long with each character. Some that it names are harmless.
 */
export function repeatsRepetition(pattern: string): boolean {
  const plain = pattern.replace(/\\./gsu, "x").replace(/\[[^\]]*\]/gsu, "x");
  const groups = [false];
  for (const { 0: text } of plain.matchAll(/\(|\)[*+]|\)\{\d+,|\)|[*+|]|\{\d+,/gu)) {
    if (text === "(") groups.push(false);
    else if (text.startsWith(")")) {
      const isInner = groups.pop();
      if (isInner && text.length > 1) return true;
      groups[groups.length - 1] ||= isInner || text.length > 1;
    } else groups[groups.length - 1] = true;
  }
  return false;
}
