/** A greeting over real media: what was said before any person was there is heard whole by who joins. */
import { assert, assertEquals } from "@std/assert";
import { systemClock } from "@ringline/edge";
import { FakeLLM, FakeSTT, FakeTTS } from "@ringline/edge/testing";
import { openAgentFixture } from "./_agents.ts";
import { browserTest, Guest, until } from "./_fixture.ts";

/** Fifty milliseconds of a tone for each letter. */
const GREETING = "Good-day-to-you-who-have-come-to-this-call";
const MS = 50 * GREETING.length;

const models = () => ({
  llm: new FakeLLM(systemClock),
  stt: new FakeSTT(systemClock),
  tts: new FakeTTS(systemClock),
});

for (const when of ["before any person is there", "by onEnter"] as const) {
  browserTest(
    `a greeting that is said ${when} is heard whole, and heardMs says so`,
    async (browser) => {
      let said: Promise<unknown> | undefined;
      await using fixture = await openAgentFixture({
        ...models(),
        ...when === "by onEnter" ? { onEnter: (agent) => void (said = agent.say(GREETING)) } : {},
      });
      const { agent } = fixture;
      if (when !== "by onEnter") said = agent.say(GREETING);
      await new Promise<void>((resolve) => systemClock.schedule(resolve, 300));
      assertEquals(agent.audio.heardMs, 0, "there is no one to hear it");
      const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
      await until("the greeting begins", () => said !== undefined);
      const outcome = await said;
      assertEquals(outcome, { text: GREETING, interrupted: false });
      await until("it is quiet again", async () => {
        const before = await guest.audibleMs();
        await guest.hear(300);
        return before > 0 && await guest.audibleMs() === before;
      });
      const heardMs = await guest.audibleMs();
      // A browser on a busy machine conceals or stretches a little of it; a greeting that begins before
      // the guest can hear lacks a seventh and more.
      const isWhole = heardMs >= 0.92 * MS && heardMs <= MS + 250;
      assert(isWhole, `${heardMs} of ${MS} ms were heard`);
      assert(Math.abs(agent.audio.heardMs - MS) <= 20, `heardMs says ${agent.audio.heardMs}`);
      await guest.leave();
    },
  );
}
