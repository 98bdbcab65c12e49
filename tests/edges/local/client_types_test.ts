/** The types of the page's client are written by hand: they must name what its script has. */
import { assert, assertEquals } from "@std/assert";
import * as client from "@ringline/edge/local/client";

const FOLDER = new URL("../../../src/edges/local/page/", import.meta.url);
const types = await Deno.readTextFile(new URL("client.d.ts", FOLDER));
const script = await Deno.readTextFile(new URL("client.js", FOLDER));

/** All that a pattern's group finds in a text, each once, in order. */
function found(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name]) => name!))].sort();
}

/** The part of the types between a line and the next "}" that begins one. */
function block(start: string): string {
  const from = types.indexOf(`\n${start}`);
  assert(from >= 0, `the types have no "${start}"`);
  return types.slice(from, types.indexOf("\n}\n", from));
}

/** The methods and accessors of a class, and how many arguments each method needs at least. */
function members(of: { prototype: object }): Map<string, number | undefined> {
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(of.prototype));
  return new Map(descriptors.map(([name, { value }]) => [name, value?.length]));
}

Deno.test("client.d.ts exports what client.js exports", () => {
  assertEquals(
    found(types, /^export (?:class|function) (\w+)/gm),
    Object.keys(client).sort(),
  );
});

Deno.test("client.d.ts has the methods, accessors and fields of RinglineClient", () => {
  const declared = block("export class RinglineClient");
  const methods = members(client.RinglineClient);
  const inherited = ["addEventListener", "removeEventListener"];
  assertEquals(
    found(declared, /^ {2}(?:override |get )?(\w+)(?:<[^>]*>)?\(/gm)
      .filter((name) => !inherited.includes(name)),
    [...methods.keys()].sort(),
  );
  for (const [name, length] of methods) {
    if (name === "constructor" || length === undefined) continue;
    const [, parameters = ""] = new RegExp(`^  ${name}\\((.*)\\)`, "m").exec(declared) ?? [];
    assertEquals(parameters === "" ? 0 : 1, length, name);
  }
  const fields = script.slice(script.indexOf("class RinglineClient"), script.indexOf("  #link;"));
  assertEquals(
    found(declared, /^ {2}(\w+): /gm),
    found(fields, /^ {2}(\w+)(?: = .*)?;$/gm),
  );
});

Deno.test("client.d.ts has a detail for each event that RinglineClient emits", () => {
  assertEquals(
    found(block("export interface ClientEvents"), /^ {2}(\w+): /gm),
    found(script, /#emit\("(\w+)"/g),
  );
});
