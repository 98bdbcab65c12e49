/**
 * The fixture of the browser tests: a real Chromium, guests in it who join through the page's own
 * client, and waiting for conditions instead of for time.
 */
import type { Browser, OwnBrowser, Page } from "../../scripts/lib/browser.ts";
import { launchBrowser, launchFirefox } from "../../scripts/lib/browser.ts";
import { findChromium, findFirefox } from "../../scripts/lib/browsers.ts";
import { hasNetwork } from "../edges/local/network.ts";
import { until } from "../fixtures/until.ts";
import { cut, type Recording, toneDb } from "./_signal.ts";

export { until };

const GUEST = await Deno.readTextFile(new URL("./_guest.js", import.meta.url));

/** The browser to test with; without one the browser tests are counted as skipped. */
export const chromium: string | undefined = await findChromium();

/** The Firefox to test with; without one its tests are counted as skipped. */
export const firefox: string | undefined = await findFirefox();

/** Registers a test that is given a browser, in which nothing is open. */
type BrowserTest = (
  name: string,
  body: (browser: Browser) => Promise<void>,
  options?: { ignore?: boolean },
) => void;

/**
 * Returns a function that registers tests. The tests of a file share a browser, whose start takes as
 * long as many of them; one that a test has killed is replaced. Tests without a browser come first
 * in a file: Deno would find that the browser's pipes have read on meanwhile.
 */
function testsWith(launch: () => Promise<OwnBrowser>, isMissing: boolean): BrowserTest {
  let own: OwnBrowser | undefined;
  let isRegistered = false;
  const close = async () => {
    const closing = own;
    own = undefined;
    await closing?.[Symbol.asyncDispose]();
  };
  return (name, body, { ignore = false } = {}) => {
    if (!isRegistered) Deno.test.afterAll(close);
    isRegistered = true;
    Deno.test({
      name,
      ignore: ignore || isMissing,
      // The browser's pipes and timers live in puppeteer, beyond one test's view.
      sanitizeOps: false,
      sanitizeResources: false,
      async fn() {
        own ??= await launch();
        const { browser } = own;
        try {
          await body(browser);
        } finally {
          if (browser.connected) await closeAll(browser);
          else await close();
        }
      },
    });
  };
}

/** Closes what a test has opened: contexts of their own, and pages beside the first. */
async function closeAll(browser: Browser): Promise<void> {
  const standard = browser.defaultBrowserContext();
  const contexts = browser.browserContexts().filter((context) => context !== standard);
  const [, ...pages] = await standard.pages();
  // What is closed already, as by the test itself, is as it should be.
  await Promise.allSettled([...contexts, ...pages].map((one) => one.close()));
}

/** Registers a test that needs Chromium. */
export const browserTest: BrowserTest = testsWith(launchBrowser, chromium === undefined);

/** Registers one that needs Firefox, which makes no calls where there is only the loopback. */
export const firefoxTest: BrowserTest = testsWith(
  launchFirefox,
  firefox === undefined || !hasNetwork,
);

/** An event of the page's client. */
export interface GuestEvent {
  type: string;
  // deno-lint-ignore no-explicit-any
  [key: string]: any;
}

/** How long a piece of a recording is judged for a tone. */
const TONE_MS = 200;
/** What is quieter is not the tone of a test. */
const TONE_HEARD_DB = -30;

/** A person in a call: one page of the browser. */
export class Guest {
  /** Up to where `hears` has looked, as a mark. */
  #searched = 0;

  private constructor(readonly page: Page, readonly id: string) {}

  /** Opens the call's page and joins through its client; `prepare` gets the page before it joins. */
  static async join(
    browser: Browser,
    link: URL,
    { prepare, ...options }: {
      name: string;
      silent?: boolean;
      camera?: string;
      prepare?: (page: Page) => Promise<void>;
    },
  ): Promise<Guest> {
    // A context of its own is a person of its own: nothing is shared with other pages.
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.goto(new URL("/client.js", link).href);
    // A bare page of the same origin: the call's own page would take part in the call itself.
    await page.evaluate(GUEST);
    await prepare?.(page);
    const id = await page.evaluate(
      (given) => (globalThis as unknown as GuestWindow).guest.join(given),
      { link: link.href, ...options },
    );
    return new Guest(page, id);
  }

  /** Calls a method of the guest in the page. */
  async run<T>(method: string, args: unknown[] = []) {
    return await this.page.evaluate(
      (name, given) => (globalThis as unknown as GuestWindow).guest[name](...given),
      method,
      args,
    ) as T;
  }

  /** Calls a method of the page's client. */
  async client<T>(method: string, ...args: unknown[]): Promise<T> {
    return await this.page.evaluate(
      (name, given) => (globalThis as unknown as GuestWindow).guest.client[name](...given),
      method,
      args,
    ) as T;
  }

  /** Says what is in a WAV file; resolves when it is said. */
  async say(path: URL): Promise<void> {
    await this.run("say", [(await Deno.readFile(path)).toBase64()]);
  }

  async startTone(hz: number, level = 0.25): Promise<void> {
    await this.run("startTone", [hz, level]);
  }

  async stopTone(): Promise<void> {
    await this.run("stopTone");
  }

  /** How much of what was heard was no silence. */
  async audibleMs(): Promise<number> {
    return await this.page.evaluate(() => (globalThis as unknown as GuestWindow).guest.audibleMs);
  }

  /** A mark for `heardSince`. */
  async mark(): Promise<number> {
    return await this.run<number>("heardSamples");
  }

  /** What came out of the browser's decoder since a mark. */
  async heardSince(mark: number): Promise<Recording> {
    const bytes = Uint8Array.fromBase64(await this.run<string>("heardSince", [mark]));
    return { sampleRate: 48_000, samples: new Float32Array(bytes.buffer) };
  }

  /**
   * Waits until this tone is heard, in all that was heard since the last tone: a tone that sounds for
   * a second would fall between two recordings on a machine that is busy.
   */
  async hears(hz: number): Promise<void> {
    await until(`${hz} Hz are heard`, async () => {
      const heard = await this.heardSince(this.#searched);
      const ms = heard.samples.length / 48;
      for (let from = 0; from + TONE_MS <= ms; from += TONE_MS / 2) {
        this.#searched += TONE_MS / 2 * 48;
        if (toneDb(cut(heard, from, from + TONE_MS), hz) > TONE_HEARD_DB) return true;
      }
      return false;
    });
  }

  /** Records for `ms`, from now. */
  async hear(ms: number): Promise<Recording> {
    const mark = await this.mark();
    await until(
      `${ms} ms are heard`,
      async () => (await this.mark()) - mark >= ms * 48,
    );
    return await this.heardSince(mark);
  }

  /** All events of the page's client so far. */
  async events(type?: string): Promise<GuestEvent[]> {
    const all = await this.page.evaluate(
      () => (globalThis as unknown as GuestWindow).guest.events,
    ) as GuestEvent[];
    return type ? all.filter((event) => event.type === type) : all;
  }

  async leave(): Promise<void> {
    await this.client("leave");
    await this.page.browserContext().close();
  }
}

interface GuestWindow {
  // deno-lint-ignore no-explicit-any
  guest: any;
}
