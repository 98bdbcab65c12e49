/**
 * Finds misspelt words: `deno task spelling`.
 *
 * English is British; words of this project and of the field stand in `scripts/wording/words.txt`. Each
 * hit is a line `file:line: "word" ...`, and the exit code is 1 when there is one.
 *
 * @module
 */
import { flags } from "./lib/command_line.ts";
import { lint } from "npm:cspell@10.4.1";
import { fileURLToPath } from "node:url";

flags(`deno task spelling

Finds misspelt words.`);

const ROOT = new URL("../", import.meta.url);
const CONFIG = new URL("./wording/cspell.json", import.meta.url);

const { issues, errors } = await lint(
  [], // the configuration says which
  { root: fileURLToPath(ROOT), config: fileURLToPath(CONFIG), mustFindFiles: true },
  {
    issue({ uri, row, text }) {
      const path = uri?.replace(ROOT.href, "") ?? "";
      console.log(`${path}:${row}: "${text}" is in no dictionary and not in words.txt`);
    },
    error(message, error) {
      console.error(`spelling: ${message}`, error);
    },
  },
);
if (issues > 0) {
  console.error(
    `spelling: ${issues} unknown words: correct them, or add what is right, sorted and in lower ` +
      "case, to scripts/wording/words.txt",
  );
}
if (issues + errors > 0) Deno.exit(1);
