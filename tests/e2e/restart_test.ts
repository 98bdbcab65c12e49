/** A page in a call whose program ends and starts again. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { browserTest } from "./_fixture.ts";
import { joinByKeyboard, openPage, shows } from "./_page.ts";

const PROGRAM = fileURLToPath(new URL("./fixtures/restarting.ts", import.meta.url));

/** Starts the program; returns its link when it has joined its call. */
async function start(port: number) {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROGRAM, String(port)],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const output = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await output.read();
    if (done) throw new Error("the program has ended");
    text += value;
  }
  return {
    link: new URL(text.trim()),
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await output.cancel();
      await process.status;
    },
  };
}

browserTest("a page comes back by itself when its program starts again", async (browser) => {
  let link: URL;
  let page;
  {
    await using first = await start(0);
    link = first.link;
    page = await openPage(browser, link);
    await joinByKeyboard(page, "Ada");
    await shows(page, /Connected/);
  }
  await shows(page, /comes back by itself/);
  await using second = await start(Number(link.port));
  assertEquals(second.link.href, link.href);
  await shows(page, /Connected[^]*Echo/);
});
