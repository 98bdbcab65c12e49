/** Names of a server's tools, as models accept them. @module */

/** What models accept in a name, and how much of it. */
const REFUSED = /[^\w-]/g;
const MAX_LENGTH = 64;

/**
 * Returns for each name one that models accept, all different: other characters become `_`, the rest
 * of a long one is left out, and what is taken by then ends in a number. A name that is accepted as it
 * is stays.
 */
export function modelNames(names: readonly string[]): string[] {
  const accepted = names.map((name) => name.replace(REFUSED, "_").slice(0, MAX_LENGTH) || "tool");
  const taken = new Set(names.filter((name, n) => name === accepted[n]));
  return names.map((name, n) => {
    const base = accepted[n]!;
    if (base === name) return name;
    let found = base;
    for (let number = 2; taken.has(found); number++) {
      const ending = `_${number}`;
      found = base.slice(0, MAX_LENGTH - ending.length) + ending;
    }
    taken.add(found);
    return found;
  });
}
