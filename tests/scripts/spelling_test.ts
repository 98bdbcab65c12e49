import { assertEquals } from "@std/assert";

const WORDS = new URL("../../scripts/wording/words.txt", import.meta.url);

Deno.test("words.txt is sorted, in lower case, and holds each word once", async () => {
  const words = (await Deno.readTextFile(WORDS)).trimEnd().split("\n");
  assertEquals(words, [...new Set(words.map((word) => word.toLowerCase()))].sort());
});
