/** The secret of an edge, and the links that it signs. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { pathToFileURL } from "node:url";
import { silentLogger } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import type { LocalCall, LocalEdgeOptions } from "@ringline/edge/local";
import { readSecret } from "../../../src/edges/local/secret.ts";

const SECRET = "a secret of thirty-two characters or more";

async function linkSecret(options: LocalEdgeOptions, callId = "kitchen"): Promise<string> {
  await using edge = new LocalEdge({ logger: silentLogger, ...options });
  return ((await edge.createCall(callId)).original as LocalCall).secret;
}

Deno.test("a call's link is the same wherever the secret is, and no other call's", async () => {
  const link = await linkSecret({ secret: SECRET });
  assertEquals(await linkSecret({ secret: SECRET }), link);
  assertNotEquals(await linkSecret({ secret: SECRET }, "cellar"), link);
  assertNotEquals(await linkSecret({ secret: `${SECRET}!` }), link);
  assertNotEquals(await linkSecret({}), await linkSecret({}));
});

Deno.test("readSecret creates the file that is to keep it, for its owner only", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = pathToFileURL(`${folder}/ringline.secret`);
    const created = readSecret(file);
    assert(/^[\w-]{43}$/.test(created));
    assertEquals(readSecret(file), created);
    if (Deno.build.os !== "windows") {
      assertEquals(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
    }
    await Deno.writeTextFile(file, "short\n");
    assertThrows(() => readSecret(file), TypeError, "5 characters");
    await Deno.writeTextFile(file, "ab".repeat(20));
    assertThrows(() => readSecret(file), TypeError, "only 2 different characters");
    await Deno.writeTextFile(file, SECRET);
    if (Deno.build.os !== "windows") {
      await Deno.symlink(`${folder}/nothing`, `${folder}/link`);
      const link = pathToFileURL(`${folder}/link`);
      assertThrows(() => readSecret(link), TypeError, "a link to a file that does not exist");
      for (const mode of [0o666, 0o644, 0o620, 0o602, 0o444]) {
        await Deno.chmod(file, mode);
        if (mode === 0o444) assertEquals(readSecret(file), SECRET);
        else assertThrows(() => readSecret(file), TypeError, `(mode 0${mode.toString(8)})`);
      }
    }
    assertThrows(() => readSecret(pathToFileURL(folder)), TypeError, "is a folder");
    const nowhere = pathToFileURL(`${folder}/nowhere/ringline.secret`);
    assertThrows(() => readSecret(nowhere), TypeError, "its folder does not exist");
    assertThrows(() => readSecret("x".repeat(40)), TypeError, "only 1 different");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readSecret rejects what is no secret", () => {
  assertThrows(() => readSecret("x".repeat(31)), TypeError, "at least 32");
  for (const wrong of [new URL("https://example.org/secret"), 5, null]) {
    assertThrows(() => readSecret(wrong as never), TypeError, "the URL of a file");
  }
});
