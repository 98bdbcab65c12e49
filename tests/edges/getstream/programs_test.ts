import { delay } from "@std/async/delay";
import { assert, assertEquals } from "@std/assert";
import { API_KEY, API_SECRET, StreamDouble } from "./double/stream_double.ts";
import { medianFrequency } from "./listener.ts";
import { until } from "../../fixtures/until.ts";
import { freePort } from "../../fixtures/free_port.ts";

const ROOT = new URL("../../../", import.meta.url);
const ENV = { STREAM_API_KEY: API_KEY, STREAM_API_SECRET: API_SECRET };

/** What a program printed, and how it ended. */
async function output(args: string[], env: Record<string, string>) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env: { ...env, NO_COLOR: "1" },
    cwd: ROOT,
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("the parrot repeats over GetStream what a person said, and Ctrl-C ends it", async () => {
  await using double = await StreamDouble.start();
  const cid = "default:parrot";
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-run",
      "--allow-net",
      "--allow-env",
      "examples/getstream.ts",
      "--base-url",
      double.url,
    ],
    env: ENV,
    cwd: ROOT,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  const reading = (async () => {
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) text += piece;
  })();
  try {
    await until("the link", () => /Open \S+\/join\/parrot\?api_key=/.test(text), 30_000);
    const sessionId = await double.addPerson(cid, "anna");
    await double.sfu.command("record", { cid, userId: "parrot" });
    await double.sfu.command("speak", { cid, sessionId, amplitude: 0 });
    await delay(500);
    await double.sfu.command("setTone", { cid, sessionId, amplitude: 0.3, frequency: 550 });
    await delay(1200);
    await double.sfu.command("setTone", { cid, sessionId, amplitude: 0 });
    const heard = await until("the answer", async () => {
      const loud = (await double.heard(cid, "parrot")).filter(({ rms }) => rms > 0.05);
      return loud.length >= 80 ? loud : undefined;
    });
    assert(Math.abs(medianFrequency(heard) - 550) <= 50);
    await until("the picture", async () => {
      return (await double.sfu.command<{ frames: number }>("seen", { cid, userId: "parrot" }))
        .frames > 0;
    });
    await until("the chat", () => double.chat.writes.some(({ text }) => /spoke for/.test(text)));
    const from = performance.now();
    child.kill("SIGINT");
    assertEquals((await child.status).code, 0);
    assert(performance.now() - from < 8000, "it took too long to end");
    await reading;
    assert(/The call is over/.test(text), text);
    const members = await double.sfu.command<{ userId: string }[]>("members", { cid });
    assertEquals(members.map(({ userId }) => userId), ["anna"], "the SFU was told goodbye");
  } finally {
    await child.status.catch(() => {});
  }
  assertEquals([double.faults, (await double.report()).faults], [[], []]);
});

/** Runs the check for a person with an account, as such a person does. */
function check(args: string[], env: Record<string, string>) {
  const permissions = ["--allow-run", "--allow-net", "--allow-env"];
  const script = "scripts/getstream_check.ts";
  return output(["run", "--no-prompt", ...permissions, script, "--base-url", ...args], env);
}

Deno.test("getstream_check passes against the double", async () => {
  await using double = await StreamDouble.start();
  const { code, stdout, stderr } = await check([double.url, "--json"], ENV);
  assertEquals(code, 0, stdout + stderr);
  const { lines } = JSON.parse(stdout) as { lines: { check: string; passed: boolean }[] };
  assert(lines.length >= 17);
  assertEquals(lines.filter(({ passed }) => !passed), []);
  assertEquals([double.faults, (await double.report()).faults], [[], []]);
});

Deno.test("getstream_check names what is missing, and a wrong secret", async () => {
  await using double = await StreamDouble.start();
  const missing = await check([double.url], { STREAM_API_KEY: "", STREAM_API_SECRET: "" });
  assertEquals(missing.code, 2);
  assert(/STREAM_API_KEY.* and .*STREAM_API_SECRET/.test(missing.stderr), missing.stderr);
  const wrong = await check([double.url], { ...ENV, STREAM_API_SECRET: "wrong" });
  assertEquals(wrong.code, 1);
  assert(/FAILED +the key and the secret are right.*token/.test(wrong.stdout), wrong.stdout);
  assertEquals(wrong.stdout.match(/FAILED/g)?.length, 1, "what follows from it is not tried");
});

Deno.test("getstream_check names the server that cannot be reached and why, and stops", async () => {
  const origin = `http://127.0.0.1:${freePort()}`;
  const { code, stdout, stderr } = await check([origin], ENV);
  assertEquals([code, stdout], [2, ""]);
  assert(stderr.includes(`${origin} cannot be reached: `), stderr);
  assert(/refused/i.test(stderr), stderr);
  assert(!stderr.includes(API_KEY), stderr);
  assertEquals(stderr.trim().split("\n").length, 1, stderr);
});

Deno.test("the GetStream programs respond to --help and to unknown options without a stack trace", async () => {
  const cases: [args: string[], code: number, text: RegExp][] = [
    [["scripts/getstream_check.ts", "--help"], 0, /--base-url URL/],
    [["scripts/getstream_check.ts", "--nonsense"], 2, /--nonsense[^]*--base-url URL/],
    [["examples/getstream.ts"], 1, /^GetStreamEdge needs apiKey.*STREAM_API_KEY/],
    [["scripts/soak.ts", "--help"], 0, /--minutes N/],
    [["scripts/soak.ts", "--minutes", "x"], 2, /--minutes: expected a number above 0, got "x"/],
    [["scripts/native.ts", "--help"], 0, /--if-possible/],
    [["scripts/native.ts", "--nonsense"], 2, /--nonsense[^]*--if-possible/],
  ];
  for (const [args, wanted, text] of cases) {
    const { code, stdout, stderr } = await output(["run", "--no-prompt", "-A", ...args], {
      STREAM_API_KEY: "",
      STREAM_API_SECRET: "",
    });
    assertEquals(code, wanted, args.join(" ") + stderr);
    assert(text.test(wanted === 0 ? stdout : stderr), args.join(" ") + stdout + stderr);
    assert(!/^ +at /m.test(stderr), stderr);
  }
});
