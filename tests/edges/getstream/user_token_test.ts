import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AuthenticationError, ClosedError, ConnectionError } from "../../../src/edge/errors.ts";
import { UserToken } from "../../../src/edges/getstream/service/user_token.ts";
import { readSettings } from "../../../src/edges/getstream/settings.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { signToken } from "./double/jwt.ts";

const tokenOf = (userId: string, claims = {}) =>
  signToken({ user_id: userId, ...claims }, "secret");

Deno.test("GetStreamEdge takes a user's token or a secret, not both, and the token before the environment", () => {
  const environment = (name: string) =>
    name.startsWith("STREAM") ? `${name} of the environment` : undefined;
  const { apiSecret, userToken } = readSettings({ userToken: "t" }, environment);
  assertEquals([apiSecret, userToken], [undefined, "t"]);
  const both = { apiKey: "k", apiSecret: "s", userToken: "t" };
  assertThrows(() => readSettings(both), TypeError, "either apiSecret or userToken");
  assertThrows(
    () => readSettings({ apiKey: "k", userToken: "" }),
    TypeError,
    "userToken: expected",
  );
  assertThrows(() => readSettings({ apiKey: "k" }, () => undefined), TypeError, "userToken");
});

Deno.test("UserToken asks its provider once at a time, and once more for a refused token", async () => {
  const clock = new VirtualClock();
  let asked = 0;
  const token = new UserToken(() => tokenOf(`user ${++asked}`), { clock });
  const [one, other] = await Promise.all([token.get(), token.get()]);
  assertEquals([one === other, token.remainingMs], [true, Infinity]);
  const expired = new AuthenticationError("no", { code: "token-expired", retryable: true });
  assertEquals(token.refused(one, expired), expired);
  const next = await token.get();
  // A request that was under way with the first one.
  token.refused(one, expired);
  assertEquals([await token.get(), asked], [next, 2]);

  const only = new UserToken(() => one, { isOnly: true, clock });
  const final = only.refused(await only.get(), expired);
  assertEquals([final.code, final.retryable], ["token-expired", false]);
  assert(/pass a function/.test(final.message), final.message);
});

Deno.test("UserToken loads a new token before its own time is over", async () => {
  const clock = new VirtualClock();
  let asked = 0;
  const exp = clock.epochMs() / 1000 + 12;
  const token = new UserToken(() => (asked++, tokenOf("bot", { exp })), { clock });
  await token.get();
  assertEquals(token.remainingMs, 8000);
  await clock.advance(8000);
  await token.get();
  assertEquals(asked, 2);
});

Deno.test("UserToken reports a provider that throws, hangs, or is given up", async () => {
  const clock = new VirtualClock();
  const failing = new UserToken(() => {
    throw new Error("no network eyJhbGciOiJIUzI1NiJ9.eyJzIjp0cnVlfQ.c2ln");
  }, { clock });
  const error = await assertRejects(() => failing.get(), AuthenticationError, "no network [token]");
  assertEquals([error.code, error.retryable, error.cause], ["no-token", true, undefined]);
  const own = new UserToken(() => {
    throw new ConnectionError("eyJhbGciOiJIUzI1NiJ9.eyJzIjp0cnVlfQ.c2ln", { code: "mine" });
  }, { clock });
  const final = await assertRejects(
    () => own.get(),
    AuthenticationError,
    "userToken failed: [token]",
  );
  assertEquals([final.code, final.retryable], ["no-token", false]);
  const hanging = new UserToken(() => new Promise<string>(() => {}), { clock });
  const stop = new AbortController();
  const left = assertRejects(() => hanging.get(stop.signal), Error, "enough");
  const waiting = assertRejects(() => clock.until(hanging.get()), AuthenticationError, "userToken");
  stop.abort(new Error("enough"));
  await left;
  await waiting;
  assertEquals([clock.now(), clock.pending], [4000, 0]);
  const closing = new AbortController();
  const closed = new UserToken(() => new Promise<string>(() => {}), {
    clock,
    signal: closing.signal,
  });
  const ended = assertRejects(() => closed.get(), ClosedError, "the edge");
  closing.abort(new ClosedError("the edge"));
  await ended;
  assertEquals(clock.pending, 0);
});
