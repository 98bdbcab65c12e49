/** The page's files, as they are embedded and served. */
import { parseLink } from "../../../src/edges/local/page/client/link.js";
import { assert, assertEquals } from "@std/assert";
import { pageFiles } from "../../../src/edges/local/site/page_files.ts";

const FOLDER = new URL("../../../src/edges/local/page/", import.meta.url);
const TYPES: Record<string, string> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Paths of all files below a folder. */
async function* walk(folder: URL, at = "/"): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* walk(new URL(`${name}/`, folder), `${at}${name}/`);
    else yield at + name;
  }
}

Deno.test("every file of the page has its path and type", async () => {
  const served = new Map(pageFiles.map((file) => [file.path, file]));
  for await (const path of walk(FOLDER)) {
    if (path.endsWith(".d.ts")) continue; // for compilers, not for browsers
    const file = served.get(path === "/index.html" ? "/" : path);
    assert(file, `${path} is not served`);
    assertEquals(file.type, TYPES[path.split(".").at(-1)!], path);
    assertEquals(file.text, await Deno.readTextFile(new URL(path.slice(1), FOLDER)), path);
  }
});

Deno.test("the page's scripts import served files, by relative paths", () => {
  const served = new Set(pageFiles.map(({ path }) => path));
  for (const { path, type, text } of pageFiles) {
    if (type !== TYPES.js) continue;
    for (const [, specifier] of text.matchAll(/^(?:import|export|\}) ?.*from "([^"]+)";$/gm)) {
      assert(/^\.\.?\//.test(specifier!), `${path} imports ${specifier}`);
      const { pathname } = new URL(specifier!, `http://page${path}`);
      assert(served.has(pathname), `${path} imports ${pathname}, which is not served`);
    }
  }
});

Deno.test("the page's client imports only its own folder", () => {
  for (const { path, text } of pageFiles) {
    if (path !== "/client.js" && !path.startsWith("/client/")) continue;
    for (const [, specifier] of text.matchAll(/ from "(\.[^"]+)";$/gm)) {
      const { pathname } = new URL(specifier!, `http://page${path}`);
      assert(pathname.startsWith("/client/"), `${path} imports ${pathname}`);
    }
  }
});

Deno.test("parseLink leaves a broken name in a path as it is", () => {
  assertEquals(parseLink("http://127.0.0.1:1/call/default/%zz#s"), {
    origin: "http://127.0.0.1:1",
    secret: "s",
    callType: "default",
    callId: "%zz",
  });
});
