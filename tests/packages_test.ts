/** The packages of the workspace: their versions, what they import, what adding one brings. */
import { assert, assertEquals } from "@std/assert";

const root = new URL("../", import.meta.url);

interface Config {
  name: string;
  version: string;
  license: string;
  exports: string | Record<string, string>;
  imports: Record<string, string>;
  workspace: string[];
}

interface Info {
  modules: {
    specifier: string;
    dependencies?: { specifier: string; code?: Target; type?: Target }[];
  }[];
  npmPackages: Record<string, { name: string; dependencies: string[] }>;
}

interface Target {
  specifier?: string;
}

async function readConfig(folder: URL): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(new URL("deno.json", folder)));
}

const main = await readConfig(root);
const folders = main.workspace.map((path) => new URL(`${path}/`, root));
const members = await Promise.all(folders.map(async (folder) => ({
  folder,
  config: await readConfig(folder),
})));

/** The graph of these modules, types and dynamic imports included. */
async function graphOf(modules: URL[]): Promise<Info> {
  const all = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(all, modules.map(({ href }) => `import "${href}";`).join("\n"));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", "deno.json", all],
      cwd: root,
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(all);
  }
}

/** The TypeScript files in a folder. */
async function sourcesIn(folder: URL): Promise<URL[]> {
  const found: URL[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await sourcesIn(new URL(`${name}/`, folder)));
    else if (name.endsWith(".ts")) found.push(new URL(name, folder));
  }
  return found;
}

Deno.test("the packages have one version, and members import exactly that of @ringline/edge", async () => {
  assertEquals(main.name, "@ringline/edge");
  for (const { folder, config } of members) {
    const { name, version, license, imports } = config;
    assertEquals([name, version, license], [name, main.version, main.license]);
    assertEquals(imports["@ringline/edge"], `jsr:@ringline/edge@${version}`, name);
    const readme = await Deno.readTextFile(new URL("README.md", folder));
    assert(readme.startsWith(`# ${name}\n`), `${name} has a README`);
    const licence = await Deno.readTextFile(new URL("LICENSE", folder));
    assertEquals(licence, await Deno.readTextFile(new URL("LICENSE", root)));
  }
});

Deno.test("members import each other never, and @ringline/edge by its entry points only", async () => {
  const entries = Object.values(main.exports).map((path) => new URL(path, root).href);
  for (const { folder, config } of members) {
    const isEdge = folder.pathname.includes("/edges/");
    const { modules } = await graphOf(await sourcesIn(folder));
    const own = modules.filter(({ specifier }) => specifier.startsWith(folder.href));
    assert(own.length > 0, "the graph was read");
    const wrong: string[] = [];
    let imported = 0;
    for (const { specifier: from, dependencies = [] } of own) {
      for (const { specifier: written, code, type } of dependencies) {
        const target = code?.specifier ?? type?.specifier ?? "";
        const isOwn = target.startsWith(folder.href);
        if (!target.startsWith("file:") || isOwn) continue;
        imported++;
        const isEntry = /^@ringline\/edge(\/|$)/.test(written) && entries.includes(target);
        // Edges know no agents.
        if (!isEntry || isEdge && written === "@ringline/edge") wrong.push(`${from}: ${written}`);
      }
    }
    assertEquals(wrong, [], config.name);
    assert(imported > 0, `${config.name} rests on @ringline/edge`);
  }
});

Deno.test("an npm package has one version, wherever it is named", async () => {
  const versions = new Map<string, Map<string, string>>();
  const note = (specifier: string, where: string): void => {
    const [, name, version] = specifier.match(/^npm:((?:@[^/]+\/)?[^@/]+)@([\d.]+)/) ?? [];
    if (name === undefined || version === undefined) return;
    versions.set(name, (versions.get(name) ?? new Map()).set(version, where));
  };
  for (const { name, imports } of [main, ...members.map(({ config }) => config)]) {
    for (const specifier of Object.values(imports)) note(specifier, name);
  }
  for (const folder of ["src", "tests", "examples", "scripts", "bench"]) {
    for (const url of await sourcesIn(new URL(`${folder}/`, root))) {
      const text = await Deno.readTextFile(url);
      for (const [, specifier] of text.matchAll(/"(npm:[^"]+)"/g)) note(specifier!, url.pathname);
    }
  }
  assert(versions.size > 10, "the files were read");
  const several = [...versions].filter(([, found]) => found.size > 1);
  assertEquals(several, []);
});

Deno.test("adding @ringline/edge brings the packages that it needs, and no other", async () => {
  const entries = Object.values(main.exports).map((path) => new URL(path, root));
  const { modules, npmPackages } = await graphOf(entries);
  const direct = modules.map(({ specifier }) => specifier)
    .filter((one) => /^(npm|jsr|https?):/.test(one))
    .map((one) => one.replace(/^npm:\/?|@[\d.]+$/g, ""));
  assertEquals(direct.sort(), [
    "@cfworker/json-schema",
    "@jsquash/jpeg",
    "@opentelemetry/api",
    "@peculiar/x509",
    "@roamhq/wrtc",
    "eventsource-parser",
    "jose",
    "prom-client",
    "sdp-transform",
    "valibot",
    "ws",
  ]);
  // Not all that is listed: where there is a lock file, that is everything in it.
  const reached = Object.keys(npmPackages).filter((id) => direct.includes(npmPackages[id]!.name));
  for (const id of reached) {
    for (const more of npmPackages[id]!.dependencies) {
      if (!reached.includes(more)) reached.push(more);
    }
  }
  const indirect = new Set(reached.map((id) => npmPackages[id]!.name));
  for (const name of direct) indirect.delete(name);
  assertEquals([...indirect].sort(), [
    // Of x509.
    "@peculiar/asn1-cms",
    "@peculiar/asn1-csr",
    "@peculiar/asn1-ecc",
    "@peculiar/asn1-pfx",
    "@peculiar/asn1-pkcs8",
    "@peculiar/asn1-pkcs9",
    "@peculiar/asn1-rsa",
    "@peculiar/asn1-schema",
    "@peculiar/asn1-x509",
    "@peculiar/asn1-x509-attr",
    "@peculiar/utils",
    // Of wrtc: a machine gets one of them.
    "@roamhq/wrtc-darwin-arm64",
    "@roamhq/wrtc-darwin-x64",
    "@roamhq/wrtc-linux-arm64",
    "@roamhq/wrtc-linux-x64",
    "@roamhq/wrtc-win32-x64",
    // Of x509.
    "asn1js",
    // Of prom-client.
    "bintrees",
    // Of wrtc.
    "domexception",
    // Of x509.
    "pvtsutils",
    "pvutils",
    "reflect-metadata",
    // Of prom-client.
    "tdigest",
    // Of x509.
    "tslib",
    "tsyringe",
    // Of wrtc.
    "webidl-conversions",
  ]);
});
