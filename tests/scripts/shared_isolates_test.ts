import { assertEquals } from "@std/assert";
import { shareIsolates } from "../../scripts/lib/shared_isolates.ts";

Deno.test("shareIsolates imports each file once, neighbours together", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files = Array.from(
      { length: 19 },
      (_, index) => `tests/${String.fromCharCode(97 + index)}_test.ts`,
    );
    const modules = await shareIsolates(files.toReversed(), folder);
    const texts = await Promise.all(modules.map((path) => Deno.readTextFile(path)));
    const imported = texts.map((text) =>
      [...text.matchAll(/\/(tests\/\w+\.ts)"/g)].map(([, path]) => path)
    );
    assertEquals(imported.map(({ length }) => length), [8, 8, 3]);
    assertEquals(imported.flat(), files);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
