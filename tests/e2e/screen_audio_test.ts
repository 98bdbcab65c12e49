/** The sound of a shared screen, from a real browser to the others and to the agent. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { TrackType } from "@ringline/edge";
import { launchBrowser } from "../../scripts/lib/browser.ts";
import { openAgentFixture } from "./_agents.ts";
import { browserTest, chromium, Guest, until } from "./_fixture.ts";
import { levelDb, toneDb } from "./_signal.ts";

/** Half of what a tone of amplitude 0.25 measures: on a busy machine some of it is missing. */
const HEARD_DB = 20 * Math.log10(0.25) - 10 * Math.log10(2) - 6;
const ABSENT_DB = -60;

browserTest(
  "a shared screen is heard by the others, and by the agent beside the voice",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const ada = await Guest.join(browser, fixture.link, { name: "Ada" });
    const bob = await Guest.join(browser, fixture.link, { name: "Bob", silent: true });
    await ada.run("shareTone", ["rgb(0, 0, 200)", 900]);
    await ada.startTone(500);
    const both = async () => {
      const heard = await bob.hear(200);
      return toneDb(heard, 900) > HEARD_DB && toneDb(heard, 500) > HEARD_DB;
    };
    await until("Bob hears the film and Ada", both);
    const [voice, film] = [
      await fixture.ears.next("Ada", 400),
      await fixture.ears.next("Ada's screen", 400),
    ];
    assert(toneDb(film, 900) > HEARD_DB && toneDb(voice, 500) > HEARD_DB);
    assertLess(Math.max(toneDb(film, 500), toneDb(voice, 900)), ABSENT_DB);
    assertLess(toneDb(await ada.hear(300), 900), ABSENT_DB, "not at the one who shares it");
    const sounds = () =>
      [...fixture.agent.connection!.tracks.values()]
        .filter(({ type }) => type === TrackType.SCREEN_SHARE_AUDIO);
    assertEquals(sounds().map(({ participant }) => participant.name), ["Ada"]);

    // Muting is about the voice.
    await ada.client("setMuted", true);
    await until("Bob hears the film alone", async () => {
      const heard = await bob.hear(200);
      return toneDb(heard, 900) > HEARD_DB && toneDb(heard, 500) < ABSENT_DB;
    });
    await ada.client("setScreen", null);
    await until(
      "Bob hears nothing",
      async () => levelDb((await bob.hear(200)).samples) < ABSENT_DB,
    );
    await until("the agent knows", () => sounds().length === 0);
    await Promise.all([ada.leave(), bob.leave()]);
  },
);

Deno.test({
  name: "a tab that the browser shares is heard with its sound",
  ignore: chromium === undefined,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    // Chromium's fake tab beeps.
    const args = ["--use-fake-device-for-media-stream=display-media-type=browser"];
    await using own = await launchBrowser({ args });
    await using fixture = await openAgentFixture();
    const ada = await Guest.join(own.browser, fixture.link, { name: "Ada", silent: true });
    await ada.client("setScreen", true);
    await until(
      "the agent hears the tab",
      async () => levelDb((await fixture.ears.next("Ada's screen", 100)).samples) > -50,
    );
    const { screen, screenAudio } = await ada.page.evaluate(() =>
      (globalThis as unknown as { guest: { client: { media: Record<string, boolean> } } })
        .guest.client.media
    );
    assertEquals([screen, screenAudio], [true, true]);
    await ada.leave();
  },
});
