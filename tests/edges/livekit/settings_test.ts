import { assertEquals, assertThrows } from "@std/assert";
import { roomNameOf } from "../../../src/edges/livekit/call_options.ts";
import { type LiveKitEdgeOptions, readSettings } from "../../../src/edges/livekit/settings.ts";

const keys = { apiKey: "key", apiSecret: "secret" };
const nothing = () => undefined;

Deno.test("LiveKitEdge's settings come from the environment, with several addresses", () => {
  const environment: Record<string, string> = {
    LIVEKIT_URL: "wss://one.example.org/, http://127.0.0.1:7880",
    LIVEKIT_API_KEY: "key",
    LIVEKIT_API_SECRET: "secret",
  };
  const settings = readSettings({}, (name) => environment[name]);
  assertEquals(settings.urls, ["wss://one.example.org", "ws://127.0.0.1:7880"]);
  assertEquals(settings.keys, keys);
  assertEquals(settings.token, undefined);
});

Deno.test("LiveKitEdge's options come before the environment, and a token needs no secret", () => {
  const environment = (name: string) => `wss://${name.toLowerCase().replaceAll("_", "-")}`;
  assertEquals(readSettings({ url: "wss://own" }, environment).urls, ["wss://own"]);
  const { keys, token } = readSettings({ token: () => "token" }, environment);
  assertEquals([keys, token?.({ room: "r", user: { id: "u", name: "" } })], [undefined, "token"]);
});

const wrong: [string, LiveKitEdgeOptions, string][] = [
  ["no address", keys, "needs url (or LIVEKIT_URL in the environment)"],
  ["no secret", { url: "wss://a", apiKey: "key" }, "apiSecret (or LIVEKIT_API_SECRET"],
  [
    "a page's address",
    { ...keys, url: "file:///a" },
    "url: expected an address that begins with ws(s)",
  ],
  ["a query", { ...keys, url: "wss://a/?b" }, "has no query"],
  ["a password", { ...keys, url: "wss://u:pw@a" }, 'or user, got "wss://[secret]@a"'],
  ["a key", { ...keys, url: "wss://a?key=k2" }, 'got "wss://a?[secret]"'],
  [
    "no list",
    { ...keys, url: 7 as unknown as string },
    "url: expected an address or a list, got 7",
  ],
  ["both", { ...keys, url: "wss://a", token: () => "" }, "either apiSecret or token"],
  ["no function", { url: "wss://a", token: "t" as never }, "token: expected a function"],
  ["a demo page", { ...keys, url: "wss://a", demoBaseUrl: "wss://b" }, "demoBaseUrl: expected"],
  ["a trunk", { ...keys, url: "wss://a", sip: { trunkId: "" } }, "sip.trunkId: expected"],
];
for (const [name, options, message] of wrong) {
  Deno.test(`LiveKitEdge's settings name what is wrong: ${name}`, () => {
    assertThrows(() => readSettings(options, nothing), TypeError, message);
  });
}

Deno.test({
  name: "LiveKitEdge says that it may not read the environment that may have what is missing",
  permissions: { env: ["LIVEKIT_URL"] },
  fn() {
    const hint = "; the environment may not be read: grant --allow-env";
    assertThrows(() => readSettings({ url: "wss://a" }, nothing), TypeError, hint);
  },
});

Deno.test("LiveKitEdge's settings refuse durations that cannot be meant", () => {
  const options = { ...keys, url: "wss://a" };
  const short = { ...options, silenceTimeoutMs: 100 };
  assertThrows(() => readSettings(short, nothing), RangeError, "at least 500, got 100");
  const negative = { ...options, rejoinGraceMs: -1 };
  assertThrows(() => readSettings(negative, nothing), RangeError, "rejoinGraceMs");
});

Deno.test("a room is called as its call, with the type where that is another", () => {
  assertEquals(roomNameOf({ type: "default", id: "kitchen" }), "kitchen");
  assertEquals(roomNameOf({ type: "support", id: "kitchen" }), "support:kitchen");
});
