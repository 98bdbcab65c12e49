/** Splits a file's text into what people read (prose) and what the machine reads (code). */
import jsTokens from "npm:js-tokens@10.0.1";

/** The two readings of one text. */
export interface Readings {
  /**
   * Comments, strings of several words, Markdown and a page's text. As long as the text itself, so
   * that an offset into it is an offset into the file: everything else is blanked out.
   */
  prose: string;
  /** Identifiers, and the words of short strings and of code spans and blocks within prose. */
  names: Name[];
}

/** A name, and where it stands in the text. */
export interface Name {
  word: string;
  at: number;
}

/** Stands in the prose where a doc comment begins. */
export const DOC_START = "\u0002";

/** Stands for a character that is not prose; no pattern matches across it. */
const HIDDEN = "\u0000";

const SCRIPT = new Set(["ts", "js"]);
const C_LIKE = new Set(["rs", "go", "css", "json", "jsonc"]);
const MARKUP = new Set(["html", "svg"]);
const HASH_COMMENTS = new Set(["toml", "py", "sh", "", "gitignore"]);

/** Characters in a Rust or C-like text; a lifetime is no quotation. */
const C_TOKENS =
  /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>\br(#*)"[\s\S]*?"\3|"(?:\\[\s\S]|[^"\\])*")|'(?:\\[^']+|[^'\\])'|(?<code>[A-Za-z_]\w*)/g;
const HASH_TOKENS =
  /(?<comment>#[^\n]*)|(?<string>"""[\s\S]*?"""|"(?:\\.|[^"\\])*"|'[^'\n]*')|(?<code>[A-Za-z_]\w*)/g;
const MARKUP_TOKENS =
  /<(?<element>script|style)\b[^>]*>(?<inside>[\s\S]*?)<\/\k<element>>|<!--(?<comment>[\s\S]*?)-->|<(?<tag>[^>]+)>|(?<text>[^<]+)/g;
const MARKDOWN_CODE =
  /^([ \t]*(?:\x60{3,}|~{3,}))(?<language>\w*)[^\n]*\n(?<block>[\s\S]*?)^\1|\x60(?<span>[^\x60]+)\x60|\{@link(?<link>[^}]+)\}|\]\([^)\s]*\)|https?:\/\/\S+/gm;

/** Splits a file's text into its readings; the ending of its name says what it is. */
export function readingsOf(text: string, path: string): Readings {
  const base = path.slice(path.lastIndexOf("/") + 1);
  const ending = base.includes(".") ? base.slice(base.lastIndexOf(".") + 1) : "";
  const page = new Page(text);
  if (SCRIPT.has(ending)) page.script(0, text);
  else if (C_LIKE.has(ending)) page.tokens(0, text, C_TOKENS);
  else if (MARKUP.has(ending)) page.markup(0, text);
  else if (HASH_COMMENTS.has(ending)) page.tokens(0, text, HASH_TOKENS);
  else if (ending === "md") page.markdown(0, text);
  else page.both(0, text); // YAML, whose plain values are either
  return page.readings();
}

/** Collects both readings in the order in which they stand in the text. */
class Page {
  readonly #text: string;
  readonly #names: Name[] = [];
  #prose = "";
  #docEnd = -1;

  constructor(text: string) {
    this.#text = text;
  }

  readings(): Readings {
    this.#read(this.#text.length, "");
    return { prose: this.#prose, names: this.#names };
  }

  both(at: number, text: string): void {
    this.#read(at, text);
    this.#name(at, text);
  }

  script(at: number, text: string): void {
    for (const { type, value } of jsTokens(text)) {
      if (type.endsWith("Comment")) this.#comment(at, value);
      else if (type === "StringLiteral" || type.includes("Template")) this.#string(at, value);
      else if (type === "IdentifierName") this.#names.push({ word: value, at });
      else if (type === "PrivateIdentifier") this.#name(at, value);
      at += value.length;
    }
  }

  tokens(at: number, text: string, pattern: RegExp): void {
    for (const { index, groups = {} } of text.matchAll(pattern)) {
      const { comment, string, code } = groups;
      if (comment) this.#comment(at + index, comment);
      else if (string) this.#string(at + index, string);
      else if (code) this.#name(at + index, code);
    }
  }

  markup(at: number, text: string): void {
    for (const { 0: whole, index, groups = {} } of text.matchAll(MARKUP_TOKENS)) {
      const { element, inside = "", comment, tag, text: shown } = groups;
      const start = at + index;
      const begin = start + whole.indexOf(">") + 1;
      if (element === "script") this.script(begin, inside);
      else if (element === "style") this.tokens(begin, inside, C_TOKENS);
      else if (comment) this.#read(start + 4, comment);
      else if (tag) this.tokens(start + 1, tag, HASH_TOKENS);
      else if (shown) this.#read(start, shown);
    }
  }

  /** Prose with code in it: a block of code is read in its own language, addresses not at all. */
  markdown(at: number, text: string): void {
    let done = 0;
    for (const { 0: whole, index, groups = {} } of text.matchAll(MARKDOWN_CODE)) {
      const { language, block, span, link } = groups;
      this.#read(at + done, text.slice(done, index));
      done = index + whole.length;
      const start = at + index;
      if (span) this.#name(start + 1, span);
      if (link) this.#name(start + 6, link);
      if (block === undefined) continue;
      const begin = start + whole.indexOf("\n") + 1;
      if (/^(ts|js|typescript|javascript)?$/.test(language ?? "")) this.script(begin, block);
      else this.tokens(begin, block, HASH_TOKENS);
    }
    this.#read(at + done, text.slice(done));
  }

  #comment(at: number, text: string): void {
    const isDoc = /^\/\*\*|^\/\/[/!]/.test(text);
    const goesOn = text.startsWith("//") && this.#docEnd >= 0 &&
      !this.#text.slice(this.#docEnd, at).trim();
    this.#docEnd = isDoc ? at + text.length : -1;
    const mark = isDoc && !goesOn ? DOC_START : " ";
    this.markdown(
      at,
      text.replace(/^(\/\*+|\/\/[/!]*|#+!?)|\*\/$|^[ \t]*\*(?=\s)/gm, (sign, _, offset) => {
        const blank = " ".repeat(sign.length);
        return offset === 0 ? blank.slice(1) + mark : blank;
      }),
    );
  }

  /** A string of several words is for people; a single word is a name, unless it is a path. */
  #string(at: number, text: string): void {
    const inner = text.replace(/^[\s\S]|[\s\S]$/g, HIDDEN).replace(/\\[nrt]/g, "  ");
    if (/\S\s+\S/.test(inner.replaceAll(HIDDEN, ""))) this.#read(at, inner);
    else if (!inner.includes("/")) this.#name(at, inner);
  }

  /** Adds prose, and blanks out what stands between it and the prose before; white space stays. */
  #read(at: number, text: string): void {
    const between = this.#text.slice(this.#prose.length, at);
    this.#prose += between.replace(/\S+/g, (run) => HIDDEN.repeat(run.length)) + text;
  }

  #name(at: number, text: string): void {
    for (const { word, at: within } of namesIn(text)) this.#names.push({ word, at: at + within });
  }
}

/** Returns what looks like an identifier in a text. */
export function* namesIn(text: string): Generator<Name> {
  for (const { 0: word, index } of text.matchAll(/[A-Za-z_$][\w$]*/g)) yield { word, at: index };
}
