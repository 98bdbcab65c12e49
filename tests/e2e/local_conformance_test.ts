/** The whole contract, on LocalEdge with real browsers on the other side. */
import type { Browser } from "../../scripts/lib/browser.ts";
import { type JsonValue, silentLogger, TrackType } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import {
  conformanceTests,
  type EdgeUnderTest,
  type RemoteParticipant,
} from "@ringline/edge/testing";
import { launchBrowser } from "../../scripts/lib/browser.ts";
import { chromium, Guest, type GuestEvent } from "./_fixture.ts";

/** A guest as the kit sees it: what the page tells is kept here, as it comes. */
async function partyOf(guest: Guest): Promise<RemoteParticipant> {
  const customEvents: JsonValue[] = [];
  let heardMs = 0;
  await guest.page.exposeFunction("tellHeard", (ms: number) => heardMs = ms);
  await guest.page.exposeFunction("tellEvent", ({ data }: GuestEvent) => customEvents.push(data));
  await guest.page.evaluate(`
    setInterval(() => tellHeard(guest.audibleMs), 50);
    guest.client.addEventListener("event", ({ detail }) => tellEvent(detail));
  `);
  const show = async (method: string, source: string | null) => {
    await guest.page.evaluate(
      `guest.client.${method}(${source === null ? null : `guest.makePicture("${source}")`})`,
    );
  };
  return {
    participantId: guest.id,
    customEvents,
    get heardMs() {
      return heardMs;
    },
    async speak({ samples, sampleRate, channels }) {
      const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
      await guest.run("speak", [bytes.toBase64(), sampleRate, channels]);
    },
    mute: async (muted) => await guest.client("setMuted", muted),
    sendCustomEvent: async (data) => await guest.client("sendEvent", data),
    sendText: async (text) => await guest.client("sendText", text),
    leave: async () => await guest.leave(),
    async publishVideo(type) {
      const method = type === TrackType.SCREEN_SHARE ? "setScreen" : "setCamera";
      await show(method, "rgb(0, 200, 0)");
      return { [Symbol.asyncDispose]: async () => await show(method, null) };
    },
  };
}

function localEdgeUnderTest(browser: Browser): EdgeUnderTest {
  const edge = new LocalEdge({ logger: silentLogger });
  const guests: Guest[] = [];
  return {
    edge,
    async enter(call, { userId }) {
      const link = await edge.invite(call, { user: { id: userId } });
      const guest = await Guest.join(browser, link, { name: userId });
      guests.push(guest);
      return await partyOf(guest);
    },
    openResources: () => edge.mediaProcessId === undefined ? 0 : 1,
    async [Symbol.asyncDispose]() {
      await edge.close();
      for (const { page } of guests) if (!page.isClosed()) await page.browserContext().close();
    },
  };
}

Deno.test({
  name: "LocalEdge keeps the contract with real browsers",
  ignore: chromium === undefined,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(context) {
    await using own = await launchBrowser();
    const tests = conformanceTests(() => localEdgeUnderTest(own.browser), {
      name: "LocalEdge",
      openResources: true,
      directedAudio: true,
      // A codec rings on after a tone, and a jitter buffer may stretch it.
      toleranceMs: 120,
      limitMs: 20_000,
    });
    for (const { name, ignore, run } of tests) {
      if (ignore) continue; // a part that LocalEdge does not have, or that it has
      await context.step({ name, fn: run, sanitizeOps: false, sanitizeResources: false });
    }
  },
});
