/** The examples that use a service, without one permission each. */
import { assertEquals, assertLess, assertMatch } from "@std/assert";
import type { Browser } from "../../scripts/lib/browser.ts";
import { ServiceDouble } from "../adapters/_double.ts";
import { RealtimeDouble } from "../adapters/_realtime_double.ts";
import { Example, type ExampleOptions, flagsOf } from "../e2e/_example.ts";
import { browserTest, Guest, until } from "../e2e/_fixture.ts";
import { EXAMPLES, refusalOf } from "../e2e/_model_examples.ts";
import { keyFor, speaking } from "../e2e/_service.ts";
import { utter } from "../e2e/_utterance.ts";

/** Lets an example ask its service for something. */
async function provoke(name: string, guest: Guest): Promise<void> {
  if (name === "moderator.ts") await utter(guest);
  if (name === "screen_helper.ts") await guest.run("share", ["rgb(200, 0, 0)"]);
}

/** Starts an example, joins it, makes it ask, and waits until it complains. */
async function complaint(
  browser: Browser,
  name: string,
  options: ExampleOptions,
  expected: RegExp,
): Promise<void> {
  await using example = await Example.start(name, options);
  const guest = await Guest.join(browser, await example.link(), { name: "Ada" });
  await provoke(name, guest);
  await until(`${name} complains`, () => expected.test(example.stderr));
  await guest.hear(500);
  assertMatch(example.stderr, expected);
  assertEquals(example.stderr.trimEnd().split("\n").length, 1, example.stderr);
  const { code, tookMs } = await example.interrupt();
  assertEquals(code, 0);
  assertLess(tookMs, 5000, "it ends without waiting for anything");
}

browserTest("the examples ask only for permissions that they need", async (browser) => {
  await using service = await ServiceDouble.start(speaking({ says: () => "", pitch: () => 500 }));
  await using realtime = new RealtimeDouble();
  for (const name of EXAMPLES) {
    const env = keyFor(name === "realtime.ts" ? realtime : service);
    for (const flag of await flagsOf(name)) {
      const without = flag.split("=")[0]!;
      const expected = new RegExp(`run again with the ${without}|grant ${without}`);
      const isNeededAtOnce = name === "realtime.ts" || /run|env/.test(flag);
      if (isNeededAtOnce) assertMatch(await refusalOf(name, { env, without }), expected);
      else await complaint(browser, name, { env, without }, expected);
    }
  }
});
