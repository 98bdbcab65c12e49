/** The list of banned words, and where a text breaks it. */
import { DOC_START, namesIn, readingsOf } from "./text.ts";

/** What a word of the list is compared with; `banned.txt` explains each kind. */
type Kind = "name" | "part" | "file" | "prose";

/** A line of the list. */
export interface Rule {
  kind: Kind;
  word: string;
  instead: string;
  /** Whether the rule holds for a path. */
  holdsFor(path: string): boolean;
}

/** A place that breaks a rule. */
export interface Hit {
  path: string;
  line: number;
  /** What stands there. */
  found: string;
  rule: Rule;
}

const RULE = /^(name|part|file|prose)\s+(.+?)\s+\|\s+(.+?)(?:\s+\|\s+(.+))?$/;

/** Reads the list. Throws an `Error` that names the line which is no rule. */
export function parseRules(list: string): Rule[] {
  const rules: Rule[] = [];
  for (const [nth, raw] of list.split("\n").entries()) {
    const line = raw.trim();
    if (!line || line.startsWith("#")) continue;
    const [, kind, word, instead, where = ""] = line.match(RULE) ?? [];
    if (!kind || !word || !instead) {
      throw new Error(
        `banned words, line ${nth + 1}: "${line}" is no rule: expected "kind word | instead"`,
      );
    }
    rules.push({ kind: kind as Kind, word, instead, holdsFor: placesOf(where) });
  }
  return rules;
}

/** Folders or files, each with an optional `!`: within one of these, and in none of those. */
function placesOf(where: string): (path: string) => boolean {
  const places = where.split(/\s+/).filter(Boolean);
  const wanted = places.filter((one) => !one.startsWith("!"));
  const unwanted = places.filter((one) => one.startsWith("!")).map((one) => one.slice(1));
  return (path) =>
    (wanted.length === 0 || wanted.some((one) => path.startsWith(one))) &&
    !unwanted.some((one) => path.startsWith(one));
}

/** Finds banned words in files; the rules are prepared once for all of them. */
export class WordingCheck {
  readonly #names: Map<string, Rule[]>;
  readonly #parts: Map<string, Rule[]>;
  readonly #files: Rule[];
  /** What holds for each name met so far. */
  readonly #known = new Map<string, Rule[]>();
  readonly #prose: { rule: Rule; pattern: RegExp }[];

  constructor(rules: Rule[]) {
    const of = (kind: Kind) => rules.filter((rule) => rule.kind === kind);
    this.#names = Map.groupBy(of("name"), ({ word }) => word);
    this.#parts = Map.groupBy(of("part"), ({ word }) => word.toLowerCase());
    this.#files = of("file");
    this.#prose = of("prose").map((rule) => ({ rule, pattern: proseOf(rule.word) }));
  }

  /** Returns what breaks a rule in one file, its name included, in the order of the lines. */
  check(path: string, text: string): Hit[] {
    const hits: (Hit & { at: number })[] = [];
    const { prose, names } = readingsOf(text, path);
    const lineOf = lineCounter(text);
    const add = (rule: Rule, at: number, found: string) => {
      if (rule.holdsFor(path)) hits.push({ path, line: lineOf(at), at, found, rule });
    };
    // "Speech" may begin a sentence, "PcmChunk" cannot.
    const inProse = [...namesIn(prose)].filter(({ word }) => /[a-z0-9][A-Z]|_/.test(word));
    for (const { word, at } of [...names, ...inProse]) {
      for (const rule of this.#ofName(word)) add(rule, at, word);
    }
    for (const { rule, pattern } of this.#prose) {
      for (const { 0: found, index } of prose.matchAll(pattern)) {
        const words = found.replaceAll(DOC_START, "").trimStart();
        add(rule, index + found.length - words.length, words.replace(/\s+/g, " "));
      }
    }
    return [...this.#inPath(path), ...hits.sort((a, b) => a.at - b.at)];
  }

  *#inPath(path: string): Generator<Hit> {
    for (const rule of this.#files) {
      const names = path.split("/").map(stemOf);
      const found = rule.word.includes("/")
        ? `/${path}`.includes(`/${rule.word}`)
        : names.includes(rule.word);
      if (found && rule.holdsFor(path)) yield { path, line: 1, found: rule.word, rule };
    }
    for (const part of partsOf(path)) {
      for (const rule of this.#parts.get(part) ?? []) {
        if (rule.holdsFor(path)) yield { path, line: 1, found: part, rule };
      }
    }
  }

  #ofName(word: string): Rule[] {
    let rules = this.#known.get(word);
    if (!rules) {
      const parts = [...new Set(partsOf(word))].flatMap((part) => this.#parts.get(part) ?? []);
      rules = [...this.#names.get(word) ?? this.#names.get(classOf(word)) ?? [], ...parts];
      this.#known.set(word, rules);
    }
    return rules;
  }
}

/** `videoTrack`, as a variable is called that holds a `VideoTrack`; a single word is no class. */
function classOf(word: string): string {
  return /[a-z][A-Z]/.test(word) ? word.charAt(0).toUpperCase() + word.slice(1) : word;
}

/** `tests/e2e/_lab_test.ts` as a component: "lab". */
function stemOf(component: string): string {
  return component.replace(/^_/, "").replace(/\..*$/, "").replace(/_(test|properties_test)$/, "");
}

/** The words of an identifier or path, in lower case: `pcmChunk_of` is "pcm", "chunk", "of". */
function partsOf(name: string): string[] {
  return name.split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/).map((part) => part.toLowerCase());
}

/** A space stands for any white space, a line's end included; `^` for a doc comment's beginning. */
function proseOf(word: string): RegExp {
  const source = word.replace(/^\^/, "").replace(/ /g, "\\s+");
  const start = word.startsWith("^") ? `${DOC_START}\\s*` : "(?<![\\w'])";
  return new RegExp(`${start}(?:${source})(?!\\w)`, "gi");
}

/** Returns a function from an offset to its line, the first being 1. */
function lineCounter(text: string): (offset: number) => number {
  let starts: number[] | undefined;
  return (offset) => {
    starts ??= [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
    return starts.findLastIndex((start) => start <= offset) + 1;
  };
}
