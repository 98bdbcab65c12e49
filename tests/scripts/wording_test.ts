import { assertEquals, assertThrows } from "@std/assert";
import { parseRules, WordingCheck } from "../../scripts/wording/rules.ts";

const LIST = new URL("../../scripts/wording/banned.txt", import.meta.url);
const check = new WordingCheck(parseRules(await Deno.readTextFile(LIST)));

/** What the checked-in list finds in a text, as "line word". */
function found(path: string, text: string): string[] {
  return check.check(path, text).map(({ line, found }) => `${line} ${found}`);
}

/** What a list of one rule finds. */
function foundBy(rule: string, path: string, text: string): string[] {
  return new WordingCheck(parseRules(rule)).check(path, text)
    .map(({ line, found }) => `${line} ${found}`);
}

Deno.test("a name is found as an identifier, whole and in its own case only", () => {
  assertEquals(found("src/a.ts", "const a = 1;\nnew SaidPort(a);"), ["2 SaidPort"]);
  assertEquals(found("src/a.ts", "new SaidPorts(said);"), []);
  assertEquals(found("src/a.ts", "this.#audioRate = 1;"), ["1 audioRate"]);
  assertEquals(found("src/a.ts", "saidPort.close(), border.top"), ["1 saidPort"]);
  assertEquals(found("native/src/a.rs", "struct Border<'a>(&'a u8);"), ["1 Border"]);
});

Deno.test("a name that is an English word is found in code, code spans and links, not in prose", () => {
  assertEquals(found("src/a.ts", "// Attention: Border, Feed and Sight"), []);
  assertEquals(found("src/a.ts", "// a `Border`\n/** {@link Feed} */"), ["1 Border", "2 Feed"]);
  assertEquals(found("src/a.ts", 'f("Border of a country")'), []);
  assertEquals(found("src/a.ts", 'f("Border")'), ["1 Border"]);
  assertEquals(found("src/a.ts", 'f("../Border/it")'), []);
});

Deno.test("a name that is no English word is found in prose too", () => {
  assertEquals(found("docs/a.md", "The option audioRate\nand MemoryParty."), [
    "1 audioRate",
    "2 MemoryParty",
  ]);
  assertEquals(found("docs/a.md", "The option sampleRate and MemoryParticipant."), []);
});

Deno.test("a part is found within identifiers and file names, whatever its case", () => {
  assertEquals(found("src/a.ts", "runToolbox(TOOLBOX_LIMIT)"), [
    "1 runToolbox",
    "1 TOOLBOX_LIMIT",
  ]);
  assertEquals(found("src/media/take.ts", "trimmers(trimming)"), []);
  assertEquals(found("src/media/trimmer_test.ts", ""), ["1 trimmer"]);
});

Deno.test("a file is found by its own name, as a test's and as a helper's", () => {
  for (const path of ["src/said_port.ts", "tests/said_port_test.ts", "tests/_said_port.ts"]) {
    assertEquals(found(path, ""), ["1 said_port"], path);
  }
  assertEquals(found("src/media/host/a.ts", ""), ["1 host"]);
  assertEquals(found("src/media/process/a.ts", ""), ["1 media/process/"]);
  assertEquals(found("src/hosts.ts", ""), []);
  assertEquals(found("tests/media/process_test.ts", ""), []);
});

Deno.test("prose is found in comments, strings, Markdown and pages, and not in code", () => {
  assertEquals(found("src/a.ts", "f(at, once); // at once"), ["1 at once"]);
  assertEquals(found("src/a.ts", 'throw new Error("ask him")'), ["1 him"]);
  assertEquals(found("src/a.ts", "f(`${name} closed\\nhis tab`)"), ["1 his"]);
  assertEquals(found("src/a.ts", 'lang("he", at.once, /he is/)'), []);
  assertEquals(found("README.md", "his `his`\n\n```ts\nconst his = 1; // hers\n```"), [
    "1 his",
    "4 hers",
  ]);
  assertEquals(
    found("a.html", '<p title="to him" id="him">her</p><script>const his = 1</script>'),
    ["1 him", "1 her"],
  );
  assertEquals(found("a.rs", "fn he() {} // he\n/* she */ \"or his\"; 'h'"), [
    "1 he",
    "2 she",
    "2 his",
  ]);
  assertEquals(found("a.sh", "he # he"), ["1 he"]);
  assertEquals(found("a.yml", "label: ask her"), ["1 her"]);
});

Deno.test("a phrase is found across the lines of a comment, and not across code", () => {
  assertEquals(found("src/a.ts", "/**\n * All at\n * once.\n */"), ["2 at once"]);
  assertEquals(found("src/a.ts", "// all at\n// once"), ["1 at once"]);
  assertEquals(found("src/a.ts", 'f("all at ", "once more")'), []);
  assertEquals(found("src/a.ts", "/* all at */ f() /* once more */"), []);
});

Deno.test("a doc comment's first words are told from the same words further on", () => {
  assertEquals(found("src/a.ts", "/** Makes a track. */\n/** It makes sense. */"), ["1 Makes"]);
  assertEquals(found("src/a.ts", "// Makes sense."), []);
  assertEquals(found("a.rs", "/// Gives way.\n/// Gives up."), ["1 Gives"]);
});

Deno.test("phrases are found with the words in the middle, and near misses are not", () => {
  assertEquals(found("a.md", "What a session is made of\n\nHow an agent is made"), [
    "1 What a session is made of",
    "3 How an agent is made",
  ]);
  assertEquals(found("a.md", "What a session holds, and how it is made once, attached"), []);
  assertEquals(found("a.md", "Nobody, whoever; somebody's"), [
    "1 Nobody",
    "1 whoever",
    "1 somebody",
  ]);
  assertEquals(found("a.md", "The sheriff of Herne: this, there, no body, some bodies"), []);
});

Deno.test("a rule holds where it says, and nowhere that it excepts", () => {
  const rule = "name Source | TrackInput | src/media/ !src/media/wire/";
  assertEquals(foundBy(rule, "src/media/a.ts", "Source"), ["1 Source"]);
  assertEquals(foundBy(rule, "src/media/wire/a.ts", "Source"), []);
  assertEquals(foundBy(rule, "src/a.ts", "Source"), []);
});

Deno.test("a list with a line that is no rule is refused, with the line's number", () => {
  assertThrows(
    () => parseRules("# words\n\nname Trimmer\n"),
    Error,
    'banned words, line 3: "name Trimmer" is no rule: expected "kind word | instead"',
  );
});

Deno.test("every rule of the checked-in list names what to write instead", () => {
  for (const { word, instead } of parseRules(Deno.readTextFileSync(LIST))) {
    assertEquals(/\S/.test(instead), true, word);
  }
});
