/**
 * The context that every part of the benchmark runs in.
 *
 * @module
 */
import type { Browser, Page } from "../../scripts/lib/browser.ts";
import type { AgentProcess } from "./agent.ts";
import type { CallOptions } from "./options.ts";

/** The browser, the agent's process, and an empty page's address. */
export interface BenchContext {
  browser: Browser;
  agent: AgentProcess;
  /** A page with nothing on it, for the baseline. */
  blank: URL;
  options: CallOptions;
}

/** A page that was not used before: storage and connections of its own. */
export async function newPage({ browser }: Pick<BenchContext, "browser">): Promise<Page> {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.on("pageerror", (error) => console.error(`bench: in the page: ${error}`));
  return page;
}

/** Closes a page and what belongs to it. */
export async function closePage(page: Page): Promise<void> {
  await page.browserContext().close();
}
