/** The agent's program is killed: only the media process is left to tell the participants. */
import { assertEquals, assertLess } from "@std/assert";
import { browserTest, Guest, until } from "../e2e/_fixture.ts";
import { gone, report, startFixture } from "./_fixture.ts";

browserTest(
  "when the agent's program is killed the page is told, and nothing stays",
  async (browser) => {
    const { child, reading, line } = startFixture("agent.ts");
    const { pid, link } = await line(0);
    const ada = await Guest.join(browser, new URL(link), { name: "Ada" });
    const killed = performance.now();
    child.kill("SIGKILL");
    const ended = await until("the page is told", async () => (await ada.events("ended")).at(0));
    const told = performance.now() - killed;
    await gone([pid]);
    const left = performance.now() - killed;
    report("an agent's program that is killed", {
      "the page is told after": `${Math.round(told)} ms`,
      "the media process is gone after": `${Math.round(left)} ms`,
    });
    assertEquals(ended.code, "server-closing");
    assertEquals(ended.message, "The program that runs this call has ended.");
    assertLess(told, 2000);
    await reading;
    await child.status;
  },
);
