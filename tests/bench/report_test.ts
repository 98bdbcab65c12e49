/** Targets, and tables of text. */
import { assert, assertEquals, assertFalse } from "@std/assert";
import { formatTable } from "../../bench/lib/table.ts";
import { isMet } from "../../bench/lib/target.ts";

Deno.test("a Target is met up to its limit, and missed when nothing was measured", () => {
  const target = { name: "round trip", unit: "ms" as const, limit: 100 };
  assert(isMet({ ...target, measured: 100 }));
  assertFalse(isMet({ ...target, measured: 100.1 }));
  assertFalse(isMet({ ...target, measured: NaN }));
});

Deno.test("formatTable sets words to the left, figures to the right and ends no line in blanks", () => {
  assertEquals(
    formatTable(["what", "ms"], [["round trip", "83"], ["flush", "7.5"], ["a", ""]]),
    ["what         ms", "----------  ---", "round trip   83", "flush       7.5", "a"].join("\n"),
  );
});
