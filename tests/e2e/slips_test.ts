/** A program whose functions fail wherever they can, and people in a browser who do not notice. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { Example } from "./_example.ts";
import { browserTest, Guest, until } from "./_fixture.ts";
import { levelDb } from "./_signal.ts";

browserTest(
  "a program with a mistake in every callback continues, hears participants, and ends",
  async (browser) => {
    await using program = await Example.start("../tests/e2e/fixtures/slips.ts");
    const link = await program.link();
    // Alone with the agent, and not on its list.
    const eve = await Guest.join(browser, link, { name: "Eve" });
    await eve.startTone(700);
    await until("the agent complains", () => /speaker filter.*a slip/.test(program.stderr));
    for (let n = 0; n < 5; n++) {
      const level = levelDb((await eve.hear(200)).samples);
      assertLess(level, -60, "Eve is not said back");
    }
    await eve.stopTone();
    const ada = await Guest.join(browser, link, { name: "Ada" });
    await ada.startTone(700);
    await until("the echo comes", async () => levelDb((await ada.hear(200)).samples) > -30);
    await ada.stopTone();
    await eve.leave();
    await until("the leaving is told", () => /participantLeft.*a slip/.test(program.stderr));
    await ada.startTone(700);
    await until("the echo comes again", async () => levelDb((await ada.hear(200)).samples) > -30);
    const { code, tookMs } = await program.interrupt();
    assertEquals(code, 0, program.output);
    assertLess(tookMs, 5000);
    assert(!/Uncaught/.test(program.stderr), program.stderr);
    // Fifty a second are told once a second.
    assertLess(program.stderr.split("\n").length, 200);
  },
);
