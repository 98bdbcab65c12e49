import { TokenVerifier } from "livekit-server-sdk";
import { assertEquals, assertObjectMatch, assertRejects } from "@std/assert";
import { AuthenticationError, ConnectionError } from "../../../src/edge/errors.ts";
import { Tokens } from "../../../src/edges/livekit/service/tokens.ts";
import { type LiveKitEdgeOptions, readSettings } from "../../../src/edges/livekit/settings.ts";
import { tokenEndsAt } from "../../../src/edge/toolkit/token_claims.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";

const keys = { apiKey: "key", apiSecret: "a secret of some length" };
const user = { id: "parrot", name: "Parrot", image: "https://a/b.png", custom: { wing: 2 } };

function tokensOf(options: LiveKitEdgeOptions) {
  const clock = new VirtualClock();
  const settings = readSettings({ url: "ws://127.0.0.1:1", ...options }, () => undefined);
  return { clock, tokens: new Tokens(settings, clock) };
}

Deno.test("Tokens lets an agent join one room as an agent, for as long as it is told", async () => {
  const { tokens } = tokensOf({ ...keys, tokenValidityMs: 60_000 });
  const token = await tokens.ofAgent("kitchen", user);
  const claims = await new TokenVerifier(keys.apiKey, keys.apiSecret).verify(token);
  assertObjectMatch(claims, {
    sub: "parrot",
    name: "Parrot",
    kind: "agent",
    video: { room: "kitchen", roomJoin: true, canUpdateOwnMetadata: true },
  });
  assertEquals(claims.video?.agent, undefined, "it registers no worker");
  const worker = await new TokenVerifier(keys.apiKey, keys.apiSecret)
    .verify(await tokens.ofWorker());
  assertEquals([worker.video?.agent, worker.video?.roomJoin], [true, undefined]);
  assertEquals(JSON.parse(claims.metadata!), { wing: 2, image: "https://a/b.png" });
  const restMs = tokenEndsAt(token) - Date.now();
  assertEquals(restMs > 50_000 && restMs <= 61_000, true, `${restMs} ms`);
});

Deno.test("Tokens lets a person join as a person, who may not change what they are", async () => {
  const { tokens } = tokensOf(keys);
  const token = await tokens.create({
    room: "kitchen",
    user: { id: "anna", name: "Anna" },
    isAgent: false,
    validityMs: 5000,
  });
  const claims = await new TokenVerifier(keys.apiKey, keys.apiSecret).verify(token);
  assertEquals([claims.kind, claims.metadata], [undefined, undefined]);
  assertEquals([claims.video?.agent, claims.video?.canUpdateOwnMetadata], [undefined, undefined]);
});

Deno.test("Tokens names the user of a device whose identity is another", async () => {
  const { tokens } = tokensOf(keys);
  const anna = { id: "anna", name: "Anna" };
  const token = await tokens.create({
    room: "kitchen",
    user: anna,
    identity: "anna-2",
    isAgent: false,
    validityMs: 5000,
  });
  const claims = await new TokenVerifier(keys.apiKey, keys.apiSecret).verify(token);
  assertEquals([claims.sub, claims.attributes], ["anna-2", { "ringline.user_id": "anna" }]);
});

Deno.test("Tokens asks the program where there is no secret, and names what it got", async () => {
  let result: unknown = "token";
  const { tokens } = tokensOf({ token: ({ room, user }) => `${room} ${user.id} ${result}` });
  assertEquals(await tokens.ofAgent("kitchen", user), "kitchen parrot token");
  const given = tokensOf({ token: () => result as string }).tokens;
  result = "";
  const empty = await assertRejects(() => given.ofAgent("a", user), AuthenticationError, "empty");
  assertEquals(empty.code, "no-token");
  result = 7;
  await assertRejects(() => given.ofAgent("a", user), AuthenticationError, "got number");
  const { tokens: issuer } = tokensOf(keys);
  const forBar = await issuer.ofAgent("bar", user);
  const foreign = tokensOf({ token: () => forBar }).tokens;
  assertEquals(await foreign.ofAgent("bar", user), forBar);
  const wrong = await assertRejects(() => foreign.ofAgent("a", user), AuthenticationError);
  assertEquals(
    [wrong.code, wrong.message],
    ["wrong-room", 'the token of parrot is for the room "bar", not for "a"'],
  );
  const failing = tokensOf({ token: () => Promise.reject(new Error("no database")) }).tokens;
  const failed = await assertRejects(
    () => failing.ofAgent("a", user),
    ConnectionError,
    "the token of parrot: no database",
  );
  assertEquals([failed.code, failed.retryable], ["token-failed", true]);
  const reason = new Error("https://u:pw@a/t?key=k2 refused eyJhbGci.eyJzdWIi.c2ln");
  const telling = tokensOf({ token: () => Promise.reject(reason) }).tokens;
  const { message, cause } = await assertRejects(
    () => telling.ofAgent("a", user),
    ConnectionError,
  );
  assertEquals(
    [message, cause],
    ["the token of parrot: https://[secret]@a/t?[secret] refused [token]", undefined],
  );
  const kept = tokensOf({ token: () => "t" }).tokens;
  const refused = await assertRejects(
    () => kept.create({ room: "a", user, isAgent: false, validityMs: 5000 }),
    AuthenticationError,
    "needs apiKey and apiSecret",
  );
  assertEquals(refused.code, "no-secret");
});

Deno.test("Tokens waits 4 s for the program, and until the signal", async () => {
  const { clock, tokens } = tokensOf({ token: () => new Promise<string>(() => {}) });
  const late = assertRejects(() => tokens.ofAgent("a", user), ConnectionError);
  await clock.advance(4000);
  assertEquals((await late).code, "token-timeout");
  const stop = new AbortController();
  const aborted = assertRejects(() => tokens.ofAgent("a", user, stop.signal), Error, "enough");
  stop.abort(new Error("enough"));
  await aborted;
});

Deno.test("tokenEndsAt takes what is no token for one that never ends", () => {
  for (const text of ["", "a.b.c", `a.${btoa("{}")}.c`, `a.${btoa("null")}.c`]) {
    assertEquals(tokenEndsAt(text), Infinity, text);
  }
});
