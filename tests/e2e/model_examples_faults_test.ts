/** The examples that use a service, when something is missing or a person interrupts. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { events, refusal, ServiceDouble } from "../adapters/_double.ts";
import { RealtimeDouble } from "../adapters/_realtime_double.ts";
import {
  assertEndsQuietlyWhileJoining,
  assertEndsWell,
  Example,
  flagsOf,
  ROOT,
} from "./_example.ts";
import { browserTest, Guest, until } from "./_fixture.ts";
import { EXAMPLES, refusalOf } from "./_model_examples.ts";
import { KEY, keyFor } from "./_service.ts";

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
    await refusalOf("assistant.ts", { env, args: ["--edge", "zoom"] }, 2),
    '--edge: expected local or stream, got "zoom" (--help lists the options)\n',
  );
  assertMatch(
    await refusalOf("moderator.ts", { env, args: ["--foo"] }, 2),
    /^Unknown option '--foo' \(--help lists the options\)\n$/,
  );
  assertMatch(
    await refusalOf("assistant.ts", { env, args: ["--edge", "stream"] }),
    /STREAM_API_KEY/,
  );
  const wrong = { OPENAI_BASE_URL: "localhost:11434" };
  assertMatch(await refusalOf("realtime.ts", { env: wrong }), /^OPENAI_BASE_URL: expected .+\n$/);
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
