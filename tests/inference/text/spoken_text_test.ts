/** What was heard of a text, for whatever text, transforms and alignment. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Alignment } from "../../../src/inference/contracts/tts.ts";
import { MarkupFilter } from "../../../src/inference/text/markup_filter.ts";
import { SpokenText } from "../../../src/inference/text/spoken_text.ts";

const piece = fc.oneof(
  fc.constantFrom(
    "| a | b |\n",
    "|",
    ..."a|word|Another| |  |. |! |?|, |\n|\n\n|**|*|_|`|```|[|](|)|[link](x)|# |- |> |🎉|👍🏽|今天|。|é|e\u0301|ไทย|1. |<think>|</think>|<b>|<br/>|<|>|&amp;|```js\n|---|🇩🇪|1️⃣"
      .split("|"),
  ),
  fc.string({ unit: "grapheme", maxLength: 4 }),
);
const alignment = fc.array(fc.record({
  chars: fc.oneof(fc.double({ min: -3, max: 90 }), fc.integer({ min: -3, max: 90 })),
  atMs: fc.double({ min: -50, max: 6000 }),
}));

function spokenText(
  pieces: readonly string[],
  { marks, audioMs, isComplete }: { marks: Alignment[]; audioMs: number; isComplete: boolean },
): SpokenText {
  const spoken = new SpokenText();
  const filter = new MarkupFilter();
  for (const one of pieces) {
    spoken.write(one);
    spoken.speak(filter.push(one), filter.doneChars);
  }
  if (isComplete) spoken.speak(filter.end(), filter.doneChars);
  spoken.align(marks);
  return Object.assign(spoken, { audioMs, isComplete });
}

Deno.test("SpokenText keeps a beginning of what was written, which grows with what was heard", () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 40 }),
      alignment,
      fc.nat(5000),
      fc.boolean(),
      fc.array(fc.double({ min: -10, max: 7000, noNaN: true }), { minLength: 2, maxLength: 12 }),
      (pieces, marks, audioMs, isComplete, times) => {
        const spoken = spokenText(pieces, { marks, audioMs, isComplete });
        const written = pieces.join("");
        let last = "";
        for (const ms of times.toSorted((a, b) => a - b)) {
          const { text, fragments } = spoken.heard(ms);
          assert(written.startsWith(text));
          assert(text.startsWith(last), `${JSON.stringify(last)} then ${JSON.stringify(text)}`);
          const chars = fragments.reduce((sum, one) => sum + one.chars, 0);
          assertEquals(chars, written.length);
          last = text;
        }
        if (isComplete) assertEquals(spoken.heard(Infinity).text, written);
        assertEquals(spoken.heard(0).text, isComplete && audioMs === 0 ? written : "");
      },
    ),
    { numRuns: 1000, seed: 17 },
  );
});

Deno.test("SpokenText tears no character", () => {
  const spoken = spokenText(["Ja 👍🏽👨‍👩‍👧 e\u0301t\u00e9 🇩🇪 ok."], {
    marks: [],
    audioMs: 2000,
    isComplete: true,
  });
  for (let ms = 0; ms <= 2000; ms += 10) {
    const { text } = spoken.heard(ms);
    assertEquals(text.isWellFormed(), true);
  }
});

Deno.test("MarkupFilter says the same however the text comes in", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const options = { marks: [], audioMs: 0, isComplete: true };
      const whole = spokenText([pieces.join("")], options);
      assertEquals(spokenText(pieces, options).spoken, whole.spoken);
      assertEquals(spokenText([...pieces.join("")], options).spoken, whole.spoken);
    }),
    { numRuns: 1000, seed: 17 },
  );
});
