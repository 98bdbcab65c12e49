/** A page in a call whose program ends and starts again. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { browserTest } from "./_fixture.ts";
import { joinByKeyboard, openPage, shows } from "./_page.ts";
import type { Page } from "../../scripts/lib/browser.ts";

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

/** Counts what watches the page's sizes. */
const COUNTING = `globalThis.observers = 0;
globalThis.ResizeObserver = class extends ResizeObserver {
  constructor(callback) {
    super(callback);
    globalThis.observers++;
  }
  disconnect() {
    super.disconnect();
    globalThis.observers--;
  }
};`;

/** Has the page receive a part of an agent's message. */
async function receive(page: Page, text: string, complete: boolean): Promise<void> {
  const detail = { from: "e1", data: { type: "transcript", id: "1", text, complete } };
  await page.evaluate(`{
    ringline.participants.set("e1", { id: "e1", name: "Echo", kind: "agent" });
    ringline.dispatchEvent(new CustomEvent("event", { detail: ${JSON.stringify(detail)} }));
  }`);
}

browserTest("a page comes back by itself when its program starts again", async (browser) => {
  let link: URL;
  let page;
  let observers;
  {
    await using first = await start(0);
    link = first.link;
    page = await openPage(browser, link, COUNTING);
    await joinByKeyboard(page, "Ada");
    await shows(page, /Connected/);
    await page.waitForSelector("#compose:not([hidden])");
    await page.type("#compose-text", "A draft");
    await receive(page, "It is", false);
    observers = await page.evaluate("observers");
  }
  await shows(page, /comes back by itself/);
  await using second = await start(Number(link.port));
  assertEquals(second.link.href, link.href);
  await shows(page, /Connected[^]*Echo/);
  await receive(page, "It is noon.", true);
  assertEquals(
    await page.$$eval("#conversation .text", (all) => all.map((one) => one.textContent)),
    [
      "It is noon.",
    ],
  );
  await page.waitForSelector("#compose:not([hidden])");
  assertEquals(await page.$eval("#compose-text", ({ value }) => value), "A draft");
  assertEquals(await page.$eval("#compose-send", (button) => button.matches(":disabled")), false);
  assertEquals(await page.evaluate("observers"), observers);
});
