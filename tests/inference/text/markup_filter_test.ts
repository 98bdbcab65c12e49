/** What a voice says of written text. */
import { assert, assertEquals } from "@std/assert";
import { MarkupFilter } from "../../../src/inference/text/markup_filter.ts";
import { joinPlaced, placedText } from "../../../src/inference/text/placed_text.ts";
import { reworded } from "../../../src/inference/text/reworded.ts";
import { SentenceSplitter } from "../../../src/inference/text/sentence_splitter.ts";

/** What is said of a text that comes in pieces of so many characters. */
function said(written: string, size = written.length): string {
  const filter = new MarkupFilter();
  const parts = [];
  for (let at = 0; at < written.length; at += size) {
    parts.push(filter.push(written.slice(at, at + size)));
  }
  const { text, places } = joinPlaced([...parts, filter.end()]);
  assertEquals(places, places.toSorted((a, b) => a - b));
  assertEquals(filter.doneChars, written.length);
  return text.trimEnd();
}

const CASES: [what: string, written: string, spoken: string][] = [
  ["thoughts", "<think>Who asks?\nAnn.</think>\nHello, Ann.", "Hello, Ann."],
  ["thoughts in the middle", "Well. <thinking>\n\nHm < 3</thinking> Yes.", "Well. Yes."],
  ["a thought without an end", "Yes. <think>But what if", "Yes."],
  ["a table", "See:\n| a | b |\n|---|:-:|\n| 1 | 2 |\nDone.", "See:\nDone."],
  [
    "a table without bars around it",
    "See:\nName | Age\n--- | :-:\nAnn B. | 5\nBob | 7\nDone.",
    "See:\nDone.",
  ],
  ["a table at the end", "See.\n\nFirst name | Age | Town\n:-- | --- | --:\nAnn | 5", "See."],
  ["bars that are no table", "One | two.\nThree | four\nfive.", "One | two.\nThree | four\nfive."],
  ["what follows a table", "A:\nx | y\n-|-\n1 | 2\n\nSo: a | b.", "A:\nSo: a | b."],
  ["a fence's language", "Run:\n```python title=x\nprint(1)\n```\nDone.", "Run:\nprint(1)\nDone."],
  ["code within a line", "```ls``` lists, `cd` goes.", "ls lists, cd goes."],
  ["rules", "One.\n\n---\n\n***\nTwo.\n=====\nThree.", "One.\nTwo.\nThree."],
  ["HTML", 'A <b>big</b> <a href="http://x.y/z">house</a>.<br>Yes.', "A big house. Yes."],
  ["comments and entities", "Fish<!-- no --> &amp; chips&nbsp;&lt;5.", "Fish & chips <5."],
  ["addresses in brackets", "See <https://x.y/z> there.", "See there."],
  ["comparisons stay", "3 < 4 and 5 > 2.", "3 < 4 and 5 > 2."],
  ["flags", "Team 🇩🇪🇫🇷 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿 won.", "Team and won."],
  ["digits in boxes", "1️⃣ First. #️⃣ Two 2.", "First. Two 2."],
  ["skin tones and joiners", "Hi 👍🏽👩🏽‍💻👨‍👩‍👧 there ❤️.", "Hi there ."],
  ["joiners of scripts stay", "क्\u200dष", "क्\u200dष"],
  ["marks around links", "**[The big _page_](http://x.y/z)**, see.", "The big page, see."],
  ["brackets that are no link stay", "[1] says [a] (b) and ![].", "[1] says [a] (b) and ![]."],
  ["nested marks of lines", "> - # **Title**\n  * item", "Title\nitem"],
];
for (const [what, written, spoken] of CASES) {
  Deno.test(`MarkupFilter: ${what}`, () => {
    for (const size of [written.length, 1, 2, 3, 7]) assertEquals(said(written, size), spoken);
  });
}

Deno.test("MarkupFilter returns words before their sentence or line is over", () => {
  const filter = new MarkupFilter();
  const spoken = (text: string) => filter.push(text).text;
  assertEquals(
    ["Once ", "upon a", " time [in", " a](b", ") wood", "<b", ">s</b> 今天", "很好"].map(spoken),
    ["Once ", "upon ", "a time ", "", "in a ", "", "woods 今", "天很"],
  );
  assertEquals(filter.end().text, "好");
});

/** Runs what is given on more and more text, and returns how many steps of ours each took. */
function steps(run: (text: string) => void, piece: string, sizes: readonly number[]): number[] {
  let count = 0;
  const exec = RegExp.prototype.exec;
  const slice = String.prototype.slice;
  RegExp.prototype.exec = function (text) {
    count += text.length;
    return exec.call(this, text);
  };
  String.prototype.slice = function (from, to) {
    count += 1;
    return slice.call(this, from, to);
  };
  try {
    return sizes.map((size) => {
      count = 0;
      run(piece.repeat(size));
      return count;
    });
  } finally {
    RegExp.prototype.exec = exec;
    String.prototype.slice = slice;
  }
}

const HARD: [string, string, number][] = [
  ["dots in one piece", ".", 20_000],
  ["new lines", "\n", 100_000],
  ["abbreviations", "Mr. ", 100_000],
  ["brackets", "[", 20_000],
  ["beginnings of links", "[a](", 20_000],
  ["beginnings of tags", "<a ", 20_000],
  ["thoughts", "<think>a</think>", 10_000],
  ["letters", "x", 100_000],
  ["stars", "* ", 100_000],
  ["bars", "a | b\n", 5000],
  ["bars in one line", "a | ", 10_000],
  ["rows", "a | b\n-|-\n", 5000],
];
for (const [what, piece, count] of HARD) {
  Deno.test(`the work for ${count} ${what} grows with their number only`, () => {
    const splitter = (text: string) => {
      const one = new SentenceSplitter();
      const sentences = [...one.push(text), ...one.end()];
      assertEquals(sentences.join("").length, /\S/.test(text) ? text.length : 0);
    };
    for (const run of [splitter, (text: string) => void said(text)]) {
      const [some, all] = steps(run, piece, [count / 4, count]) as [number, number];
      assert(all <= 4.5 * some + 5000, `${some} steps, then ${all}`);
    }
  });
}

/** Steps of a regular expression cannot be counted: what grows with their square takes minutes here. */
const MAX_MS = 10_000;
const HARD_IN_PIECES: [string, string][] = [
  // Twice the time with each sign, once.
  ["a rule that is none", `${"-".repeat(29)}x\n`],
  ["a mixed rule that is none", `${"-=*_".repeat(7)}x\n`],
  ["a fence without an end", "`".repeat(100_000)],
  ["brackets", "[".repeat(100_000)],
  ["beginnings of comments", "<!--".repeat(25_000)],
  ["white space", `${" ".repeat(100_000)}x`],
  ["new lines", `${"\n".repeat(100_000)}x`],
];
for (const [what, text] of HARD_IN_PIECES) {
  Deno.test(`${what} of ${text.length} characters take no long time, in pieces`, () => {
    const from = performance.now();
    const filter = new MarkupFilter();
    for (let at = 0; at < text.length; at += 64) filter.push(text.slice(at, at + 64));
    filter.end();
    const changed = reworded(placedText(text, 0), `${text}.`);
    assertEquals(changed.places.length, text.length + 1);
    reworded(placedText("a b c", 0), text);
    const took = performance.now() - from;
    assert(took < MAX_MS, `${Math.round(took)} ms`);
  });
}
