/**
 * Finds banned words: `deno task wording`.
 *
 * The list is `scripts/wording/banned.txt`. Each hit is a line `file:line: "word": write ...`, and
 * the exit code is 1 when there is one.
 *
 * @module
 */
import { flags } from "./lib/command_line.ts";
import { parseRules, WordingCheck } from "./wording/rules.ts";

flags(`deno task wording

Finds banned words.`);

const ROOT = new URL("../", import.meta.url);

/** Folders of files that others wrote, or that are generated. */
const FOREIGN_FOLDERS = new Set([
  ".git",
  "vendor",
  "node_modules",
  "target",
  "proto",
  "results",
  "stand_ins",
]);

/** Files where old names and banned words must stand. */
const EXEMPT = new Set([
  ".github/CHANGELOG.md",
  "docs/renames.md",
  "scripts/wording/banned.txt",
  "scripts/wording/words.txt",
  "tests/scripts/wording_test.ts",
]);

const TEXT = /\.(ts|js|rs|go|py|css|html|svg|json|jsonc|md|yml|yaml|toml|sh|txt)$|^[^.]+$/;

async function* files(folder = ""): AsyncGenerator<string> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(new URL(folder, ROOT))) {
    const path = folder + name;
    if (isDirectory && !FOREIGN_FOLDERS.has(name)) yield* files(`${path}/`);
    else if (isFile && TEXT.test(name) && name !== "LICENSE" && !EXEMPT.has(path)) yield path;
  }
}

const list = await Deno.readTextFile(new URL("./wording/banned.txt", import.meta.url));
const check = new WordingCheck(parseRules(list));
let count = 0;
for (const path of (await Array.fromAsync(files())).sort()) {
  const text = await Deno.readTextFile(new URL(path, ROOT));
  for (const { line, found, rule } of check.check(path, text)) {
    console.log(`${path}:${line}: "${found}": write ${rule.instead} instead`);
    count++;
  }
}
if (count > 0) {
  console.error(`wording: ${count} ${count === 1 ? "place" : "places"} to reword`);
  Deno.exit(1);
}
