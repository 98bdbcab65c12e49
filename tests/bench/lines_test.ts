/** Messages as lines of JSON. */
import { assertEquals } from "@std/assert";
import { messages } from "../../bench/lib/lines.ts";

Deno.test("messages() yields messages that are cut anywhere, and separates stray output", async () => {
  const stray: string[] = [];
  const text = new TextEncoder().encode('{"a":"é"}\nwarning: \n{"b":2}\n');
  // One byte at a time: each cut, also the one within a character.
  const bytes = ReadableStream.from(Array.from(text, (_, i) => text.slice(i, i + 1)));
  const found = await Array.fromAsync(messages(bytes, (line) => stray.push(line)));
  assertEquals(found, [{ a: "é" }, { b: 2 }]);
  assertEquals(stray, ["warning: "]);
});
