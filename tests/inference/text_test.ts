import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { isBackChannel } from "../../src/inference/text/back_channel.ts";
import { heardText, type SpokenSentence } from "../../src/inference/text/heard_text.ts";
import { SentenceSplitter } from "../../src/inference/text/sentence_splitter.ts";
import { speakable } from "../../src/inference/text/speakable.ts";

function split(text: string, options?: { maxChars?: number }): string[] {
  const splitter = new SentenceSplitter(options);
  return [...splitter.push(text), ...splitter.end()];
}

Deno.test("text is cut into sentences where a reader would pause", () => {
  const cases: [string, string[]][] = [
    ["Hello there! How are you?", ["Hello there! ", "How are you?"]],
    ["It costs 3.50 euros. Really.", ["It costs 3.50 euros. ", "Really."]],
    ["Dr. Smith met J. Doe, e.g. here.", ["Dr. Smith met J. Doe, e.g. here."]],
    ['He said "stop." Then he left.', ['He said "stop." ', "Then he left."]],
    ["1. First\n2. Second", ["1. First\n", "2. Second"]],
    ["It was in 1999. We won.", ["It was in 1999. ", "We won."]],
    ["So am I. You too?", ["So am I. ", "You too?"]],
    ["你好。再见！", ["你好。", "再见！"]],
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
  assertThrows(() => new SentenceSplitter({ maxChars: 0 }), RangeError);
});

Deno.test("marks for the eye are taken out of what is spoken", () => {
  assertEquals(
    speakable("## **Bold** and _soft_, [a link](http://x.y) and `code`."),
    "Bold and soft, a link and code.",
  );
  assertEquals(speakable("snake_case stays, 2*3 too"), "snake_case stays, 2*3 too");
  assertEquals(speakable("🎉 ---"), "");
});

Deno.test("signs of listening are told from words", () => {
  for (const text of ["", "Mhm.", "uh-huh", "Yeah, okay.", "[cough]", "Hm?", "ja genau"]) {
    assertEquals(isBackChannel(text), true, text);
  }
  for (const text of ["No.", "Stop", "yeah but no", "okay okay okay okay", "What?", "wait"]) {
    assertEquals(isBackChannel(text), false, text);
  }
});

function sentence(text: string, ms: number, change: Partial<SpokenSentence> = {}): SpokenSentence {
  return { text, ms, complete: true, marks: [], ...change };
}

Deno.test("what was heard is cut to whole words", () => {
  const said = [sentence("One two three. ", 1400), sentence("Four five six.", 1400)];
  assertEquals(heardText(said, 0), "");
  assertEquals(heardText(said, 200), "");
  assertEquals(heardText(said, 800), "One two");
  assertEquals(heardText(said, 1400), "One two three. ");
  assertEquals(heardText(said, 1400 + 1000), "One two three. Four five");
  assertEquals(heardText(said, 9000), "One two three. Four five six.");
});

Deno.test("a sentence whose sound is not all there yet is judged by its letters", () => {
  const said = [sentence("One two three four five six seven.", 400, { complete: false })];
  assertEquals(heardText(said, 400), "One");
  said[0]!.expectedMs = 1000;
  assertEquals(heardText(said, 400), "One two three");
});

Deno.test("a voice that tells its words is believed", () => {
  const marks = [{ ms: 1000, chars: 4 }, { ms: 1100, chars: 8 }, { ms: 1200, chars: 14 }];
  const said = [sentence("One two three.", 1200, { marks })];
  assertEquals(heardText(said, 500), "");
  assertEquals(heardText(said, 1000), "One");
  assertEquals(heardText(said, 1100), "One two");
});
