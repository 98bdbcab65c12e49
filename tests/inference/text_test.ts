/** Text: sentences, markdown, backchannels, and what was played of them. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Backchannels } from "../../src/inference/turns/backchannels.ts";
import { MarkupFilter } from "../../src/inference/text/markup_filter.ts";
import { joinPlaced } from "../../src/inference/text/placed_text.ts";
import { SentenceSplitter } from "../../src/inference/text/sentence_splitter.ts";
import { SpokenText } from "../../src/inference/text/spoken_text.ts";

function split(text: string, options?: { maxChars?: number }): string[] {
  const splitter = new SentenceSplitter(options);
  return [...splitter.push(text), ...splitter.end()];
}

Deno.test("text is cut into sentences where a reader would pause", () => {
  const cases: [string, string[]][] = [
    ["Hello there! How are you?", ["Hello there! ", "How are you?"]],
    ["It costs 3.50 euros. Really.", ["It costs 3.50 euros. ", "Really."]],
    ["Dr. Smith met J. Doe, e.g. here.", ["Dr. Smith met J. Doe, e.g. here."]],
    ['Ann said "stop." Then Ann left.', ['Ann said "stop." ', "Then Ann left."]],
    ["1. First\n2. Second", ["1. First\n", "2. Second"]],
    ["It was in 1999. We won.", ["It was in 1999. ", "We won."]],
    ["So am I. You too?", ["So am I. ", "You too?"]],
    ["你好。再见！", ["你好。", "再见！"]],
    ["मैं ठीक हूँ। आप कैसे हैं?", ["मैं ठीक हूँ। ", "आप कैसे हैं?"]],
    ["كيف حالك؟ أنا بخير.", ["كيف حالك؟ ", "أنا بخير."]],
    ["Բարեւ։ Ինչպե՞ս ես։", ["Բարեւ։ ", "Ինչպե՞ս ես։"]],
    ["Wait... what?", ["Wait... ", "what?"]],
    ["   ", []],
  ];
  for (const [text, expected] of cases) assertEquals(split(text), expected);
});

Deno.test("sentences are the same however the text comes in, and joined they are the text", () => {
  const piece = fc.constantFrom("a", "Mr", "3", ".", "!", "?", " ", "\n", '"', "。", "word", ",");
  fc.assert(fc.property(fc.array(fc.array(piece)), (pieces) => {
    const parts = pieces.map((one) => one.join(""));
    const splitter = new SentenceSplitter();
    const sentences = [...parts.flatMap((one) => splitter.push(one)), ...splitter.end()];
    const text = parts.join("");
    assertEquals(text.startsWith(sentences.join("")), true);
    assertEquals(text.slice(sentences.join("").length).trim(), "");
  }));
});

Deno.test("a sentence without an end is cut at a comma or a space", () => {
  const text = "one two three four, five six seven eight nine ten";
  assertEquals(split(text, { maxChars: 24 }), [
    "one two three four, ",
    "five six seven eight ",
    "nine ten",
  ]);
  assertEquals(split("x".repeat(25), { maxChars: 10 }).map((one) => one.length), [10, 10, 5]);
  assertEquals(split("这是一个很长，很长的句子", { maxChars: 8 }), [
    "这是一个很长，",
    "很长的句子",
  ]);
  assertThrows(() => new SentenceSplitter({ maxChars: 0 }), RangeError);
});

Deno.test("a cut where there is no space tears no character, and a word only where it must", () => {
  assertEquals(split("ab😀😀😀", { maxChars: 5 }), ["ab😀", "😀😀"]);
  assertEquals(split("😀😀", { maxChars: 1 }), ["😀", "😀"]);
  assertEquals(split("e\u0301e\u0301", { maxChars: 3 }), ["e\u0301", "e\u0301"]);
  assertEquals(split("今天天气很好我们", { maxChars: 7 }), ["今天天气很好", "我们"]);
});

/** What is spoken of a text that comes in one piece, and how much of it some of that stands for. */
function toSpeakable(written: string): { text: string; writtenChars(chars: number): number } {
  const filter = new MarkupFilter();
  const { text, places } = joinPlaced([filter.push(written), filter.end()]);
  return {
    text: /[\p{L}\p{N}]/u.test(text) ? text.trimEnd() : "",
    writtenChars: (chars) =>
      chars <= 0 ? 0 : chars < text.trimEnd().length ? places[chars]! : written.length,
  };
}

Deno.test("marks for the eye are taken out of what is spoken", () => {
  assertEquals(
    toSpeakable("## **Bold** and _soft_, [a link](http://x.y) and `code`.").text,
    "Bold and soft, a link and code.",
  );
  assertEquals(toSpeakable("snake_case stays, 2*3 too").text, "snake_case stays, 2*3 too");
  assertEquals(toSpeakable("🎉 ---").text, "");
});

Deno.test("what is spoken is known again in what is written", () => {
  const written = " See [the **big** page](http://x.y/z), 🎉 then `F1`! ";
  const { text, writtenChars } = toSpeakable(written);
  assertEquals(text, "See the big page, then F1!");
  const upTo = (word: string) => written.slice(0, writtenChars(text.indexOf(word) + word.length));
  assertEquals(upTo("See"), " See");
  assertEquals(upTo("page"), " See [the **big** page](http://x.y/z)");
  assertEquals(upTo("then"), " See [the **big** page](http://x.y/z), 🎉 then");
  assertEquals(upTo("F1"), " See [the **big** page](http://x.y/z), 🎉 then `F1`");
  assertEquals(writtenChars(text.length), written.length);
  assertEquals(writtenChars(0), 0);
});

Deno.test("whatever is written, more of what is spoken is more of what is written", () => {
  const piece = fc.constantFrom(
    "a",
    "word",
    " ",
    "\n",
    "*",
    "**",
    "_",
    "`",
    "[",
    "](",
    ")",
    "# ",
    "🎉",
  );
  fc.assert(fc.property(fc.array(piece), (pieces) => {
    const written = pieces.join("");
    const { text, writtenChars } = toSpeakable(written);
    for (let chars = 1; chars <= text.length; chars++) {
      const more = written.slice(writtenChars(chars - 1), writtenChars(chars));
      if (text[chars - 1] !== " ") assertEquals(more.includes(text[chars - 1]!), true);
      assertEquals(more.length > 0, true);
    }
  }));
});

Deno.test("signs of listening are told from words", () => {
  for (const text of ["", "Mhm.", "uh-huh", "Yeah, okay.", "[cough]", "Hm?", "ja genau"]) {
    assertEquals(new Backchannels().has(text), true, text);
  }
  for (const text of ["No.", "Stop", "yeah but no", "okay okay okay okay", "What?", "wait"]) {
    assertEquals(new Backchannels().has(text), false, text);
  }
});

Deno.test("brackets and long words take Backchannels no time that grows with their square", () => {
  const from = performance.now();
  for (const text of ["[", "(", "[(", "はい", "は"]) {
    assertEquals(new Backchannels().has(text.repeat(50_000)), /[[(]/.test(text));
  }
  const took = performance.now() - from;
  assert(took < 10_000, `${Math.round(took)} ms`);
});

/** A sentence as a voice says it: its audio, and how far that is known. */
interface Said {
  text: string;
  ms: number;
  complete?: boolean;
  silent?: boolean;
  expectedMs?: number;
  marks?: { ms: number; chars: number }[];
}

/** What was heard of sentences that were said one after another. */
function playedText(said: readonly Said[], heardMs: number): string {
  const spoken = new SpokenText();
  for (const { text, ms, complete = true, silent = false, expectedMs, marks = [] } of said) {
    const from = spoken.spoken.length;
    spoken.say(text);
    const to = spoken.spoken.length;
    spoken.align(
      marks.map((mark) => ({ chars: from + mark.chars, atMs: spoken.audioMs + mark.ms })),
    );
    if (expectedMs !== undefined) spoken.expectedMs = spoken.audioMs + expectedMs;
    spoken.audioMs += ms;
    if (silent) spoken.skip(from, to);
    if (complete) spoken.align([{ chars: to, atMs: spoken.audioMs }]);
    spoken.isComplete = complete;
  }
  return spoken.heard(heardMs).text;
}

Deno.test("what was heard is cut to whole words", () => {
  const said = [{ text: "One two three. ", ms: 1400 }, { text: "Four five six.", ms: 1400 }];
  assertEquals(playedText(said, 0), "");
  assertEquals(playedText(said, 200), "");
  assertEquals(playedText(said, 800), "One two");
  assertEquals(playedText(said, 1400), "One two three. ");
  assertEquals(playedText(said, 1400 + 1000), "One two three. Four five");
  assertEquals(playedText(said, 9000), "One two three. Four five six.");
});

Deno.test("a sentence whose sound is not all there yet is judged by its letters", () => {
  const said: Said[] = [{ text: "One two three four five six seven.", ms: 400, complete: false }];
  assertEquals(playedText(said, 400), "One");
  said[0]!.expectedMs = 1000;
  assertEquals(playedText(said, 400), "One two three");
});

Deno.test("how fast a sentence is said is known from those before it", () => {
  const said: Said[] = [
    { text: "One two three four. ", ms: 1900 },
    { text: "Five six seven eight.", ms: 500, complete: false },
  ];
  // 100 ms a character.
  assertEquals(playedText(said, 1900 + 500), "One two three four. Five");
  Object.assign(said[0]!, { ms: 190 });
  Object.assign(said[1]!, { ms: 140 });
  assertEquals(playedText(said, 190 + 140), "One two three four. Five six seven");
});

Deno.test("a sentence that the voice made no sound of was not heard, those around it were", () => {
  const said = [
    { text: "One. ", ms: 300 },
    { text: "Two. ", ms: 0, silent: true },
    { text: "Three.", ms: 400 },
  ];
  assertEquals(playedText(said, 700), "One. Three.");
});

Deno.test("a voice that tells its words is believed", () => {
  const marks = [{ ms: 1000, chars: 4 }, { ms: 1100, chars: 8 }, { ms: 1200, chars: 14 }];
  const said = [{ text: "One two three.", ms: 1200, marks }];
  assertEquals(playedText(said, 500), "");
  assertEquals(playedText(said, 1000), "One");
  assertEquals(playedText(said, 1100), "One two");
});
