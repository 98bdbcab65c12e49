/** A small registry that serves the workspace's packages as the real one would: files and hashes. */

import { parse } from "node:path";
import { sha256 } from "../../src/native/node_builtins.ts";

const root = new URL("../..", import.meta.url);

/** The packages, served at `url` until it is disposed. */
export interface RegistryDouble extends AsyncDisposable {
  readonly url: string;
  readonly version: string;
}

/** What this reads of a `deno.json`. */
interface Config {
  name: string;
  version: string;
  exports: string | Record<string, string>;
  imports: Record<string, string>;
  workspace?: string[];
  publish?: { include: string[] };
}

/** A package's files by their paths in it. */
type Files = Map<string, Uint8Array<ArrayBuffer>>;

/**
 * Serves what the `deno.json` of the root and of each member say is published. Specifiers are
 * written out in full, as publishing does.
 */
export async function startRegistry(): Promise<RegistryDouble> {
  const main = await readConfig(root);
  const members = (main.workspace ?? []).map((path) => new URL(`${path}/`, root));
  const served = new Map<string, Uint8Array<ArrayBuffer> | string>();
  await servePackage(served, { folder: root, config: main, leaveOut: members });
  for (const folder of members) {
    const config = await readConfig(folder);
    config.imports = { ...main.imports, ...config.imports };
    await servePackage(served, { folder, config, leaveOut: [] });
  }
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    const body = served.get(pathname);
    if (body === undefined) return new Response(null, { status: 404 });
    return new Response(body, { headers: { "content-type": mediaType(pathname) } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    version: main.version,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function readConfig(folder: URL): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(new URL("deno.json", folder)));
}

async function servePackage(
  served: Map<string, Uint8Array<ArrayBuffer> | string>,
  { folder, config, leaveOut }: { folder: URL; config: Config; leaveOut: URL[] },
): Promise<void> {
  const { name, version, exports, imports } = config;
  const files: Files = new Map();
  for (const path of config.publish?.include ?? ["."]) {
    await collect(new URL(path, folder), { folder, leaveOut, files });
  }
  const encoder = new TextEncoder(), decoder = new TextDecoder();
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, source] of files) {
    const bytes = /\.(ts|js)$/.test(path)
      ? encoder.encode(inFull(decoder.decode(source), imports))
      : source;
    served.set(`/${name}/${version}/${path}`, bytes);
    manifest[`/${path}`] = { size: bytes.length, checksum: `sha256-${sha256(bytes)}` };
  }
  const [scope, own] = name.slice(1).split("/");
  const meta = { scope, name: own, latest: version, versions: { [version]: {} } };
  served.set(`/${name}/meta.json`, JSON.stringify(meta));
  const entries = typeof exports === "string" ? { ".": exports } : exports;
  served.set(`/${name}/${version}_meta.json`, JSON.stringify({ manifest, exports: entries }));
}

/** A file, or what is in a folder, but not in those that are packages themselves. */
async function collect(
  url: URL,
  into: { folder: URL; leaveOut: URL[]; files: Files },
): Promise<void> {
  const { folder, leaveOut, files } = into;
  if (leaveOut.some(({ href }) => `${url.href}/` === href)) return;
  let info;
  try {
    info = await Deno.stat(url);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (!info.isDirectory) {
    files.set(url.href.slice(folder.href.length), await Deno.readFile(url));
    return;
  }
  const base = url.href.replace(/\/?$/, "/");
  for await (const { name } of Deno.readDir(url)) await collect(new URL(name, base), into);
}

/** Import-map names in import and export declarations and dynamic imports, written out. */
function inFull(code: string, imports: Record<string, string>): string {
  return code.replace(
    /(\bfrom\s*|\bimport\s*\(?\s*)"([^"./][^":]*)"/g,
    (whole, before: string, specifier: string) => {
      const name = Object.keys(imports).find((key) =>
        specifier === key || specifier.startsWith(`${key}/`)
      );
      if (name === undefined) return whole;
      return `${before}"${imports[name]}${specifier.slice(name.length)}"`;
    },
  );
}

function mediaType(path: string): string {
  switch (parse(path).ext) {
    case ".ts":
      return "text/typescript";
    case ".js":
      return "text/javascript";
    case ".wasm":
      return "application/wasm";
    case ".json":
      return "application/json";
    default:
      return "text/plain";
  }
}
