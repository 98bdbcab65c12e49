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

/** The longest text that a pattern is tried on, since two repetitions in a row take its square. */
export const LONGEST_TEXT = 1000;
/** How many ways are tried, as a power of two. */
const MAX_BITS = 20;

/** The parts of a pattern that group, choose or repeat. */
const PARTS = /\((?:\?(?:<[^>]*>|<?[=!:]))?|\)(?:[*+?]|\{\d+(?:,\d*)?\})?|[*+?|]|\{\d+,\d*\}/gu;

/** The ways to match a group, as a power of two: those of its last branch and of the others. */
interface Group {
  bits: number;
  others: number;
  branches: number;
}

/**
 * Returns the longest text that a pattern may be tried on. To find that a text does not match can take
 * twice as long with each character where a group that repeats or chooses is repeated, as in `(a+)+`,
 * `(a|aa){40}` and `(a?b?)*`. Some that it takes for such are harmless.
 */
export function longestText(pattern: string): number {
  const plain = pattern.replace(/\\./gsu, "x").replace(/\[[^\]]*\]/gsu, "x");
  let longest = LONGEST_TEXT;
  const open = (): Group => ({ bits: 0, others: 0, branches: 1 });
  const groups: Group[] = [open()];
  for (const { 0: part } of plain.matchAll(PARTS)) {
    const group = groups.at(-1)!;
    if (part.startsWith("(")) groups.push(open());
    else if (part === "|") {
      group.others = Math.max(group.others, group.bits);
      group.bits = 0;
      group.branches++;
    } else if (part.startsWith(")")) {
      const inner = bitsOf(groups.pop()!);
      const repeat = part.slice(1);
      const [, least = "", most] = repeat.match(/^\{(\d+)(?:,?(\d*))\}$/u) ?? [];
      const isEndless = /^[*+]$|,\}$/u.test(repeat);
      const times = Number(most || least || 1);
      if (inner > 0 && isEndless) longest = Math.min(longest, Math.trunc(MAX_BITS / inner));
      if (inner > 0 && times > 1) longest = Math.min(longest, MAX_BITS);
      const chooses = repeat === "?" || isEndless || Boolean(most);
      groups.at(-1)!.bits += inner * times + (chooses ? 1 : 0);
    } else group.bits++;
  }
  return bitsOf(groups[0]!) > MAX_BITS ? 0 : longest;
}

function bitsOf({ bits, others, branches }: Group): number {
  return Math.max(bits, others) + Math.log2(branches);
}
