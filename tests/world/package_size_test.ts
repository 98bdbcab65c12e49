/** What `deno add` downloads: needs npm's registry. */
import { assert, assertEquals } from "@std/assert";
import { startRegistry } from "../native/registry_double.ts";

/** The most bytes of files that adding the package may bring. */
const MOST_BYTES = 45_000_000;

Deno.test("deno add jsr:@ringline/edge brings at most 45 MB into an empty cache", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using registry = await startRegistry();
    await Deno.mkdir(`${folder}/user`);
    await Deno.writeTextFile(`${folder}/user/deno.json`, "{}");
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["add", `jsr:@ringline/edge@${registry.version}`],
      cwd: `${folder}/user`,
      env: { DENO_DIR: `${folder}/cache`, JSR_URL: registry.url, NO_COLOR: "1" },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const bytes = await bytesIn(`${folder}/cache`);
    assert(bytes > 20_000_000, `${bytes} bytes: WebRTC's add-on is among them`);
    assert(bytes <= MOST_BYTES, `${bytes} bytes`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    bytes += isDirectory ? await bytesIn(path) : (await Deno.stat(path)).size;
  }
  return bytes;
}
