import { withoutSecrets } from "@ringline/edge/toolkit";
import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { ErrorEvent } from "../../../src/edge/events.ts";
import { readSettings } from "../../../src/edges/getstream/settings.ts";
import { API_SECRET, StreamDouble } from "./double/stream_double.ts";
import { edgeOn } from "./_fixture.ts";
import { Listener } from "./listener.ts";
import { until } from "../../fixtures/until.ts";
import { fileURLToPath } from "node:url";

const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;

Deno.test("GetStreamEdge names a missing key or secret, and only what is missing", () => {
  const none = () => undefined;
  const both = assertThrows(() => readSettings({}, none), TypeError);
  assert(/apiKey .*STREAM_API_KEY.* and apiSecret .*STREAM_API_SECRET/.test(both.message));
  const one = assertThrows(() => readSettings({ apiKey: "key" }, none), TypeError);
  assertFalse(/apiKey/.test(one.message));
  assert(/apiSecret/.test(one.message));
});

Deno.test({
  name: "GetStreamEdge says that it may not read the environment that may have what is missing",
  permissions: { env: ["STREAM_API_KEY"] },
  fn() {
    const { message } = assertThrows(
      () => readSettings({ apiKey: "key" }, () => undefined),
      TypeError,
    );
    assert(message.endsWith("; the environment may not be read: grant --allow-env"), message);
  },
});

Deno.test("GetStreamEdge takes key and secret from the environment unless they are given", () => {
  const environment = (name: string) =>
    name.startsWith("STREAM") ? `${name} of the environment` : undefined;
  const { apiKey, apiSecret } = readSettings({ apiKey: "mine" }, environment);
  assertEquals([apiKey, apiSecret], ["mine", "STREAM_API_SECRET of the environment"]);
});

Deno.test("GetStreamEdge rejects options that make no sense", () => {
  const given = { apiKey: "key", apiSecret: "secret" };
  assertThrows(() => readSettings({ ...given, basePath: "nowhere" }), TypeError, "basePath");
  assertThrows(() => readSettings({ ...given, basePath: "http://x/?a=1" }), TypeError, "query");
  assertThrows(() => readSettings({ ...given, requestTimeoutMs: -1 }), RangeError);
  assertThrows(() => readSettings({ ...given, tokenValidityMs: 5 }), RangeError);
  assertThrows(() => readSettings({ ...given, silenceTimeoutMs: 5 }), RangeError);
  assertThrows(() => readSettings({ ...given, videoCodecs: [] }), TypeError, "videoCodecs");
});

Deno.test("redaction removes tokens and secrets from texts", () => {
  const token = "eyJhbGciOiJIUzI1NiJ9.eyJzZXJ2ZXIiOnRydWV9.c2lnbmF0dXJl";
  assertEquals(withoutSecrets(`a ${token} b s3cret`, "s3cret"), "a [token] b [secret]");
});

Deno.test("the API secret reaches no log, no error, no URL, and not the media process", async () => {
  await using double = await StreamDouble.start();
  const seen: string[] = [];
  const note = (message: string) => void seen.push(message);
  const logger = { debug: note, info: note, warn: note, error: note };
  await using edge = edgeOn(double, { logger, reconnectTimeoutMs: 500 });
  edge.events.subscribe(ErrorEvent, ({ error, context }) => {
    seen.push(`${context} ${Deno.inspect(error, { depth: 9 })}`);
  });
  const agent = new Listener({ id: "bot", name: "Bot" });
  double.fail({ path: /\/users$/, status: 401, code: 5 });
  await edge.authenticate(agent.user).catch((error) =>
    seen.push(Deno.inspect(error, { depth: 9 }))
  );
  await edge.authenticate(agent.user);
  const call = await edge.createCall("kitchen");
  double.fail({ path: /\/join$/, status: 403 });
  await edge.join(agent, call).catch((error) => seen.push(Deno.inspect(error, { depth: 9 })));
  double.coordinator = "garbage";
  await double.sfu.command("joinBehaviour", { code: 500, times: 2 });
  const connection = await edge.join(agent, call);
  if (Deno.build.os === "linux") {
    const folder = `/proc/${edge.mediaProcessId}`;
    for (const file of ["environ", "cmdline"]) {
      seen.push(await Deno.readTextFile(`${folder}/${file}`));
    }
    // What it holds in memory; that the look finds what is there shows the call's own SFU.
    assert(await holds(edge.mediaProcessId!, `${double.sfu.port}/sfu-`), "the look finds nothing");
    assertFalse(await holds(edge.mediaProcessId!, API_SECRET), "the media process has the secret");
  }
  await double.sfu.kill();
  await connection.closed;
  const printed: string[] = [];
  const log = console.log;
  console.log = (text) => void printed.push(String(text));
  try {
    seen.push((await edge.openDemo(call)).href.replace(/token=[^&]+/, ""));
  } finally {
    console.log = log;
  }
  assertEquals(printed.length, 1);
  seen.push(printed[0]!.replace(/token=[^&]+/, ""), Deno.inspect(edge, { depth: 9 }));
  assert(seen.length > 8);
  for (const text of seen) {
    assertFalse(text.includes(API_SECRET), `the secret is in: ${text}`);
    assertFalse(TOKEN.test(text), `a token is in: ${text}`);
  }
});

Deno.test("the error for a rejected secret does not contain it", async () => {
  await using double = await StreamDouble.start();
  const apiSecret = "another-secret-that-is-wrong";
  await using edge = edgeOn(double, { apiSecret });
  const error = await edge.authenticate({ id: "bot", name: "Bot" }).catch((error) => error);
  assertFalse(Deno.inspect(error, { depth: 9 }).includes(apiSecret));
});

Deno.test("creating a GetStreamEdge asks for no permission and starts nothing", async () => {
  const module = new URL("../../../src/edges/getstream/mod.ts", import.meta.url).href;
  const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));
  const program = `
    import { GetStreamEdge } from ${JSON.stringify(module)};
    const edge = new GetStreamEdge({ apiKey: "key", apiSecret: "secret" });
    await edge.close();
    console.log(edge.mediaProcessId === undefined);
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", "--config", config, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    clearEnv: true,
    env: { HOME: Deno.env.get("HOME") ?? "", PATH: Deno.env.get("PATH") ?? "" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout, stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stdout).trim(), "true", new TextDecoder().decode(stderr));
});

Deno.test("a person's link is valid for an hour, and asks for what agents can decode", async () => {
  await using double = await StreamDouble.start();
  await using edge = edgeOn(double, { demoBaseUrl: "https://demo.example/video" });
  const agent = new Listener({ id: "bot", name: "Bot" });
  await edge.authenticate(agent.user);
  const call = await edge.createCall("kitchen");
  const log = console.log;
  console.log = () => {};
  const url = await edge.openDemo(call).finally(() => console.log = log);
  assertEquals(url.origin + url.pathname, "https://demo.example/video/join/kitchen");
  assertEquals([...url.searchParams.keys()], [
    "api_key",
    "token",
    "skip_lobby",
    "user_name",
    "video_encoder",
    "bitrate",
    "w",
    "h",
    "channel_type",
  ]);
  assertEquals(url.searchParams.get("video_encoder"), "vp8");
  assertEquals(url.searchParams.get("user_name"), "Human User");
  const payload = url.searchParams.get("token")!.split(".")[1]!;
  const bytes = Uint8Array.fromBase64(payload, { alphabet: "base64url" });
  const claims = JSON.parse(new TextDecoder().decode(bytes));
  assertEquals([claims.user_id, claims.exp - claims.iat], ["user-demo-agent", 3600]);
  assertEquals(double.users.get("user-demo-agent")?.name, "Human User");
  assert(double.chat.channels.get("kitchen")?.members.has("user-demo-agent"));
  await until("no fault", () => double.faults.length === 0);
});

/** Whether a process has a text in its memory. */
async function holds(pid: number, text: string): Promise<boolean> {
  const wanted = new TextEncoder().encode(text);
  const maps = await Deno.readTextFile(`/proc/${pid}/maps`);
  using memory = await Deno.open(`/proc/${pid}/mem`).catch(() => undefined) ??
    { [Symbol.dispose]: () => {}, seekSync: () => 0, readSync: () => null };
  for (const line of maps.split("\n")) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    if (!from) continue;
    const start = Number(`0x${from}`);
    const length = Number(`0x${to}`) - start;
    if (!Number.isSafeInteger(start) || length > 256 * 1024 * 1024) continue;
    const bytes = new Uint8Array(length);
    let read = 0;
    try {
      memory.seekSync(start, Deno.SeekMode.Start);
      for (let count; read < length && (count = memory.readSync(bytes.subarray(read)));) {
        read += count;
      }
    } catch {
      // Pages that cannot be read hold nothing of ours.
    }
    if (indexOf(bytes.subarray(0, read), wanted) >= 0) return true;
  }
  return false;
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
