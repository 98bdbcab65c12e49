// cspell:disable
/** What shows listening, and what takes the turn. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BACKCHANNEL_WORDS } from "../../../src/inference/turns/backchannel_words.ts";
import { Backchannels } from "../../../src/inference/turns/backchannels.ts";

Deno.test("Backchannels knows the words of many languages, however they are written", () => {
  const words = new Backchannels();
  for (
    const text of [
      ...[
        "haan",
        "Haan ji.",
        "हाँ",
        "हां जी",
        "ठीक है।",
        "はい",
        "はいはい。",
        "うん、うん",
        "そうですね。",
        "嗯嗯",
        "好的。",
      ],
      ...[
        "sim",
        "Sim, claro.",
        "sí",
        "SÍ",
        "si",
        "D’accord.",
        "Bien sûr!",
        "Alles klar",
        "네, 네.",
        "да",
        "ага, угу",
      ],
      ...["نعم", "evet", "Mhm…", "uh-huh", "Got it.", "I see, okay.", "(coughs)", "…", "👍"],
    ]
  ) assert(words.has(text), text);
});

Deno.test("Backchannels leaves what takes the turn", () => {
  const words = new Backchannels();
  for (
    const text of [
      ...[
        "No.",
        "nein",
        "いいえ",
        "はい、でも",
        "不是",
        "haan lekin",
        "sim, mas",
        "sí, pero no",
        "да нет",
        "네?뭐라고",
      ],
      ...["of", "course", "got", "what", "はいはいはいはい", "1", "stop", "no no", "Ja, aber"],
    ]
  ) assert(!words.has(text), text);
});

Deno.test("Backchannels goes by the language where the recogniser knows it", () => {
  const words = new Backchannels();
  assertEquals([words.has("sim", "pt-BR"), words.has("sim", "en-US"), words.has("sim")], [
    true,
    false,
    true,
  ]);
  assert(words.has("mhm", "en") && words.has("mhm", "xx"), "a sound is of all languages");
  assert(words.has("sim", "xx"), "a language without a list");
});

Deno.test("Backchannels takes lists of the application's own in place of its own", () => {
  const words = new Backchannels({ en: ["go on", "roger"], "tlh": ["HIja'"] });
  assert(words.has("Go on. Roger!", "en"));
  assert(!words.has("yeah", "en"));
  assert(words.has("hija’", "tlh") && words.has("はい", "ja"));
  assert(!new Backchannels({ en: [] }).has("yeah", "en"));
});

Deno.test("Backchannels has each of its own words, in capitals, with punctuation and in pairs", () => {
  const words = new Backchannels();
  const entry = fc.constantFrom(...Object.entries(BACKCHANNEL_WORDS))
    .chain(([language, list]) =>
      fc.tuple(fc.constant(language), fc.constantFrom(...list), fc.constantFrom(...list))
    );
  fc.assert(
    fc.property(entry, fc.constantFrom(".", "!", "、", " …"), ([language, one, two], end) => {
      assert(words.has(one + end, language), one);
      assert(words.has(one.toUpperCase(), language), one);
      assert(words.has(one.normalize("NFD"), language), one);
      assert(words.has(`${one}, ${two}${end}`, language), `${one}, ${two}`);
    }),
  );
});
