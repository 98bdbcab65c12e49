/** What an agent says to one person, measured in two real browsers. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { FakeTTS, tone } from "@ringline/edge/testing";
import { systemClock } from "@ringline/edge";
import { openAgentFixture } from "./_agents.ts";
import { browserTest, Guest, until } from "./_fixture.ts";
import { levelDb, toneDb } from "./_signal.ts";

/** Half of what a tone of amplitude 0.25 measures: on a busy machine some of it is missing. */
const HEARD_DB = 20 * Math.log10(0.25) - 10 * Math.log10(2) - 6;
const ABSENT_DB = -60;

browserTest(
  "a page hears what the agent says to it alone, with the others lowered, and the other page is silent",
  async (browser) => {
    await using fixture = await openAgentFixture({ tts: new FakeTTS(systemClock) });
    const { agent, link } = fixture;
    const ada = await Guest.join(browser, link, { name: "Ada", silent: true });
    const bob = await Guest.join(browser, link, { name: "Bob" });
    const seen = (name: string) =>
      agent.connection!.participants.values().find((one) => one.name === name);
    await until("both being seen", () => seen("Ada") && seen("Bob"));

    const track = agent.createAudioTrack({ to: seen("Ada")!, othersGain: 0.1 });
    const writing = track.write(tone(60_000, { frequencyHz: 700 })).catch(() => {});
    await until("Ada hears it", async () => toneDb(await ada.hear(200), 700) > HEARD_DB);
    assertLess(levelDb((await bob.hear(300)).samples), ABSENT_DB, "at Bob");

    // The original under a translation is 20 dB lower, for Ada only.
    await bob.startTone(500);
    const heard = async () => toneDb(await ada.hear(400), 500);
    await until("Ada hears Bob lowered", async () => {
      const db = await heard();
      return db > HEARD_DB - 20 && db < HEARD_DB - 8;
    });
    assertLess(toneDb(await bob.hear(400), 700), ABSENT_DB, "at Bob");
    track.close();
    await writing;
    await until("Ada hears Bob as ever", async () => await heard() > HEARD_DB);
    assertLess(toneDb(await ada.hear(400), 700), ABSENT_DB, "once the track is closed");

    // A speech to one is on their page alone.
    const whisper = agent.createAudioTrack({ to: seen("Ada")! });
    const { interrupted } = await agent.say("Psst.", { track: whisper });
    assert(!interrupted);
    await agent.say("Hello all.");
    const lines = async (guest: Guest) =>
      (await guest.events("event")).map(({ data }) => (data as { text?: string }).text);
    await until("both reading the last line", async () => {
      const all = await Promise.all([lines(ada), lines(bob)]);
      return all.every((texts) => texts.includes("Hello all."));
    });
    assert((await lines(ada)).includes("Psst."));
    assertEquals((await lines(bob)).filter((text) => text === "Psst."), []);
    await Promise.all([ada.leave(), bob.leave()]);
  },
);
