/**
 * Headless Chromium for tests and benchmarks: fake devices, media over loopback, nothing left
 * behind.
 *
 * @module
 */
import puppeteer, { type Browser, type Page } from "npm:puppeteer-core@25.16.0";
import { findChromium } from "./chromium.ts";

export type { Browser, Page };

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  // A machine that has only `lo` gathers no candidates without it.
  "--allow-loopback-in-peer-connection",
  "--autoplay-policy=no-user-gesture-required",
];

const REMOVE_ATTEMPTS = 20;
const REMOVE_AGAIN_MS = 100;

/** A running browser, its profile in a folder of its own that goes when the browser goes. */
export interface OwnBrowser extends AsyncDisposable {
  browser: Browser;
  version: string;
}

/** Chromium's helpers outlive it by a moment, and write to its profile until they are gone. */
async function removeFolder(path: string): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (attempt === REMOVE_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, REMOVE_AGAIN_MS));
    }
  }
}

/** Starts Chromium, or says how to get it. */
export async function launchBrowser(): Promise<OwnBrowser> {
  const executablePath = await findChromium();
  if (!executablePath) {
    throw new Error(
      "no Chromium found: install one (Debian: `apt-get install chromium`) or set CHROMIUM to its path",
    );
  }
  const profile = await Deno.makeTempDir({ prefix: "ringline-chromium-" });
  const forget = () => removeFolder(profile);
  try {
    const browser = await puppeteer.launch({
      executablePath,
      args: ARGS,
      userDataDir: profile,
      headless: true,
      pipe: true, // the browser ends when we end, however we end
      handleSIGINT: false, // whoever started it ends it, in its own order
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
    return {
      browser,
      version: (await browser.version()).replace(/^\w+\//, ""),
      async [Symbol.asyncDispose]() {
        const process = browser.process();
        const gone = new Promise<void>((resolve) => {
          if (!process || process.exitCode !== null || process.signalCode !== null) resolve();
          else process.once("exit", () => resolve());
        });
        await browser.close().catch(() => {}); // Ctrl-C has reached it already
        await gone;
        await forget();
      },
    };
  } catch (cause) {
    await forget();
    throw cause;
  }
}
