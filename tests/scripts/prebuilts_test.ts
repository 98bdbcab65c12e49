import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { pathToFileURL } from "node:url";
import {
  assetName,
  checkDownloads,
  enterPrebuilts,
  readLibraries,
  releaseUrl,
  TARGETS,
} from "../../scripts/prebuilts.ts";
import { installNative } from "../../src/native/install.ts";
import { type Prebuilt, prebuilts as committed } from "../../src/native/prebuilts.ts";

const NATIVE = new URL("../../src/native/", import.meta.url);
const source = await Deno.readTextFile(new URL("prebuilts.ts", NATIVE));

/** A folder with a library of a few bytes for each target, and a server that has it. */
async function withRelease(
  run: (folder: string, base: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  for (const target of TARGETS) {
    await Deno.writeTextFile(`${folder}/${assetName(target)}`, `the library of ${target}`);
  }
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    try {
      return new Response(await Deno.readFile(folder + new URL(request.url).pathname));
    } catch {
      return new Response(null, { status: 404 });
    }
  });
  try {
    await run(folder, `http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

/** The `prebuilts` that a module of this source has. */
async function load(source: string): Promise<Record<string, Prebuilt>> {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, source.replaceAll('from "./', `from "${NATIVE.href}`));
    return (await import(pathToFileURL(path).href)).prebuilts;
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("./install takes the library that a release's entries name", {
  permissions: { read: true, write: true, net: true, env: true, sys: true, import: true },
}, async () => {
  await withRelease(async (folder, base) => {
    const filled = await load(enterPrebuilts(source, await readLibraries(folder, base)));
    assertEquals(Object.keys(filled), [...TARGETS]);
    const cache = await Deno.makeTempDir();
    try {
      const options = { folder: cache, prebuilts: filled, logger() {} };
      const { path, manifest } = await installNative(options);
      assertEquals(await Deno.readTextFile(path), `the library of ${Deno.build.target}`);
      assertEquals(manifest.source, `${base}/${assetName(Deno.build.target)}`);
    } finally {
      await Deno.remove(cache, { recursive: true });
    }
  });
});

Deno.test("enterPrebuilts replaces what is entered", async () => {
  const entry = { url: "https://example.com/a", sha256: "0".repeat(64) };
  const once = enterPrebuilts(source, {
    "x86_64-apple-darwin": entry,
    "aarch64-apple-darwin": entry,
  });
  assertEquals(Object.keys(await load(once)), ["x86_64-apple-darwin", "aarch64-apple-darwin"]);
  assertEquals(await load(enterPrebuilts(once, { other: entry })), { other: entry });
  assertEquals(enterPrebuilts(once, committed), source, "it can be undone");
  assertThrows(() => enterPrebuilts("export {};\n", {}), Error, "no object `prebuilts`");
});

Deno.test("readLibraries names a missing library and a file that is none", async () => {
  await withRelease(async (folder) => {
    const [gone, ...others] = TARGETS;
    await Deno.remove(`${folder}/${assetName(gone!)}`);
    await assertRejects(() => readLibraries(folder, "base"), Error, `lacks ${assetName(gone!)}`);
    const partial = await readLibraries(folder, "base", { partial: true });
    assertEquals(Object.keys(partial), others);
    await Deno.writeTextFile(`${folder}/notes.txt`, "");
    await assertRejects(() => readLibraries(folder, "base"), Error, "has notes.txt");
  });
});

Deno.test("checkDownloads tells a library that is another, and one that is not there", async () => {
  await withRelease(async (folder, base) => {
    const entries = await readLibraries(folder, base);
    await checkDownloads(entries);
    const path = `${folder}/${assetName(TARGETS[4]!)}`;
    await Deno.writeTextFile(path, "another");
    await assertRejects(() => checkDownloads(entries), Error, "expected SHA-256");
    await Deno.remove(path);
    await assertRejects(() => checkDownloads(entries), Error, "404");
  });
});

Deno.test("releaseUrl names a repository that is none", () => {
  assertEquals(releaseUrl("a/b", "1.2.3"), "https://github.com/a/b/releases/download/v1.2.3");
  assertThrows(() => releaseUrl("a", "1.2.3"), TypeError, 'got "a"');
});
