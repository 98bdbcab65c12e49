/**
 * Headless Chromium and Firefox for tests and benchmarks. They have fake devices, and no process of
 * theirs outlives the one that started it.
 *
 * @module
 */
import puppeteer, { type Browser, type LaunchOptions, type Page } from "npm:puppeteer-core@25.16.0";
import { findChromium, findFirefox } from "./browsers.ts";
import { fileURLToPath } from "node:url";

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
  "--autoplay-policy=no-user-gesture-required",
];

/** A machine that has only `lo` gathers no candidates without it. */
const LOOPBACK = "--allow-loopback-in-peer-connection";

/** For Firefox what some of the arguments above are for Chromium. */
const PREFERENCES = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.autoplay.default": 0,
  "media.autoplay.blocking_policy": 0,
  // Where there is no sound card, WebAudio does not run without it.
  "media.cubeb.force_mock_context": true,
};

/** Ends Firefox when this process ends: unlike Chromium it has no pipe that ends with its parent. */
const FIREFOX_UNTIL_WE_END = fileURLToPath(new URL("firefox.sh", import.meta.url));

const REMOVE_ATTEMPTS = 20;
const REMOVE_AGAIN_MS = 100;

/** A running browser, its files in a folder of its own that goes when the browser goes. */
export interface OwnBrowser extends AsyncDisposable {
  browser: Browser;
  version: string;
}

/** Removes a browser's folder, to which its helper processes write until they end, soon after it. */
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

/**
 * Starts Chromium, or says how to get it. Without `loopback` it is configured as people have it: without a
 * network there are no calls; `args` are further arguments.
 */
export async function launchBrowser(
  { loopback = true, args = [] }: { loopback?: boolean; args?: string[] } = {},
): Promise<OwnBrowser> {
  const executablePath = await findChromium();
  if (!executablePath) {
    throw new Error(
      "no Chromium found: install one (Debian: `apt-get install chromium`) or set CHROMIUM to its path",
    );
  }
  return await launch("chromium", (folder) => ({
    executablePath,
    args: [...ARGS, ...(loopback ? [LOOPBACK] : []), ...args],
    userDataDir: folder,
    pipe: true, // the browser ends when we end, however we end
  }));
}

/**
 * Starts Firefox, driven over WebDriver BiDi, or says how to get it. `preferences` are those of
 * `about:config`.
 */
export async function launchFirefox(
  preferences: Record<string, unknown> = {},
): Promise<OwnBrowser> {
  const executablePath = await findFirefox();
  if (!executablePath) {
    throw new Error(
      "no Firefox found: install one (Debian: `apt-get install firefox-esr`) or set FIREFOX to its path",
    );
  }
  const ours = Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("XDG_"));
  return await launch("firefox", (folder) => ({
    browser: "firefox",
    executablePath: Deno.build.os === "windows" ? executablePath : FIREFOX_UNTIL_WE_END,
    userDataDir: `${folder}/profile`,
    extraPrefsFirefox: { ...PREFERENCES, ...preferences },
    acceptInsecureCerts: true,
    // It leaves caches and folders for downloads in the person's home.
    env: {
      ...Object.fromEntries(ours),
      HOME: folder,
      TMPDIR: folder,
      FIREFOX: executablePath,
      FIREFOX_FOLDER: folder,
    },
    timeout: 90_000, // its first start, with two cores and other things to do
  }));
}

async function launch(
  name: string,
  optionsFor: (folder: string) => LaunchOptions,
): Promise<OwnBrowser> {
  const folder = await Deno.makeTempDir({ prefix: `ringline-${name}-` });
  const forget = () => removeFolder(folder);
  try {
    const browser = await puppeteer.launch({
      ...optionsFor(folder),
      headless: true,
      handleSIGINT: false, // the script that started it ends it, in its own order
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
