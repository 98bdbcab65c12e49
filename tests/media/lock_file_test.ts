import { assertEquals } from "@std/assert";
import { findLockFile } from "../../src/media/parent/lock_file.ts";

const deno = Deno.execPath();

/** Finds the lock file of a project that has these files, from one of its folders. */
async function found(files: Record<string, string>, from = ""): Promise<string | undefined> {
  const project = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      const path = `${project}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    const lock = await findLockFile({ deno, env: {}, folder: `${project}/${from}` });
    return lock?.slice(project.length + 1);
  } finally {
    await Deno.remove(project, { recursive: true });
  }
}

Deno.test("the lock file lies beside the nearest configuration, from the main module upwards", async () => {
  const files = { "deno.json": "{}", "deno.lock": "{}", "src/main.ts": "" };
  assertEquals(await found(files, "src/"), "deno.lock");
  assertEquals(await found({ "package.json": "{}", "deno.lock": "{}" }), "deno.lock");
});

Deno.test("the lock file is what the configuration says, which may hold comments", async () => {
  const config = `{
    // "lock": false
    "tasks": { "lock": "echo // ,}" }, /* { */
    "lock": { "path": "locks/mine.lock", "frozen": true, },
  }`;
  const files = { "deno.jsonc": config, "locks/mine.lock": "{}", "deno.lock": "{}" };
  assertEquals(await found(files), "locks/mine.lock");
  assertEquals(await found({ "deno.json": `{"lock": "a.lock"}`, "a.lock": "{}" }), "a.lock");
});

Deno.test("the lock file of a workspace's member is the workspace's", async () => {
  const files = {
    "deno.json": `{"workspace": ["./app"], "lock": {"frozen": true}}`,
    "deno.lock": "{}",
    "app/deno.json": "{}",
    "app/deno.lock": "{}",
  };
  assertEquals(await found(files, "app/"), "deno.lock");
});

Deno.test("there is no lock file where none is, or none is wanted", async () => {
  assertEquals(await found({ "deno.json": "{}" }), undefined);
  assertEquals(await found({ "deno.json": `{"lock": false}`, "deno.lock": "{}" }), undefined);
  assertEquals(await found({ "deno.json": "no JSON", "deno.lock": "{}" }), undefined);
  const lock = await findLockFile({ deno: "/bin/false", env: {}, folder: "/nowhere/" });
  assertEquals(lock, undefined);
});
