/**
 * LiveKit's own server for tests, built from the Go module proxy: once, into the user's cache.
 *
 * @module
 */
import { isFile, read } from "./lib/programs.ts";

/** The version of the server: a later one needs forks that the proxy does not have. */
const VERSION = "1.13.5";
const MODULE = "github.com/livekit/livekit-server";

/** Returns the folder of what can be made again. */
function cacheFolder(): string {
  const { XDG_CACHE_HOME, HOME } = Deno.env.toObject();
  return `${XDG_CACHE_HOME || `${HOME ?? "/tmp"}/.cache`}/ringline-tests`;
}

/**
 * Returns the path of the server; `undefined` where there is none and no Go to build it with. It takes
 * minutes the first time.
 *
 * @throws {Error} the build failed
 */
export async function findLiveKitServer(): Promise<string | undefined> {
  const given = Deno.env.get("LIVEKIT_SERVER");
  if (given) return given;
  const folder = cacheFolder();
  const path = `${folder}/livekit-server-${VERSION}`;
  if (await isFile(path)) return path;
  if (!(await read("go", ["version"])).success) return undefined;
  await Deno.mkdir(folder, { recursive: true });
  using lock = await Deno.open(`${path}.lock`, { create: true, write: true });
  // One of several tests builds it, and the others wait.
  await lock.lock(true);
  if (!await isFile(path)) await build(path);
  return path;
}

async function build(path: string): Promise<void> {
  const work = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${work}/go.mod`, "module ringline.dev/tests\n\ngo 1.26\n");
    const main = `${MODULE}/cmd/server`;
    await go(work, ["get", "-tool", `${main}@v${VERSION}`]);
    // One process at a time: it takes longer, and tests beside it keep a processor.
    await go(work, ["build", "-p", "1", "-ldflags", "-s -w", "-o", `${work}/server`, main]);
    // In two steps, so that there is never a part of it.
    await Deno.copyFile(`${work}/server`, `${path}.new`);
    await Deno.rename(`${path}.new`, path);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

async function go(cwd: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("nice", {
    args: ["-n", "19", "go", ...args],
    cwd,
    env: { CGO_ENABLED: "0" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new Error(`go ${args.join(" ")} failed:\n${new TextDecoder().decode(stderr).slice(-2000)}`);
}

if (import.meta.main) {
  console.log(await findLiveKitServer() ?? "livekit-server: not built, since Go is missing");
}
