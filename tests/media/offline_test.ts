import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getstreamProgram, OfflineMachine } from "./_offline.ts";

Deno.test("the media process finds what DENO_DIR has: offline, read-only, without a home", async () => {
  await using machine = await OfflineMachine.make();
  for (const flags of [["--allow-run"], ["--allow-run", "--allow-env"]]) {
    const { out, err } = await machine.run(flags);
    assertEquals([out, err], ["joined\n", ""], flags.join(" "));
  }
});

Deno.test("a package's media process finds what `deno cache` has fetched for its edge", async () => {
  await using machine = await OfflineMachine.make(getstreamProgram);
  // The double is no jsr.io: which registry it is has to reach the process.
  const { out, err } = await machine.run(["--allow-run", "--allow-env=JSR_URL"]);
  assertEquals([out, err], ["ready\n", ""]);
});

Deno.test("a media process that cannot load its modules says which, and what to do", async () => {
  await using machine = await OfflineMachine.make();
  await machine.forget("export async function runMediaChild");
  const { out, err } = await machine.run(["--allow-run"]);
  assertStringIncludes(out, "EdgeError media-process-not-started the media process ended");
  assertStringIncludes(out, "/src/media/child/child.ts' failed");
  assertStringIncludes(
    out,
    `load it ahead into ${machine.denoDir}: deno cache --no-config http://127.0.0.1`,
  );
  assertStringIncludes(out, "--allow-env=PATH,HOME,HTTP_PROXY,HTTPS_PROXY,");
  assertStringIncludes(out, "It reads no project's .npmrc");
  assertStringIncludes(err, "error: Import ", "what Deno says is passed on");
  const told = await machine.run(["--allow-run", "--allow-env"]);
  assertStringIncludes(told.out, "media-process-not-started");
  assert(!told.out.includes("--allow-env="), "there is nothing more to grant");
});
