import { assert, assertEquals } from "@std/assert";

const root = new URL("../", import.meta.url);

interface Info {
  modules: { specifier: string; dependencies?: Dependency[] }[];
}
interface Dependency {
  code?: Target;
  type?: Target;
  isDynamic?: boolean;
}
interface Target {
  specifier?: string;
}

/** Which module imports which, types included, by path from the root. */
type Graph = Map<string, Set<string>>;

/**
 * Reads the graph of modules.
 *
 * @param isWanted leaves out the imports that it returns `false` for
 */
async function imports(
  entries: URL[],
  isWanted: (from: string, dependency: Dependency) => boolean = () => true,
): Promise<Graph> {
  const found: Graph = new Map();
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
      for (const dependency of dependencies) {
        const target = dependency.code?.specifier ?? dependency.type?.specifier;
        if (target && isWanted(path, dependency)) targets.add(target.replace(root.href, ""));
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
  inference: ["native", "edge", "audio", "events"],
  adapters: ["inference/contracts", "edge", "audio", "events"],
  leases: ["edge", "audio", "events"],
  media: ["native", "edge", "audio", "events"],
  "edges/local": ["media", "native", "edge", "audio", "events"],
  "edges/getstream": [],
  "edges/livekit": [],
  agent: ["native", "inference", "edge", "audio", "events"],
  serve: ["agent", "native", "inference", "edge", "audio", "events"],
  testing: ["agent", "inference", "media", "native", "edge", "audio", "events"],
};

/** Whether a module of a layer may import one of another. */
function mayImport(layer: string, target: string): boolean {
  return allowed[layer]!.some((folder) => target.startsWith(`src/${folder}/`));
}

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

/** Reads the graph of every file, also of one that no entry point reaches. */
async function wholeGraph(isWanted?: Parameters<typeof imports>[1]): Promise<Graph> {
  const all = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const files = await sources();
    const lines = files.map((path) => `import "${new URL(path, root)}";`);
    await Deno.writeTextFile(all, lines.join("\n"));
    const graph = await imports([new URL(`file://${all}`)], isWanted);
    const missing = files.filter((path) => !graph.has(path));
    assertEquals(missing, [], "the graph was read");
    return graph;
  } finally {
    await Deno.remove(all);
  }
}

Deno.test("imports point downwards only", async () => {
  const wrong: string[] = [];
  for (const [from, targets] of await wholeGraph()) {
    const layer = layerOf(from);
    if (!layer) continue;
    assert(layer in allowed, `src/${layer} has no place among the layers: ${from}`);
    for (const target of targets) {
      // Packages of their own take what is public: see packages_test.ts.
      if (members.some((folder) => from.startsWith(folder)) && entries.includes(target)) continue;
      const isAbove = /^(mod\.ts$|src\/\w+_entry\.ts$|examples\/|tests\/)/.test(target);
      const below = layerOf(target);
      const isAllowed = !below || below === layer || mayImport(layer, target);
      if (isAbove || !isAllowed) wrong.push(`${from} imports ${target}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("a vendor's adapter imports no other vendor's", async () => {
  const shared = ["service", "streaming"];
  const vendorOf = (path: string) => path.match(/^src\/adapters\/([^/]+)\//)?.[1];
  const wrong: string[] = [];
  for (const [from, targets] of await wholeGraph()) {
    for (const target of targets) {
      const [own, other] = [vendorOf(from), vendorOf(target)];
      if (!own || !other || own === other || shared.includes(other)) continue;
      wrong.push(`${from} imports ${target}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("imports make no circle, types included", async () => {
  assertEquals(circlesOf(await wholeGraph()), []);
});

/** The circles of a graph, each as the way round: an empty list means that there is none. */
function circlesOf(graph: Graph): string[] {
  const circles: string[] = [];
  const way: string[] = [];
  const done = new Set<string>();
  function visit(module: string): void {
    if (way.includes(module)) {
      circles.push([...way.slice(way.indexOf(module)), module].join(" -> "));
    } else if (!done.has(module)) {
      way.push(module);
      for (const target of graph.get(module) ?? []) visit(target);
      way.pop();
      done.add(module);
    }
  }
  for (const module of graph.keys()) visit(module);
  return circles;
}

/** The process that a module runs in; `undefined` for one that both of them load. */
function processOf(path: string): "agent" | "child" | undefined {
  if (/^src\/(media\/(child|room|webrtc)|edges\/[^/]+\/child)\//.test(path)) return "child";
  // The page's files are data to the process that serves them.
  if (/^src\/(media|edges\/[^/]+)\/(wire|page|site)\//.test(path)) return undefined;
  return /^src\/(media|edges|agent|inference|adapters|serve|testing)\//.test(path)
    ? "agent"
    : undefined;
}

Deno.test("the agent's program imports nothing of the media process, and the reverse", async () => {
  // Each edge has one import that is never called, so that its child's modules are fetched with it.
  const fetchedAhead: string[] = [];
  const graph = await wholeGraph((from, { code, isDynamic }) => {
    const edge = from.match(/^src\/edges\/[^/]+\//)?.[0];
    const isFetchedAhead = isDynamic &&
      code?.specifier === new URL(`${edge}child/main.ts`, root).href;
    if (isFetchedAhead) fetchedAhead.push(from);
    return !isFetchedAhead;
  });
  const wrong: string[] = [];
  for (const [from, targets] of graph) {
    const isShared = /^src\/.*\/(wire|site)\//.test(from);
    for (const target of targets) {
      const [here, there] = [processOf(from), processOf(target)];
      if (there === undefined || here === there || here === undefined && !isShared) continue;
      wrong.push(`${from} imports ${target}`);
    }
  }
  assertEquals(wrong, []);
  const edges = new Set(fetchedAhead.map((path) => path.split("/")[2]));
  assertEquals(edges.size, fetchedAhead.length, "one such import an edge");
  for (const path of fetchedAhead) {
    const text = await Deno.readTextFile(new URL(path, root));
    const [declared, ...used] = text.match(/_fetchedAhead\b/g) ?? [];
    assertEquals([declared, used], ["_fetchedAhead", []], `${path} never calls it`);
  }
});

Deno.test("the entry module pulls one small package, which checks schemas, and no edge", async () => {
  const graph = await imports([new URL("mod.ts", root)]);
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
