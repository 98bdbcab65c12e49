/** The page as people use it: by its form, its keyboard and what it says. */
import { assert } from "@std/assert";
import type { Browser, Page } from "../../scripts/lib/browser.ts";
import { until } from "./_fixture.ts";

/** Everything that the page shows. */
export async function textOf(page: Page): Promise<string> {
  return await page.evaluate("document.body.innerText") as string;
}

/** Waits until the page shows something. Returns its whole text, which must be fit for people. */
export async function shows(page: Page, wanted: RegExp): Promise<string> {
  let text = "";
  await until(`the page shows ${wanted}; it shows: ${text}`, async () => {
    text = await textOf(page);
    return wanted.test(text);
  });
  assert(!/undefined|\[object|NaN|null/.test(text), text);
  return text;
}

/** Opens the call's page with a script that runs before its own. */
export async function openPage(browser: Browser, link: URL, before = ""): Promise<Page> {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  if (before) await page.evaluateOnNewDocument(before);
  await page.goto(link.href);
  return page;
}

/** Joins by keyboard alone: the name has the focus, Enter joins. */
export async function joinByKeyboard(page: Page, name: string): Promise<void> {
  await until("the form has the focus", async () => {
    return await page.evaluate("document.activeElement?.id") === "name";
  });
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
}
