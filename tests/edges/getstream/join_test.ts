import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import {
  AuthenticationError,
  ClosedError,
  ConnectionError,
  EdgeError,
  ProtocolError,
} from "../../../src/edge/errors.ts";
import { ErrorEvent } from "../../../src/edge/events.ts";
import { type Clock, systemClock } from "../../../src/events/clock.ts";
import type { GetStreamEdge, GetStreamEdgeOptions } from "../../../src/edges/getstream/mod.ts";
import { StreamDouble } from "./double/stream_double.ts";
import { CID, edgeOn } from "./_fixture.ts";
import { Listener } from "./listener.ts";
import { until } from "../../fixtures/until.ts";

const JOIN = /\/join$/;
const USERS = /\/users$/;

/** The machine's clock, which knows its timers. */
class WatchedClock implements Clock {
  readonly pending = new Set<Disposable>();

  now(): number {
    return systemClock.now();
  }
  epochMs(): number {
    return systemClock.epochMs();
  }
  schedule(act: () => void, delayMs: number): Disposable {
    const { pending } = this;
    const timer = systemClock.schedule(() => {
      pending.delete(entry);
      act();
    }, delayMs);
    const entry = {
      [Symbol.dispose](): void {
        pending.delete(entry);
        timer[Symbol.dispose]();
      },
    };
    pending.add(entry);
    return entry;
  }
}

/** An edge whose agent is known and whose call exists. */
async function ready(double: StreamDouble, options: GetStreamEdgeOptions = {}) {
  const edge = edgeOn(double, options);
  const agent = new Listener({ id: "bot", name: "Bot" });
  await edge.authenticate(agent.user);
  return { edge, agent, call: await edge.createCall("kitchen") };
}

/** What something fails with, and how long that took. */
async function failure(act: () => Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  const from = performance.now();
  try {
    await act();
  } catch (error) {
    return { error, ms: performance.now() - from };
  }
  throw new Error("it did not fail");
}

function assertClosed(edge: GetStreamEdge): void {
  assertEquals(edge.connections.size, 0);
  assertEquals(edge.mediaProcessId, undefined, "the media process is gone");
}

Deno.test("a wrong secret and a wrong key are authentication errors", async () => {
  await using double = await StreamDouble.start();
  for (const options of [{ apiSecret: "wrong-secret" }, { apiKey: "wrong-key" }]) {
    await using edge = edgeOn(double, options);
    double.requests.length = 0;
    const { error } = await failure(() => edge.authenticate({ id: "bot", name: "Bot" }));
    assertInstanceOf(error, AuthenticationError);
    assertEquals([error.code, error.retryable], ["unauthorized", false]);
    assertEquals(double.requests.length, 1, "what was refused for good is not asked again");
  }
});

Deno.test("a refusal of Stream's service is a typed error, retried where that makes sense", async () => {
  await using double = await StreamDouble.start();
  const { edge, agent, call } = await ready(double);
  await using _edge = edge;
  const cases = [
    { status: 401, code: "unauthorized", type: AuthenticationError, requests: 1 },
    { status: 401, stream: 40, code: "token-expired", type: AuthenticationError, requests: 3 },
    { status: 403, code: "forbidden", type: AuthenticationError, requests: 1 },
    { status: 404, code: "not-found", type: ConnectionError, requests: 1 },
    { status: 429, code: "rate-limited", type: ConnectionError, requests: 3 },
    { status: 500, code: "service-failed", type: ConnectionError, requests: 3 },
  ];
  for (const { status, stream, code, type, requests } of cases) {
    double.requests.length = 0;
    double.fail({ path: JOIN, status, code: stream ?? 0, times: 3 });
    const { error } = await failure(() => edge.join(agent, call));
    double.heal();
    assertInstanceOf(error, type);
    assertEquals(error.code, code);
    assertEquals(double.requests.filter(({ path }) => JOIN.test(path)).length, requests, code);
    assertClosed(edge);
  }
});

Deno.test("GetStreamEdge retries a service that fails for a moment, and joins the call", async () => {
  await using double = await StreamDouble.start();
  const { edge, agent, call } = await ready(double);
  await using _edge = edge;
  for (const fault of [{ status: 500 }, { status: 429 }, { status: 401, code: 40 }]) {
    double.fail({ path: JOIN, times: 2, ...fault });
    await using connection = await edge.join(agent, call);
    assertEquals(connection.state, "waiting");
  }
});

Deno.test("a join that Stream's service takes only after its time rejects immediately, and says when", async () => {
  await using double = await StreamDouble.start();
  const { edge, agent, call } = await ready(double);
  await using _edge = edge;
  const newcomer = new Listener({ id: "bob", name: "Bob" });
  for (const [path, who] of [[JOIN, agent], [USERS, newcomer]] as const) {
    double.requests.length = 0;
    double.fail({ path, status: 429, code: 9, retryAfterS: 300, times: 9 });
    const { error } = await failure(() => edge.join(who, call));
    double.heal();
    assertInstanceOf(error, ConnectionError);
    assertEquals([error.code, error.retryable], ["rate-limited", true]);
    assertMatch(error.message, /the service takes requests again in (2\d\d|30\d) s/);
    assertEquals(double.requests.filter((one) => path.test(one.path)).length, 1);
    assertClosed(edge);
  }
  // One that has the time waits.
  double.fail({ path: JOIN, status: 429, code: 9, retryAfterS: 1 });
  await using connection = await edge.join(agent, call);
  assertEquals(connection.state, "waiting");
});

Deno.test("GetStreamEdge that is closed asks Stream's service nothing more", async () => {
  await using double = await StreamDouble.start();
  const clock = new WatchedClock();
  const { edge, agent, call } = await ready(double, { clock });
  await using connection = await edge.join(agent, call);
  for (const path of [JOIN, USERS]) {
    double.fail({ path, status: 429, code: 9, retryAfterS: 50, times: 9 });
  }
  double.requests.length = 0;
  Deno.kill(edge.mediaProcessId!, "SIGKILL");
  const rejected = assertRejects(() => edge.authenticate({ id: "bob", name: "Bob" }), ClosedError);
  await until(
    "requests",
    () => [JOIN, USERS].every((path) => double.requests.some((one) => path.test(one.path))),
  );
  await edge.close();
  await rejected;
  assertEquals(await connection.closed, "left");
  await until("no timer", () => clock.pending.size === 0);
});

Deno.test("a join whose service never responds ends in a typed error, or at its own limit", async () => {
  await using double = await StreamDouble.start();
  const { edge, agent, call } = await ready(double, { requestTimeoutMs: 300 });
  await using _edge = edge;
  double.fail({ path: JOIN, hangs: true, times: 9 });
  const { error } = await failure(() => edge.join(agent, call));
  assertInstanceOf(error, ConnectionError);
  assertEquals([error.code, error.retryable], ["timeout", true]);
  // The three tries take longer than that.
  const { error: late } = await failure(() => edge.join(agent, call, { timeoutMs: 200 }));
  assertInstanceOf(late, DOMException);
  assertEquals(late.name, "TimeoutError");
  assertClosed(edge);
});

Deno.test("requests about users that hang end in a typed error", async () => {
  await using double = await StreamDouble.start();
  await using edge = edgeOn(double, { requestTimeoutMs: 200 });
  double.fail({ path: USERS, hangs: true, times: 3 });
  const { error } = await failure(() => edge.authenticate({ id: "bot", name: "Bot" }));
  assertInstanceOf(error, ConnectionError);
  assertEquals(error.code, "timeout");
  assertEquals(
    error.message,
    `authenticating "bot": no response from ${new URL(double.url).origin} within 200 ms, ` +
      "the limit of each of 3 tries",
  );
});

Deno.test("a response that is no JSON, or not what the protocol says, is a ProtocolError", async () => {
  await using double = await StreamDouble.start();
  const { edge, agent, call } = await ready(double);
  await using _edge = edge;
  double.fail({ path: JOIN, garbage: true });
  const { error } = await failure(() => edge.join(agent, call));
  assertInstanceOf(error, ProtocolError);
  assertEquals(error.code, "bad-response");
});

Deno.test("a join leaves out an SFU that is full, shutting down or at its limit", async () => {
  await using double = await StreamDouble.start();
  const { edge, agent, call } = await ready(double);
  await using _edge = edge;
  for (const code of [700, 600, 301]) {
    double.requests.length = 0;
    await double.sfu.command("joinBehaviour", { code, edge: "sfu-1" });
    await using _connection = await edge.join(agent, call);
    assertEquals((await double.report()).joins.slice(-2).map(({ edge }) => edge), [
      "sfu-1",
      "sfu-2",
    ]);
    const bodies = double.requests.filter(({ path }) => JOIN.test(path)).map(({ body }) => body);
    assertEquals(bodies.at(-1), {
      create: true,
      location: "auto",
      migrating_from: "sfu-1",
      migrating_from_list: ["sfu-1"],
    });
  }
  assertEquals((await double.report()).faults, []);
});

Deno.test("a join whose SFUs are all full fails with that after three tries", async () => {
  await using double = await StreamDouble.start();
  const { edge, agent, call } = await ready(double);
  await using _edge = edge;
  await double.sfu.command("joinBehaviour", { code: 700, times: 3 });
  const { error, ms } = await failure(() => edge.join(agent, call));
  assertInstanceOf(error, ConnectionError);
  assertEquals([error.code, error.retryable], ["sfu-full", true]);
  assert(ms >= 900, `it took ${ms} ms`);
  assertEquals((await double.report()).joins.map(({ edge }) => edge), ["sfu-1", "sfu-2", "sfu-3"]);
  assertClosed(edge);
});

Deno.test("an SFU's final refusal is an authentication error immediately", async () => {
  await using double = await StreamDouble.start();
  const { edge, agent, call } = await ready(double);
  await using _edge = edge;
  await double.sfu.command("joinBehaviour", { code: 403 });
  const { error } = await failure(() => edge.join(agent, call));
  assertInstanceOf(error, AuthenticationError);
  assertEquals(error.code, "forbidden");
  assertClosed(edge);
});

Deno.test("a join leaves out an SFU that sends garbage", async () => {
  await using double = await StreamDouble.start();
  const { edge, agent, call } = await ready(double);
  await using _edge = edge;
  await double.sfu.command("joinBehaviour", { garbage: true, edge: "sfu-1" });
  await using connection = await edge.join(agent, call);
  assertEquals(connection.state, "waiting");
  assertEquals((await double.report()).joins.at(-1)!.edge, "sfu-2");
});

Deno.test("a join leaves out an SFU that does not respond within 5 s", async () => {
  await using double = await StreamDouble.start();
  const { edge, agent, call } = await ready(double);
  await using _edge = edge;
  await double.sfu.command("joinBehaviour", { silent: true, edge: "sfu-1" });
  const from = performance.now();
  await using _connection = await edge.join(agent, call);
  const ms = performance.now() - from;
  assert(ms >= 5000, `it took ${ms} ms`);
  assertEquals((await double.report()).joins.at(-1)!.edge, "sfu-2");
});

Deno.test("a join succeeds without a coordinator that responds", async () => {
  for (const manner of ["silent", "garbage"] as const) {
    await using double = await StreamDouble.start();
    const { edge, agent, call } = await ready(double);
    await using _edge = edge;
    double.coordinator = manner;
    const errors: unknown[] = [];
    edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(error));
    await using connection = await edge.join(agent, call);
    assertEquals(connection.state, "waiting");
    await until("the error", () => errors.length > 0, 8000);
    assertInstanceOf(errors[0], ConnectionError);
    assertEquals(errors[0].code, "timeout");
    double.coordinator = "normal";
    await until("events", () => double.watchersOf(CID) === 1, 12_000);
  }
});

Deno.test("a join that is aborted at any step rejects with the reason and leaves nothing open", async () => {
  await using double = await StreamDouble.start();
  const { edge, agent, call } = await ready(double);
  await using _edge = edge;
  for (const ms of [0, 30, 60, 100, 150, 200]) {
    const reason = new Error(`after ${ms} ms`);
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(reason), ms);
    const outcome = await edge.join(agent, call, { signal: controller.signal })
      .then((connection) => connection.close(), (error) => error);
    clearTimeout(timer);
    assert(outcome === undefined || outcome === reason, `${ms} ms: ${outcome}`);
    assertEquals(edge.connections.size, 0);
  }
  await until("no member is left", async () => {
    const members = await double.sfu.command<unknown[]>("members", { cid: CID });
    return members.length === 0;
  });
  await until("no process is left", () => edge.mediaProcessId === undefined);
});

Deno.test("createCall rejects ids that do not fit into a path", async () => {
  await using double = await StreamDouble.start();
  await using edge = edgeOn(double);
  await assertRejects(() => edge.createCall("kitchen"), TypeError, "authenticate");
  await assertRejects(() => edge.authenticate({ id: "a/b", name: "" }), TypeError, '"a/b"');
  await edge.authenticate({ id: "bot@example", name: "Bot" });
  await assertRejects(() => edge.createCall("a/../b"), TypeError, "callId");
});

Deno.test("authenticate creates the agent's user, then updates it, and keeps the application's fields", async () => {
  await using double = await StreamDouble.start();
  await using edge = edgeOn(double);
  await edge.authenticate({ id: "bot", name: "Bot", custom: { team: "blue" } });
  assertEquals(double.users.get("bot")?.custom, {
    team: "blue",
    is_agent: true,
    ringline_agent: true,
  });
  double.users.get("bot")!.custom.theirs = 1;
  await edge.authenticate({ id: "bot", name: "Robot", image: "https://example.org/b.png" });
  const { name, image, custom } = double.users.get("bot")!;
  assertEquals([name, image], ["Robot", "https://example.org/b.png"]);
  assertEquals(custom, {
    team: "blue",
    is_agent: true,
    ringline_agent: true,
    theirs: 1,
  });
});

Deno.test("errors of Stream's service are EdgeErrors", async () => {
  await using double = await StreamDouble.start();
  await using edge = edgeOn(double);
  double.fail({ path: USERS, status: 500, times: 3 });
  const { error } = await failure(() => edge.authenticate({ id: "bot", name: "Bot" }));
  assertInstanceOf(error, EdgeError);
  assertEquals([error.code, error.retryable], ["service-failed", true]);
});
