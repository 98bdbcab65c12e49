/**
 * `deno task lock`: writes `deno.lock` anew after a dependency has changed, from what the project
 * imports now. What is locked already keeps its version; `--update` takes the newest ones.
 *
 * @module
 */
import { flags } from "./lib/command_line.ts";
import { COMMITTED, differences, MERGED, npmPart, readLock } from "./lib/lock_file.ts";
import { readPackages } from "./lib/packages.ts";
import { read } from "./lib/programs.ts";

const { update } = flags(
  `deno task lock [--update]

Writes deno.lock anew after a dependency has changed.

  --update  takes the newest versions`,
  "update",
);

const ROOT = new URL("..", import.meta.url);
/** An import of npm with a version; some are imported only when they are asked for. */
const SPECIFIER = /"(npm:(?:@[^/"]+\/)?[^@/"]+@[\d.]+)[^"]*"/g;

const listed = await read("git", ["ls-files", "*.ts", "*.js"]);
if (!listed.success) throw new Error(listed.stderr);
// The tests of these scripts name packages that nothing imports.
const files = listed.stdout.trim().split("\n")
  .filter((path) => !path.includes("/stand_ins/") && !path.startsWith("tests/scripts/"));
const specifiers = new Set<string>();
for (const path of files) {
  const text = await Deno.readTextFile(new URL(path, ROOT));
  for (const [, specifier] of text.matchAll(SPECIFIER)) specifiers.add(specifier!);
}
for (const { dependencies } of await readPackages()) {
  for (const one of dependencies) if (one.startsWith("npm:")) specifiers.add(one);
}
const before = await readLock(COMMITTED);
if (update) await Deno.remove(MERGED);
else if (before) await Deno.writeTextFile(MERGED, JSON.stringify(before));
const modules = files.filter((path) => path.endsWith(".ts"));
const loaded = await read(Deno.execPath(), [
  ...["cache", "--frozen=false", ...modules],
  ...specifiers,
]);
if (!loaded.success) {
  console.error(`lock: the modules could not be loaded:\n${loaded.stderr}`);
  Deno.exit(1);
}
const after = npmPart((await readLock(MERGED))!);
await Deno.writeTextFile(COMMITTED, JSON.stringify(after, null, 2) + "\n");
await Deno.remove(MERGED); // `setup` writes it anew
const changed = before ? differences(before, after) : [];
console.error(changed.length > 0 ? `lock: changed:\n  ${changed.join("\n  ")}` : "lock: as it was");
