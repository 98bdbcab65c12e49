import { assert, assertEquals } from "@std/assert";

const root = new URL("../", import.meta.url);

interface Info {
  modules: { specifier: string; dependencies?: { code?: Target; type?: Target }[] }[];
}
interface Target {
  specifier?: string;
}

/** Which module imports which, types included, by path from the root. */
async function imports(...entries: URL[]): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  for (const entry of entries) {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", "deno.json", entry.href],
      cwd: root,
      stderr: "piped",
    });
    const { code, stdout, stderr } = await command.output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as Info;
    for (const { specifier, dependencies = [] } of modules) {
      if (!specifier.startsWith(`${root}`) || specifier.includes("/vendor/")) continue;
      const path = specifier.slice(root.href.length);
      const targets = found.get(path) ?? new Set();
      found.set(path, targets);
      for (const { code, type } of dependencies) {
        const target = code?.specifier ?? type?.specifier;
        if (target) targets.add(target.replace(root.href, ""));
      }
    }
  }
  return found;
}

const { exports, workspace } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
/** The entry points of `@ringline/edge`, and the folders that are packages of their own. */
const [entries, members] = [Object.values<string>(exports), workspace as string[]]
  .map((paths) => paths.map((path) => path.replace("./", ""))) as [string[], string[]];

/** The folders of `src`, and what each may import beside itself and packages. */
const allowed: Record<string, string[]> = {
  audio: [],
  events: [],
  native: ["audio"],
  edge: ["audio", "events"],
  inference: ["edge", "audio", "events"],
  adapters: ["inference", "edge", "audio", "events"],
  media: ["native", "edge", "audio", "events"],
  "edges/local": ["media", "native", "edge", "audio", "events"],
  "edges/getstream": [],
  agent: ["native", "inference", "edge", "audio", "events"],
  testing: ["agent", "inference", "media", "native", "edge", "audio", "events"],
};

function layerOf(path: string): string | undefined {
  return path.match(/^src\/(edges\/[^/]+|[^/]+)\/.+/)?.[1];
}

async function sources(): Promise<string[]> {
  const found: string[] = [];
  async function walk(folder: string): Promise<void> {
    for await (const entry of Deno.readDir(new URL(folder, root))) {
      const path = `${folder}${entry.name}`;
      if (entry.isDirectory) await walk(`${path}/`);
      // A page's scripts run in a browser and import nothing of this.
      else if (entry.name.endsWith(".ts") && !path.includes("/page/")) found.push(path);
    }
  }
  await walk("src/");
  return found.sort();
}

Deno.test("imports point downwards only", async () => {
  // Every file counts, also one that no entry point reaches: one module imports all of them.
  const all = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const files = await sources();
    const lines = files.map((path) => `import "${new URL(path, root)}";`);
    await Deno.writeTextFile(all, lines.join("\n"));
    const graph = await imports(new URL(`file://${all}`));
    const wrong: string[] = [];
    let seen = 0;
    for (const [from, targets] of graph) {
      const layer = layerOf(from);
      if (!layer) continue;
      seen++;
      assert(layer in allowed, `src/${layer} has no place among the layers: ${from}`);
      for (const target of targets) {
        // Packages of their own take what is public: see packages_test.ts.
        if (members.some((folder) => from.startsWith(folder)) && entries.includes(target)) continue;
        const below = layerOf(target);
        if (target === "mod.ts" || target.startsWith("examples/") || target.startsWith("tests/")) {
          wrong.push(`${from} imports ${target}`);
        }
        if (!below || below === layer || allowed[layer]!.includes(below)) continue;
        wrong.push(`${from} imports ${target}`);
      }
    }
    assertEquals(wrong, []);
    assert(seen >= files.length / 2, "the graph was read");
  } finally {
    await Deno.remove(all);
  }
});

Deno.test("the entry module pulls one small package, which checks schemas, and no edge", async () => {
  const graph = await imports(new URL("mod.ts", root));
  const targets = [...graph.values()].flatMap((one) => [...one]);
  const packages = targets.filter((one) => /^(npm|jsr|node|https?):/.test(one));
  assertEquals(packages.map((one) => one.replace(/@[\d.]+$/, "")), ["npm:@cfworker/json-schema"]);
  const edges = [...graph.keys()].filter((one) => /^src\/(media|edges)\//.test(one));
  assertEquals(edges, []);
});

Deno.test("only the media process imports wrtc", async () => {
  const offenders: string[] = [];
  for (const path of await sources()) {
    const text = await Deno.readTextFile(new URL(path, root));
    if (/from "(npm:)?@roamhq\/wrtc/.test(text) && !path.startsWith("src/media/")) {
      offenders.push(path);
    }
  }
  assertEquals(offenders, []);
});
