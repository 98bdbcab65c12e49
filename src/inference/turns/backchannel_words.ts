/** The words of listening, for each language. @module */
// cspell:disable
/**
 * What people say in a language to show that they listen, without taking the turn. A word that is an
 * objection in another language, such as the Polish "no" for "yes", is in no list.
 */
export const BACKCHANNEL_WORDS: Readonly<Record<string, readonly string[]>> = {
  ar: ["نعم", "أجل", "أيوه", "ايوه", "تمام", "طيب", "صحيح"],
  cs: ["ano", "jo", "jasně", "dobře", "přesně"],
  da: ["ja", "jo", "okay", "præcis", "nemlig"],
  de: "ja|jaja|jo|klar|alles klar|genau|gut|ach|ach so|so|stimmt|richtig|verstehe|sicher".split(
    "|",
  ),
  el: ["ναι", "εντάξει", "μάλιστα", "σωστά"],
  en: "yeah|yep|yes|yup|right|sure|i see|got it|of course|all right|exactly|cool".split("|"),
  es: "sí|si|claro|vale|bueno|ya|ajá|exacto|de acuerdo|entiendo|así es".split("|"),
  fi: ["joo", "juu", "niin", "kyllä", "aivan", "okei"],
  fr: "oui|ouais|d'accord|bien|bien sûr|ah bon|voilà|exact|je vois".split("|"),
  he: ["כן", "נכון", "בסדר", "אוקיי"],
  hi:
    "हाँ|हां|जी|अच्छा|ठीक है|सही|हम्म|haan|han|ji|haan ji|ji haan|achha|accha|acha|theek hai|thik hai|sahi"
      .split("|"),
  id: ["ya", "iya", "oke", "baik", "betul"],
  it: "sì|si|già|certo|va bene|esatto|ecco|capisco".split("|"),
  ja:
    "はい|うん|ええ|そう|そうです|そうですね|そうですか|なるほど|へえ|へー|ああ|あー|ふーん|うーん|hai|un"
      .split("|"),
  ko: ["네", "예", "응", "음", "그래", "그래요", "그렇군요", "맞아요", "아", "어"],
  nb: ["ja", "jo", "akkurat", "nettopp", "greit"],
  nl: "ja|jawel|oké|precies|goed|zeker|klopt|snap ik".split("|"),
  pl: ["tak", "jasne", "dobrze", "rozumiem", "racja", "dokładnie"],
  pt: "sim|é|pois|pois é|tá|tá bom|está bem|certo|claro|entendi|isso|uhum|aham".split("|"),
  ru: "да|ага|угу|ясно|понятно|хорошо|так|точно|ну да|конечно".split("|"),
  sv: ["ja", "japp", "jo", "okej", "precis", "just det"],
  th: ["ครับ", "ค่ะ", "ใช่", "อืม"],
  tr: "evet|tamam|tabii|anladım|peki|hıhı|hı hı".split("|"),
  uk: ["так", "ага", "угу", "ясно", "добре", "зрозуміло"],
  vi: ["vâng", "dạ", "ừ", "ờ", "đúng rồi"],
  zh: "嗯|对|對|是|是的|好|好的|哦|啊|行|明白|没错|沒錯".split("|"),
};

/** Sounds of listening that are the same in many languages. */
export const BACKCHANNEL_SOUNDS: readonly string[] =
  ("ah aha ahem eh em er erm ha haha hah hm hmm hmmm huh mhm mhmm mm mmm mm-hmm mm-hm oh uh uhm um " +
    "uh-huh uhhuh wow ok okay").split(" ");
