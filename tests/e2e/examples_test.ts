/** The examples as a person runs them: with the permissions that their first line states. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { assertEndsQuietlyWhileJoining, childrenOf, Example, gone } from "./_example.ts";
import { SPEECH } from "../fixtures/speech.ts";
import { browserTest, Guest, until } from "./_fixture.ts";
import { levelDb } from "./_signal.ts";

for (const name of ["echo.ts", "two_agents.ts", "parrot.ts"]) {
  Deno.test({
    name: `${name} ends quietly when it is interrupted while it joins`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using example = await Example.start(name);
      await assertEndsQuietlyWhileJoining(example);
    },
  });
}

browserTest("the parrot repeats what it heard, and stops when interrupted", async (browser) => {
  await using parrot = await Example.start("parrot.ts");
  const guest = await Guest.join(browser, await parrot.link(), { name: "Ada" });
  const quiet = async () => levelDb((await guest.hear(300)).samples) < -60;
  const loud = async () => levelDb((await guest.hear(100)).samples) > -40;
  await until("it is quiet", quiet);
  await guest.say(SPEECH);
  await until("the parrot speaks", loud);
  await until("the parrot has spoken", quiet);
  // Once more, and over it.
  await guest.say(SPEECH);
  await until("the parrot speaks again", loud);
  await guest.startTone(300);
  await until("the parrot falls silent", quiet);
  await guest.stopTone();
  const said = await until("it says so", async () => {
    const texts = (await guest.events("event")).map(({ data }) => String(data.text));
    return texts.some((text) => /interrupts/.test(text)) && texts;
  });
  assert(said.some((text) => /^Ada spoke for \d/.test(text)), said.join("\n"));

  const children = await childrenOf(parrot.pid);
  assertEquals(children.length, 1, "the media process is its only child");
  const { code, tookMs } = await parrot.interrupt();
  assertEquals(code, 0, parrot.output);
  assertLess(tookMs, 5000);
  const ended = await until("the page is told", async () => (await guest.events("ended")).at(0));
  assert(["agent-left", "call-ended", "server-closing"].includes(ended.code), ended.code);
  await gone(children[0]!);
});

browserTest("the echo starts while the person still speaks", async (browser) => {
  await using echo = await Example.start("echo.ts");
  const guest = await Guest.join(browser, await echo.link(), { name: "Ada" });
  await guest.startTone(700);
  await until("the echo comes", async () => levelDb((await guest.hear(200)).samples) > -30);
  await guest.stopTone();
  await until("it ends", async () => levelDb((await guest.hear(200)).samples) < -60);
  const { code, tookMs } = await echo.interrupt();
  assertEquals(code, 0, echo.output);
  assertLess(tookMs, 5000);
});

browserTest("two agents on one edge hear only their own calls", async (browser) => {
  await using agents = await Example.start("two_agents.ts");
  const ada = await Guest.join(browser, await agents.link("echo"), { name: "Ada" });
  const bob = await Guest.join(browser, await agents.link("counter"), { name: "Bob" });
  await ada.startTone(700);
  await until("Ada is answered", async () => levelDb((await ada.hear(200)).samples) > -30);
  await bob.startTone(900);
  const told = await until("Bob is counted", async () => (await bob.events("event")).at(0));
  // Neither agent hears the other's call.
  assertEquals(told.data.type, "spoken_ms");
  assertEquals(Object.keys(told.data).sort(), ["Bob", "type"]);
  assertLess(levelDb((await bob.hear(500)).samples), -60);
  const { code } = await agents.interrupt();
  assertEquals(code, 0, agents.output);
});
