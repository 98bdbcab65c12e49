import { assert, assertEquals, assertMatch } from "@std/assert";
import { assetName, TARGETS } from "../../scripts/prebuilts.ts";

const WORKFLOWS = new URL("../../.github/workflows/", import.meta.url);

Deno.test("workflows use actions by the hash of a commit, and name its version", async () => {
  let used = 0;
  for await (const { name } of Deno.readDir(WORKFLOWS)) {
    const text = await Deno.readTextFile(new URL(name, WORKFLOWS));
    for (const [, action] of text.matchAll(/\buses: (.*)/g)) {
      if (action!.startsWith("./")) continue;
      assertMatch(action!, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name);
      used++;
    }
  }
  assert(used > 0, "there are some");
});

Deno.test("the release builds the library of every target that its entries need", async () => {
  const text = await Deno.readTextFile(new URL("release.yml", WORKFLOWS));
  const built = [...text.matchAll(/target: ([\w-]+), file: ([\w.]+)/g)];
  assertEquals(
    built.map(([, target, file]) => `${target}-${file}`),
    TARGETS.map(assetName),
  );
});

Deno.test("only the job that publishes can ask for an identity token", async () => {
  const text = await Deno.readTextFile(new URL("release.yml", WORKFLOWS));
  const jobs = text.split(/\n(?= {2}\w+:\n)/).filter((job) => /^ +id-token: write/m.test(job));
  assertEquals(jobs.map((job) => job.trim().split(":")[0]), ["publish"]);
});
