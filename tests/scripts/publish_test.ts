import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { pathToFileURL } from "node:url";
import { assetName, releaseUrl, TARGETS } from "../../scripts/prebuilts.ts";
import { checkPrebuilts, checkVersions, publish, readMembers } from "../../scripts/publish.ts";

const ROOT = new URL("../../", import.meta.url);

/** A workspace of two packages, the second of which builds on the first. */
async function withWorkspace(
  second: Record<string, string>,
  run: (root: URL) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const root = pathToFileURL(`${folder}/`);
  const common = { version: "1.2.3", license: "MIT", exports: "./mod.ts" };
  const first = { ...common, name: "@a/first", workspace: ["./parts/second"] };
  try {
    await Deno.mkdir(new URL("parts/second", root), { recursive: true });
    await Deno.writeTextFile(new URL("deno.json", root), JSON.stringify(first));
    await Deno.writeTextFile(new URL("mod.ts", root), "export const one: number = 1;\n");
    const config = { ...common, name: "@a/second", ...second };
    await Deno.writeTextFile(new URL("parts/second/deno.json", root), JSON.stringify(config));
    await run(root);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("this repository's packages have one version", async () => {
  const members = await readMembers(ROOT);
  assertEquals(members[0]!.name, "@ringline/edge");
  checkVersions(members);
});

Deno.test("checkVersions names the package whose version is another", async () => {
  await withWorkspace({}, async (root) => {
    const members = await readMembers(root);
    assertEquals(members.map(({ name }) => name), ["@a/first", "@a/second"]);
    checkVersions(members, "v1.2.3");
    assertThrows(() => checkVersions(members, "v1.2.4"), Error, "the tag v1.2.3, got v1.2.4");
  });
  await withWorkspace({ version: "1.2.2" }, async (root) => {
    const members = await readMembers(root);
    assertThrows(() => checkVersions(members), Error, "@a/second: expected version 1.2.3");
  });
});

Deno.test("checkVersions names an import that would come from the registry", async () => {
  const imports = (range: string) => ({ imports: { first: `jsr:@a/first@${range}/x` } as never });
  await withWorkspace(imports("1.2.3"), async (root) => checkVersions(await readMembers(root)));
  await withWorkspace(imports("^1.2"), async (root) => {
    const members = await readMembers(root);
    assertThrows(() => checkVersions(members), Error, "@a/second: expected an import of @a/first");
  });
});

Deno.test("checkPrebuilts wants this version's library for every target", () => {
  const base = releaseUrl("a/b", "1.2.3");
  const entries = Object.fromEntries(
    TARGETS.map((target) => [target, { url: `${base}/${assetName(target)}`, sha256: "" }]),
  );
  checkPrebuilts(entries, "1.2.3");
  assertThrows(() => checkPrebuilts(entries, "1.2.4"), Error, "/v1.2.3/");
  delete entries[TARGETS[2]!];
  assertThrows(() => checkPrebuilts(entries, "1.2.3"), Error, `no library for ${TARGETS[2]}`);
});

Deno.test("publish fails over a type error of a package that is not the first", async () => {
  await withWorkspace({}, async (root) => {
    const module = new URL("parts/second/mod.ts", root);
    await Deno.writeTextFile(module, 'export const two: number = "2";\n');
    await assertRejects(
      async () => await publish(await readMembers(root), ["--dry-run"], "null"),
      Error,
      "@a/second@1.2.3 was not published",
    );
  });
});
