/** A small registry that serves this package as the real one would: its files and their hashes. */

import { parse } from "node:path";
import { sha256 } from "../../src/native/node_builtins.ts";

const root = new URL("../..", import.meta.url);

/** A package, served at `url` until it is disposed. */
export interface RegistryDouble extends AsyncDisposable {
  readonly url: string;
  readonly version: string;
}

/** Serves what `deno.json` says is published. Specifiers are written out in full, as publishing does. */
export async function startRegistry(): Promise<RegistryDouble> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const base = `/${config.name}/`;
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of config.publish.include as string[]) await collect(name, files);
  const encoder = new TextEncoder(), decoder = new TextDecoder();
  for (const [name, bytes] of files) {
    if (/\.(ts|js)$/.test(name)) {
      files.set(name, encoder.encode(inFull(decoder.decode(bytes), config.imports)));
    }
  }
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [name, bytes] of files) {
    manifest[`/${name}`] = { size: bytes.length, checksum: `sha256-${sha256(bytes)}` };
  }
  const answers = new Map<string, string>([
    [
      `${base}meta.json`,
      JSON.stringify({
        scope: config.name.split("/")[0].slice(1),
        name: config.name.split("/")[1],
        latest: config.version,
        versions: { [config.version]: {} },
      }),
    ],
    [
      `${base}${config.version}_meta.json`,
      JSON.stringify({ manifest, exports: config.exports }),
    ],
  ]);
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    const answer = answers.get(pathname);
    if (answer !== undefined) return Response.json(JSON.parse(answer));
    const prefix = `${base}${config.version}/`;
    const bytes = pathname.startsWith(prefix)
      ? files.get(pathname.slice(prefix.length))
      : undefined;
    if (bytes === undefined) return new Response(null, { status: 404 });
    return new Response(bytes, { headers: { "content-type": mediaType(pathname) } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    version: config.version,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function collect(name: string, files: Map<string, Uint8Array<ArrayBuffer>>): Promise<void> {
  const url = new URL(name, root);
  let info;
  try {
    info = await Deno.stat(url);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (!info.isDirectory) {
    files.set(name, await Deno.readFile(url));
    return;
  }
  for await (const entry of Deno.readDir(url)) await collect(`${name}/${entry.name}`, files);
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
