/** The application's own changes of what is spoken, and the way back. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { pronounce } from "../../../src/inference/speech/synthesizer.ts";
import { reworded } from "../../../src/inference/text/reworded.ts";
import { placedText } from "../../../src/inference/text/placed_text.ts";
import { SpeakableText } from "../../../src/inference/text/speakable_text.ts";
import { SpokenText } from "../../../src/inference/text/spoken_text.ts";
import { Fixture } from "../_fixture.ts";

/** What is kept of a text of which so many spoken characters were heard, 100 ms each. */
function kept(written: string, changes: ((text: string) => string)[], chars: number): string {
  const spoken = new SpokenText();
  const text = new SpeakableText(changes);
  for (const piece of written.match(/.{1,3}/gsu) ?? []) {
    spoken.write(piece);
    spoken.speak(text.push(piece), text.doneChars);
  }
  spoken.speak(text.end(), text.doneChars);
  Object.assign(spoken, { isComplete: true, audioMs: 100 * spoken.spoken.trimEnd().length });
  return spoken.heard(100 * chars).text;
}

Deno.test("pronounce replaces whole words and phrases, the longest first", () => {
  const spoken = pronounce({
    SQL: "sequel",
    "New York": "N Y",
    "New York City": "the city",
    "C++": "C plus",
  });
  assertEquals(
    spoken("SQL, MySQL and SQLite in New York City or New York. C++!"),
    "sequel, MySQL and SQLite in the city or N Y. C plus!",
  );
  assertEquals(pronounce({})("SQL"), "SQL");
  assertEquals(pronounce({ "übel": "evil" })("trübe übel"), "trübe evil");
});

Deno.test("SpeakableText keeps the way back through transforms and pronunciations", () => {
  const dollars = (text: string) => text.replaceAll("$5", "five dollars");
  const changes = [dollars, pronounce({ Nguyen: "Win" })];
  const written = "**Nguyen** pays $5 for [a tea](http://x.y) today. And $5 more.";
  const spoken = "Win pays five dollars for a tea today. And five dollars more.";
  assertEquals(kept(written, changes, "Win".length), "**Nguyen**");
  assertEquals(kept(written, changes, "Win pays five".length), "**Nguyen** pays");
  assertEquals(kept(written, changes, "Win pays five dollars".length), "**Nguyen** pays $5");
  assertEquals(
    kept(written, changes, spoken.indexOf(" today")),
    "**Nguyen** pays $5 for [a tea](http://x.y)",
  );
  assertEquals(
    kept(written, changes, spoken.indexOf(" And")),
    written.slice(0, written.indexOf("And")),
  );
  assertEquals(kept(written, changes, spoken.length), written);
});

Deno.test("reworded keeps places in order, whatever the words became", () => {
  const words = fc.array(fc.constantFrom("a", "b", "dear", " ", ", ", "今", "$5", "\n", "é"));
  fc.assert(
    fc.property(words, words, (before, after) => {
      const original = placedText(before.join(""), 7);
      const { text, places } = reworded(original, after.join(""));
      assertEquals(text, after.join(""));
      assertEquals(places.length, text.length);
      assertEquals(places, places.toSorted((a, b) => a - b));
      assert(
        places.every((place) => place === 0 || place >= 7 && place <= 7 + original.text.length),
      );
    }),
    { numRuns: 500, seed: 3 },
  );
});

Deno.test("what is kept under any transform is a beginning of what was written, and grows", () => {
  const piece = fc.constantFrom(
    "a ",
    "word",
    " Nguyen ",
    "$5",
    ". ",
    "! ",
    "\n",
    "**",
    "[x](y)",
    "今天。",
  );
  const change = fc.constantFrom<(text: string) => string>(
    (text) => text.toUpperCase(),
    (text) => text.replaceAll("$5", "five dollars"),
    (text) => text.split(" ").reverse().join(" "),
    () => "",
    (text) => `${text} ${text}`,
    pronounce({ Nguyen: "Win", word: "a long word" }),
  );
  fc.assert(
    fc.property(fc.array(piece), fc.array(change, { maxLength: 2 }), (pieces, changes) => {
      const written = pieces.join("");
      let last = "";
      for (let chars = 0; chars < written.length + 40; chars += 3) {
        const now = kept(written, changes, chars);
        assert(written.startsWith(now) && now.startsWith(last), `${last} then ${now}`);
        last = now;
      }
    }),
    { numRuns: 200, seed: 3 },
  );
});

Deno.test("an agent speaks what textTransform and pronunciations make of it, and shows what was written", async () => {
  await using fixture = await Fixture.set({
    replies: ["Ask Nguyen: it is $5."],
    agent: {
      textTransform: (text) => text.replace("$5", "five dollars"),
      pronunciations: { Nguyen: "Win" },
    },
  });
  await fixture.clock.until(fixture.agent.generateReply("How much?"));
  assertEquals(fixture.tts.sentences, ["Ask Win: it is five dollars."]);
  assertEquals(fixture.conversation.at(-1), "agent: Ask Nguyen: it is $5.");
});

for (
  const [what, slip] of [
    ["throws", () => {
      throw new Error("a slip");
    }],
    ["returns a promise", () => Promise.reject(new Error("a slip"))],
    ["returns no text", () => undefined],
  ] as const
) {
  Deno.test(`a sentence whose textTransform ${what} is spoken as it is, and that is reported`, async () => {
    await using fixture = await Fixture.set({ agent: { textTransform: slip as never } });
    const outcome = await fixture.clock.until(fixture.agent.say("Hello there."));
    assertEquals(outcome, { text: "Hello there.", interrupted: false });
    assertEquals(fixture.errors.map(({ context }) => context), [
      "textTransform; the sentence is spoken as it is",
    ]);
  });
}
