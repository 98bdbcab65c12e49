/** The examples that use a service, when something is missing or a person interrupts. */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import type { Browser } from "../../scripts/browser.ts";
import { events, refusal, ServiceDouble } from "../adapters/_double.ts";
import { RealtimeDouble } from "../adapters/_realtime_double.ts";
import {
  assertEndsQuietlyWhileJoining,
  assertEndsWell,
  Example,
  type ExampleOptions,
  flagsOf,
  ROOT,
} from "./_example.ts";
import { browserTest, Guest, until } from "./_fixture.ts";
import { KEY, keyFor, speaking } from "./_service.ts";
import { utter } from "./_utterance.ts";

const EXAMPLES = ["assistant.ts", "realtime.ts", "moderator.ts", "screen_helper.ts"];

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

/** Waits until an example has given up. Returns what it said. */
async function refusalOf(name: string, options: ExampleOptions): Promise<string> {
  await using example = await Example.start(name, options);
  assertEquals(await example.ended(), 1, `${name}: ${example.output}`);
  return example.output;
}

Deno.test("the examples without a key print one line that says what to do", async () => {
  for (const name of EXAMPLES) {
    assertMatch(await refusalOf(name, {}), /^Set OPENAI_API_KEY, or .+\n$/);
  }
});

Deno.test("the guide's assistant needs only the permissions of its first line", async () => {
  const guide = await Deno.readTextFile(new URL("docs/agent_with_models.md", ROOT));
  const source = /```ts[^\n]*\n(\/\/ OPENAI_API_KEY=.+?)```/s.exec(guide)![1]!;
  const folder = await Deno.makeTempDir({ dir: ROOT.pathname });
  try {
    await Deno.writeTextFile(`${folder}/assistant.ts`, source);
    const path = `..${folder.slice(ROOT.pathname.length - 1)}/assistant.ts`;
    assert(!(await flagsOf(path)).includes("--allow-env"), "it can read every variable");
    await using assistant = await Example.start(path, { env: { OPENAI_API_KEY: KEY } });
    await assistant.link();
    assertEquals((await assistant.interrupt()).code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an example lists its options, and rejects wrong ones", async () => {
  await using help = await Example.start("assistant.ts", { args: ["--help"] });
  assertEquals(await help.ended(), 0);
  assertMatch(help.output, /^Options and their defaults:\n {2}--edge local\n/);
  const env = { OPENAI_API_KEY: KEY };
  assertEquals(
    await refusalOf("assistant.ts", { env, args: ["--edge", "zoom"] }),
    "--edge must be local or stream, got zoom\n",
  );
  assertMatch(
    await refusalOf("moderator.ts", { env, args: ["--foo"] }),
    /^Unknown option '--foo'\n/,
  );
  assertMatch(
    await refusalOf("assistant.ts", { env, args: ["--edge", "stream"] }),
    /STREAM_API_KEY/,
  );
  const wrong = { OPENAI_BASE_URL: "localhost:11434" };
  assertMatch(await refusalOf("realtime.ts", { env: wrong }), /^OPENAI_BASE_URL must .+\n$/);
});

for (const name of EXAMPLES) {
  Deno.test({
    name: `${name} ends quietly when it is interrupted while it joins`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using service = new RealtimeDouble();
      await using example = await Example.start(name, { env: keyFor(service) });
      await assertEndsQuietlyWhileJoining(example);
    },
  });
}

browserTest("an example prints one line for a rejected key", async () => {
  await using service = await ServiceDouble.start(refusal(401, "Incorrect API key provided."));
  await using realtime = new RealtimeDouble({ refuse: 401 });
  assertEquals(
    await refusalOf("realtime.ts", { env: keyFor(realtime) }),
    "openai-realtime: responded with 401: the key is not accepted\n",
  );
  // One after the other: a model that is loaded takes the time that another one ends in.
  for (const name of EXAMPLES.filter((name) => name !== "realtime.ts")) {
    const said = await refusalOf(name, { env: keyFor(service) });
    assertMatch(said, /^.*responded with 401: Incorrect API key.*\n$/);
  }
});

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

browserTest(
  "an assistant that waits for its service ends immediately, and aborts the request",
  async (browser) => {
    await using service = await ServiceDouble.start(events(["[DONE]"], { beforeMs: 60_000 }));
    await using assistant = await Example.start("assistant.ts", { env: keyFor(service) });
    await Guest.join(browser, await assistant.link(), { name: "Ada" });
    await until("the service is asked", () => service.requests.length > 0);
    await assertEndsWell(assistant);
    await until("the service is told", () => service.abandoned > 0);
  },
);
