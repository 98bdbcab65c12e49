import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { cacheFiles, useCached } from "../../src/native/cache.ts";
import { InstallError, installNative } from "../../src/native/install.ts";
import { openNativeKernel } from "../../src/native/native_kernel.ts";
import { builtFromSources, type prebuilts } from "../../src/native/prebuilts.ts";
import { sha256 } from "../../src/native/node_builtins.ts";
import { sources } from "../../src/native/sources.ts";
import { library } from "./kernels.ts";

/** Returns the library that is installed, or why there is none. */
function findCached(
  folder: string,
  known?: typeof prebuilts,
): { path: string } | { reason: string } {
  return useCached((cached) => cached, folder, known);
}

Deno.test("SHA-256 is what WebCrypto computes, at every length around a block", async () => {
  for (const length of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 1000]) {
    const bytes = new Uint8Array(length).map((_, n) => n * 7);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    assertEquals(sha256(bytes), digest.toHex());
  }
});

Deno.test("the list of sources is what the crate has", async () => {
  for (const [name, hash] of Object.entries(sources)) {
    const bytes = await Deno.readFile(new URL(`../../native/${name}`, import.meta.url));
    assertEquals(sha256(bytes), hash, `${name}: run \`deno task wasm\``);
  }
});

/** A folder, and a server that has `body` at `/library`, for as long as `run` runs. */
async function withServer(
  body: Uint8Array<ArrayBuffer>,
  run: (folder: string, url: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) =>
      new URL(request.url).pathname === "/library"
        ? new Response(body)
        : new Response(null, { status: 404 }),
  );
  try {
    await run(`${folder}/cache`, `http://127.0.0.1:${server.addr.port}/library`);
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

const quiet = { logger() {} };

/** Without `ffi` nothing is opened, so that any bytes may stand for a library. */
const unopened = { read: true, write: true, net: true, env: true, sys: true } as const;

Deno.test("a download is taken when it has the hash in the source, and only then", {
  permissions: unopened,
}, async () => {
  const body = new TextEncoder().encode("a library");
  await withServer(body, async (folder, url) => {
    const target = Deno.build.target;
    const wrong = { [target]: { url, sha256: sha256(new Uint8Array(3)) } };
    await assertRejects(
      () => installNative({ ...quiet, folder, prebuilts: wrong }),
      InstallError,
      "expected SHA-256",
    );
    assert("reason" in findCached(folder), "nothing is left of it");
    const missing = { [target]: { url: `${url}x`, sha256: sha256(body) } };
    await assertRejects(
      () => installNative({ ...quiet, folder, prebuilts: missing }),
      InstallError,
      "404",
    );

    const right = { [target]: { url, sha256: sha256(body) } };
    const { path, manifest } = await installNative({ ...quiet, folder, prebuilts: right });
    assertEquals(await Deno.readFile(path), body);
    assertEquals(manifest.source, url);
    const lines: string[] = [];
    await installNative({ folder, prebuilts: right, logger: (line) => lines.push(line) });
    assertEquals(lines, [`already there: ${path}`]);
  });
});

Deno.test("a damaged cache is refused with its reason, and repaired by installing again", {
  permissions: unopened,
}, async () => {
  const body = new TextEncoder().encode("a library");
  await withServer(body, async (folder, url) => {
    const options = {
      ...quiet,
      folder,
      prebuilts: { [Deno.build.target]: { url, sha256: sha256(body) } },
    };
    await installNative(options);
    const files = cacheFiles(folder);
    const sound = await Deno.readTextFile(files.manifest);
    const reason = () => {
      const found = findCached(folder, options.prebuilts);
      return "reason" in found ? found.reason : "none";
    };
    const damages: [() => Promise<void>, RegExp][] = [
      [() => Deno.writeFile(files.library, body.slice(1)), /damaged \(its SHA-256/],
      [() => Deno.writeTextFile(files.manifest, "{"), /manifest is damaged/],
      [() => Deno.writeTextFile(files.manifest, "null"), /manifest is damaged/],
      [
        () => Deno.writeTextFile(files.manifest, sound.replace(/"abi": \d+/, '"abi": 999')),
        /another version/,
      ],
      [() => Deno.remove(files.library), /nothing is installed/],
      [() => Deno.remove(files.manifest), /nothing is installed/],
    ];
    for (const [damage, expected] of damages) {
      await damage();
      assertMatch(reason(), expected);
      await installNative(options);
      assertEquals(reason(), "none");
    }
  });
});

Deno.test({
  name: "the cache is used only where no other user can write, and no link leads elsewhere",
  permissions: unopened,
  ignore: Deno.build.os === "windows",
  async fn() {
    const body = new TextEncoder().encode("a library");
    await withServer(body, async (folder, url) => {
      const known = { [Deno.build.target]: { url, sha256: sha256(body) } };
      await installNative({ ...quiet, folder, prebuilts: known });
      const { library, manifest } = cacheFiles(folder);
      const reason = () => {
        const found = findCached(folder, known);
        return "reason" in found ? found.reason : "none";
      };
      assertEquals((Deno.statSync(folder).mode ?? 0) & 0o777, 0o700);
      for (const path of [folder, library, manifest]) {
        const mode = Deno.statSync(path).mode! & 0o777;
        for (const added of [0o020, 0o002]) {
          await Deno.chmod(path, mode | added);
          assertMatch(reason(), /can be written by others: chmod go-w/);
        }
        await Deno.chmod(path, mode);
        assertEquals(reason(), "none");
      }
      for (const path of [library, manifest]) {
        await Deno.rename(path, `${path}.elsewhere`);
        await Deno.symlink(`${path}.elsewhere`, path);
        assertMatch(reason(), /cannot be used \(.* is not a file\)/);
        await Deno.rename(`${path}.elsewhere`, path);
      }
      assertEquals(reason(), "none");
    });
  },
});

Deno.test({
  name: "a library is opened as it was verified, whatever takes its name meanwhile",
  ignore: library === undefined || Deno.build.os !== "linux",
  async fn() {
    const body = await Deno.readFile(library!);
    await withServer(body, async (folder, url) => {
      const known = { [Deno.build.target]: { url, sha256: sha256(body) } };
      await installNative({ ...quiet, folder, prebuilts: known });
      const name = useCached(
        ({ path }, loadPath) => {
          Deno.writeTextFileSync(`${path}.other`, "another library");
          Deno.renameSync(`${path}.other`, path);
          return openNativeKernel(loadPath()).name;
        },
        folder,
        known,
      );
      assertEquals(name, "native");
    });
  },
});

Deno.test({
  name: "the sources of the package build a library that is then found and used",
  ignore: library === undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const { path, manifest } = await installNative({ ...quiet, folder });
      assertStringIncludes(manifest.source, "built from sources");
      assertEquals(openNativeKernel(path).name, "native");
      const { stdout } = await new Deno.Command(Deno.execPath(), {
        args: [
          "eval",
          "--no-check",
          `import { useCached } from "./src/native/cache.ts"; console.log(useCached(({ path }) => path))`,
        ],
        cwd: new URL("../..", import.meta.url),
        env: { RINGLINE_CACHE: folder },
      }).output();
      assertEquals(new TextDecoder().decode(stdout).trim(), path);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("sources that are not this version's are not built", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of Object.keys(sources)) {
      const path = `${folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, "fn main() {}");
    }
    await assertRejects(
      () =>
        installNative({ ...quiet, folder: `${folder}/cache`, crate: new URL(`file://${folder}/`) }),
      InstallError,
      "not the file that belongs to this version",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a library of other sources or another download is stale: not found, and replaced", {
  permissions: unopened,
}, async () => {
  const body = new TextEncoder().encode("a library");
  await withServer(body, async (folder, url) => {
    const known = { [Deno.build.target]: { url, sha256: sha256(body) } };
    const older = { [Deno.build.target]: { url, sha256: sha256(new Uint8Array(3)) } };
    const stale = () => {
      const found = findCached(folder, older);
      return "reason" in found ? found.reason : "none";
    };
    await installNative({ ...quiet, folder, prebuilts: known });
    assertMatch(stale(), /not this version's \(http.*run \.\/install again/);

    const files = cacheFiles(folder);
    const manifest = JSON.parse(await Deno.readTextFile(files.manifest));
    const say = (source: string) =>
      Deno.writeTextFile(files.manifest, JSON.stringify({ ...manifest, source }));
    await say(builtFromSources());
    assertEquals(stale(), "none");
    await say("built from sources 0123456789abcdef");
    assertMatch(stale(), /not this version's \(built from sources 0123456789abcdef\)/);

    await Deno.writeFile(files.library, body.slice(1));
    await Deno.writeTextFile(
      files.manifest,
      JSON.stringify({ ...manifest, sha256: sha256(body.slice(1)) }),
    );
    const lines: string[] = [];
    await installNative({ folder, prebuilts: known, logger: (line) => lines.push(line) });
    assertStringIncludes(lines[0]!, "not this version's");
    assertEquals(await Deno.readFile(files.library), body);
  });
});

Deno.test({
  name: 'a sound library that cannot be opened is not "already there", but replaced',
  ignore: library === undefined,
  async fn() {
    const body = await Deno.readFile(library!);
    await withServer(body, async (folder, url) => {
      const prebuilts = { [Deno.build.target]: { url, sha256: sha256(body) } };
      const { path, manifest } = await installNative({ ...quiet, folder, prebuilts });
      const broken = new TextEncoder().encode("not a library");
      await Deno.writeFile(path, broken);
      const text = { ...manifest, sha256: sha256(broken), source: builtFromSources() };
      await Deno.writeTextFile(cacheFiles(folder).manifest, JSON.stringify(text));
      assert("path" in findCached(folder, prebuilts), "its hash and its source are right");

      const lines: string[] = [];
      await installNative({ folder, prebuilts, logger: (line) => lines.push(line) });
      assertStringIncludes(lines[0]!, "it cannot be opened");
      assertEquals(await Deno.readFile(path), body);
    });
  },
});

Deno.test("a download that cannot be opened here is followed by a build", async () => {
  const body = new TextEncoder().encode("another system's library");
  await withServer(body, async (folder, url) => {
    const prebuilts = { [Deno.build.target]: { url, sha256: sha256(body) } };
    const lines: string[] = [];
    // No sources there: that it looks for them is enough.
    const crate = new URL("nowhere/", import.meta.url);
    await assertRejects(
      () => installNative({ folder, prebuilts, crate, logger: (line) => lines.push(line) }),
      Deno.errors.NotFound,
    );
    assertStringIncludes(lines.at(-1)!, "downloaded library: it cannot be opened");
  });
});

Deno.test("the command to install explains itself, and installs nothing for an argument", async () => {
  const cases: [argument: string, code: number, text: RegExp][] = [
    ["--help", 0, /^usage: install$/m],
    ["--nonsense", 2, /expected no arguments, got --nonsense[^]*usage: install/],
  ];
  const entry = new URL("../../src/install_entry.ts", import.meta.url).href;
  for (const [argument, wanted, text] of cases) {
    // Without a permission: it could not install anything.
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--quiet", entry, argument],
    }).output();
    assertEquals(code, wanted, argument);
    assertMatch(new TextDecoder().decode(wanted === 0 ? stdout : stderr), text);
  }
});
