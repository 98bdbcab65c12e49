import { tokenEndsAt } from "@ringline/edge/toolkit";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AuthenticationError, ConnectionError, ProtocolError } from "../../../src/edge/errors.ts";
import { readCredentials } from "../../../src/edges/getstream/wire/credentials.ts";
import { CustomEventReader, toCustomObjects } from "../../../src/edges/getstream/custom_events.ts";
import { backOffMs } from "../../../src/events/retry.ts";
import { isMarked } from "../../../src/edges/getstream/wire/agent_marks.ts";
import { BACK_OFF, retrying } from "../../../src/edges/getstream/wire/retrying.ts";
import {
  describeFailure,
  rejectionError,
} from "../../../src/edges/getstream/wire/service_errors.ts";
import { joinError, wantsElsewhere } from "../../../src/edges/getstream/child/sfu/sfu_error.ts";
import {
  ErrorSchema,
  ReconnectStrategy,
} from "../../../src/edges/getstream/child/proto/signal_pb.ts";
import { create } from "@bufbuild/protobuf";
import { UserToken } from "../../../src/edges/getstream/service/user_token.ts";
import type { JsonValue } from "../../../src/edge/types.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { signToken } from "./double/jwt.ts";

const ANSWER = {
  credentials: {
    server: { edge_name: "sfu-1", url: "https://sfu/twirp/", ws_endpoint: "wss://sfu/ws" },
    token: "token",
    ice_servers: [
      { urls: ["turn:x"], username: "u", password: "p" },
      { urls: "stun:y" },
      { urls: [] },
    ],
  },
  stats_options: { enable_rtc_stats: true, reporting_interval_ms: 2000 },
};

Deno.test("readCredentials reads the response to a join, a password as WebRTC's credential", () => {
  assertEquals(readCredentials(ANSWER), {
    edgeName: "sfu-1",
    url: "https://sfu/twirp",
    socketUrl: "wss://sfu/ws",
    token: "token",
    iceServers: [
      { urls: ["turn:x"], username: "u", credential: "p" },
      { urls: ["stun:y"] },
    ],
    statsIntervalMs: 2000,
  });
  // It is about traces.
  const quiet = {
    ...ANSWER,
    stats_options: { enable_rtc_stats: false, reporting_interval_ms: 2000 },
  };
  assertEquals(readCredentials(quiet).statsIntervalMs, 2000);
  assertEquals(readCredentials({ ...ANSWER, stats_options: {} }).statsIntervalMs, 0);
});

Deno.test("readCredentials rejects a response that is not what the protocol says, and says where", () => {
  const { credentials } = ANSWER;
  for (
    const [answer, where] of [
      [null, ""],
      [{}, "credentials"],
      [{ credentials: { ...credentials, token: 7 } }, "token"],
      [{ credentials: { ...credentials, server: { ...credentials.server, url: "x" } } }, "address"],
      [
        {
          credentials: {
            ...credentials,
            server: { ...credentials.server, ws_endpoint: "https://a" },
          },
        },
        "address",
      ],
    ] as const
  ) assertThrows(() => readCredentials(answer), ProtocolError, where);
});

Deno.test("a token says when it expires, or that it does not", async () => {
  assertEquals(tokenEndsAt(await signToken({ exp: 1234 }, "secret")), 1_234_000);
  assertEquals(tokenEndsAt(await signToken({}, "secret")), Infinity);
  assertEquals(tokenEndsAt("no token"), Infinity);
});

Deno.test("UserToken is created again well before it expires, or on demand", async () => {
  const clock = new VirtualClock();
  let made = 0;
  const token = new UserToken(() => `token ${++made}`, { validityMs: 3000, clock });
  assertEquals([await token.get(), await token.get(), token.remainingMs], [
    "token 1",
    "token 1",
    800,
  ]);
  await clock.advance(799);
  assertEquals(await token.get(), "token 1");
  await clock.advance(1);
  assertEquals(await token.get(), "token 2");
  token.renew();
  assertEquals([token.remainingMs, await token.get()], [0, "token 3"]);
});

Deno.test("refusals of the service become errors that say whether they are retryable", () => {
  const cases: [number | undefined, number | undefined, string, string, boolean][] = [
    [401, 43, "AuthenticationError", "unauthorized", false],
    [401, 40, "AuthenticationError", "token-expired", true],
    [403, 17, "AuthenticationError", "forbidden", false],
    [404, 16, "ConnectionError", "not-found", false],
    [429, 9, "ConnectionError", "rate-limited", true],
    [500, undefined, "ConnectionError", "service-failed", true],
    [503, undefined, "ConnectionError", "service-failed", true],
    [400, 4, "ConnectionError", "refused", false],
    [undefined, undefined, "ConnectionError", "unreachable", true],
  ];
  for (const [status, code, name, wanted, retryable] of cases) {
    const error = rejectionError({ status, code, message: "m", doing: "d" });
    assertEquals([error.name, error.code, error.retryable], [name, wanted, retryable]);
  }
});

Deno.test("the error of a request says where and why, without the URL's query or the response", () => {
  const where = "https://stream.test";
  const refused = new TypeError("fetch failed", {
    cause: new Error("error sending request for url (https://stream.test/a?q=(private)): refused"),
  });
  // As Stream's SDK does it: what failed is the `code`.
  const wrapped = Object.assign(new Error("an unexpected error"), { code: refused });
  assertEquals(
    describeFailure(where, wrapped),
    "https://stream.test cannot be reached: error sending request: refused",
  );
  const unread = Object.assign(new Error("an unexpected error"), {
    code: new SyntaxError(`Unexpected token, "private" is not valid JSON`),
  });
  assertEquals(describeFailure(where, unread), "the response of https://stream.test is not JSON");
});

Deno.test("an SFU's errors say whether the agent is to take another SFU", () => {
  const of = (code: number, reconnectStrategy = ReconnectStrategy.UNSPECIFIED) =>
    joinError({ error: create(ErrorSchema, { code }), reconnectStrategy }, "joining");
  assertEquals([700, 600, 301].map((code) => wantsElsewhere(of(code))), [true, true, true]);
  assertEquals([401, 403, 429, 500].map((code) => wantsElsewhere(of(code))), [
    false,
    false,
    false,
    false,
  ]);
  assertEquals([of(403).retryable, of(401).retryable, of(500).retryable], [false, true, true]);
  assertEquals(of(500, ReconnectStrategy.DISCONNECT).retryable, false);
});

Deno.test("backOffMs grows, is bounded, and spreads a little", () => {
  const waits = (random: () => number) => (tries: number) =>
    backOffMs(tries, { ...BACK_OFF, random });
  assertEquals([1, 2, 3, 9].map(waits(() => 0.5)), [250, 500, 1000, 5000]);
  assertEquals([waits(() => 0)(1), waits(() => 1)(1)], [188, 313]);
});

Deno.test("retrying repeats only retryable requests, a bounded number of times", async () => {
  const clock = new VirtualClock();
  const run = async (retryable: boolean) => {
    let tries = 0;
    const act = () => {
      tries++;
      return Promise.reject(new ConnectionError("no", { code: "x", retryable }));
    };
    await assertRejects(() => clock.until(retrying(act, { clock })), ConnectionError);
    return tries;
  };
  assertEquals([await run(true), await run(false)], [3, 1]);
  const stop = new AbortController();
  const waiting = retrying(
    () => Promise.reject(new ConnectionError("no", { code: "x", retryable: true })),
    { clock, signal: stop.signal },
  );
  const failed = assertRejects(() => waiting, Error, "enough");
  await clock.advance(10);
  stop.abort(new Error("enough"));
  await failed;
  assertEquals(clock.pending, 0);
});

Deno.test("retrying does not ask a provider of tokens again that has used up its time", async () => {
  const clock = new VirtualClock();
  let asked = 0;
  const token = new UserToken(() => (asked++, new Promise<string>(() => {})), { clock });
  await assertRejects(
    () => clock.until(retrying(() => token.get(), { clock })),
    AuthenticationError,
    "userToken returned no token within 4000 ms",
  );
  assertEquals([asked, clock.now()], [1, 4000]);
});

Deno.test("retrying waits for as long as the service asks", async () => {
  const clock = new VirtualClock();
  const times: number[] = [];
  const act = () => {
    times.push(clock.now());
    const refusal = { status: 429, message: "too many", doing: "d", retryAfterMs: 7000 };
    return times.length < 2 ? Promise.reject(rejectionError(refusal)) : Promise.resolve("done");
  };
  assertEquals(await clock.until(retrying(act, { clock })), "done");
  assertEquals(times[1]! - times[0]!, 7000);
});

Deno.test("isMarked knows this package's agents and those of Vision Agents", () => {
  const marks = [{ is_agent: true }, { ringline_agent: true, team: "blue" }];
  assertEquals(marks.map(isMarked), [true, true]);
  const others = [{}, null, undefined, { is_agent: "true" }, { is_agent: false }];
  assertEquals(others.map(isMarked), others.map(() => false));
});

Deno.test("any JSON survives its way through a Stream custom event of at most 5 KB", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const reader = new CustomEventReader();
    const objects = toCustomObjects(value as JsonValue);
    const back = objects.map((one) => reader.read(JSON.parse(JSON.stringify(one))));
    assertEquals(JSON.stringify(back.at(-1)), JSON.stringify(value));
  }));
});

Deno.test("a value too large for one Stream event travels in two, in either order", () => {
  for (const text of ["x".repeat(5118), "é".repeat(2559), "😀".repeat(1279)]) {
    const [first, second, ...more] = toCustomObjects(text);
    assertEquals(more, []);
    for (const part of [first!, second!]) {
      assert(new TextEncoder().encode(JSON.stringify(part)).length <= 5120);
    }
    for (const order of [[first!, second!], [second!, first!]]) {
      const reader = new CustomEventReader();
      assertEquals(order.map((one) => reader.read(one)), [undefined, text]);
    }
  }
});

Deno.test("parts of a value whose other part never comes are dropped in the end", () => {
  const reader = new CustomEventReader();
  const halves = Array.from({ length: 50 }, () => toCustomObjects("x".repeat(5118)));
  for (const [first] of halves) assertEquals(reader.read(first!), undefined);
  assertEquals(reader.read(halves[0]![1]!), undefined, "the oldest was forgotten");
  assertEquals(reader.read(halves[49]![1]!), "x".repeat(5118));
});
