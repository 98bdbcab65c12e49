import { assertEquals } from "@std/assert";
import { pathToFileURL } from "node:url";
import { readPackages } from "../../scripts/lib/packages.ts";

Deno.test("packages are the root and the workspace's members, by path or by folder", async () => {
  const folder = await Deno.makeTempDir();
  const write = async (path: string, config: unknown) => {
    await Deno.mkdir(`${folder}/${path}`, { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}/deno.json`, JSON.stringify(config));
  };
  try {
    await write(".", {
      name: "@r/edge",
      exports: { ".": "./mod.ts", "./audio": "./audio.ts" },
      imports: { valibot: "npm:valibot@1.5.0" },
      workspace: ["./src/edges/getstream", "src/adapters/*"],
    });
    await write("src/edges/getstream", { name: "@r/getstream", exports: "./mod.ts" });
    await write("src/adapters/mcp", { name: "@r/mcp", exports: { ".": "./mod.ts" } });
    await Deno.mkdir(`${folder}/src/adapters/none`);
    const root = pathToFileURL(`${folder}/`);
    const found = await readPackages(root);
    assertEquals(
      found.map((
        { name, folder, entries },
      ) => [name, folder.href.slice(root.href.length), entries]),
      [
        ["@r/edge", "", ["./mod.ts", "./audio.ts"]],
        ["@r/getstream", "src/edges/getstream/", ["./mod.ts"]],
        ["@r/mcp", "src/adapters/mcp/", ["./mod.ts"]],
      ],
    );
    assertEquals(found[0]!.dependencies, ["npm:valibot@1.5.0"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
