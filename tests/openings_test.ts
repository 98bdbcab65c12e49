/** What CONTRIBUTING says of files: each opens with a sentence on what it is. */
import { assertEquals } from "@std/assert";

const root = new URL("../", import.meta.url);

async function* filesOf(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const url = new URL(isDirectory ? `${name}/` : name, folder);
    if (isDirectory) yield* filesOf(url);
    // What protoc writes opens as it likes.
    else if (/\.(ts|js)$/.test(name) && !name.endsWith("_pb.ts")) yield url;
  }
}

Deno.test("every file of src opens with a sentence on what it is", async () => {
  const without: string[] = [];
  for await (const file of filesOf(new URL("src/", root))) {
    const text = await Deno.readTextFile(file);
    // A directive for the types of a script stands before it.
    const isOpened = /^(\/\/ @[^\n]*\n)*\/\*\*\s*(\*\s)?[^@*\s]/.test(text);
    if (!isOpened) without.push(file.pathname.slice(root.pathname.length));
  }
  assertEquals(without.sort(), []);
});
