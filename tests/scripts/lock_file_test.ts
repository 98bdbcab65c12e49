import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  COMMITTED,
  differences,
  keeps,
  type Lock,
  npmPart,
  readLock,
} from "../../scripts/lib/lock_file.ts";

/** What this machine's lock may hold: two versions of `ms`, one of them only for a stand-in. */
const merged: Lock = {
  version: "5",
  specifiers: { "jsr:@std/assert@1": "1.4.0", "npm:deno-std@1.4.0": "1.4.0", "npm:a@1": "1.0.0" },
  jsr: { "@std/assert@1.4.0": { integrity: "here" } },
  npm: {
    "a@1.0.0": { integrity: "a", dependencies: ["b", "ms@1.0.0"] },
    "b@2.0.0": { integrity: "b" },
    "deno-std@1.4.0": { integrity: "std", dependencies: ["ms@2.0.0"] },
    "ms@1.0.0": { integrity: "ms1" },
    "ms@2.0.0": { integrity: "ms2" },
  },
};

Deno.test("the committed lock has npm's packages in full, and nothing of stand-ins or JSR", () => {
  assertEquals(npmPart(merged), {
    version: "5",
    specifiers: { "npm:a@1": "1.0.0" },
    npm: {
      "a@1.0.0": { integrity: "a", dependencies: ["b@2.0.0", "ms@1.0.0"] },
      "b@2.0.0": { integrity: "b" },
      "ms@1.0.0": { integrity: "ms1" },
    },
    workspace: undefined,
  });
});

Deno.test("a lock that lacks a package is an error that names it", () => {
  const broken = { ...merged, npm: { "a@1.0.0": merged.npm!["a@1.0.0"]! } };
  assertThrows(() => npmPart(broken), Error, "0 packages for b");
});

Deno.test("a merged lock keeps to the committed one, or is made anew", () => {
  const committed = npmPart(merged);
  assert(keeps(merged, committed));
  const other = structuredClone(merged);
  other.npm!["b@2.0.0"]!.integrity = "another";
  assert(!keeps(other, committed));
  assertEquals(differences(npmPart(other), committed), ["b@2.0.0"]);
  const surplus = structuredClone(merged);
  surplus.specifiers!["npm:c@3"] = "3.0.0";
  surplus.npm!["c@3.0.0"] = { integrity: "c" };
  assert(!keeps(surplus, committed));
});

Deno.test("the lock of this repository holds no hash of JSR and no stand-in", async () => {
  const lock = (await readLock(COMMITTED))!;
  assertEquals(lock.jsr, undefined);
  assertEquals(npmPart(lock), lock);
});
