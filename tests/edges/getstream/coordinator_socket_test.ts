import { assert, assertEquals, assertRejects } from "@std/assert";
import { AuthenticationError, type EdgeError } from "../../../src/edge/errors.ts";
import {
  CoordinatorSocket,
  type CoordinatorSocketInit,
} from "../../../src/edges/getstream/coordinator_socket.ts";
import { UserToken } from "../../../src/edges/getstream/service/user_token.ts";
import { rejectionError } from "../../../src/edges/getstream/wire/service_errors.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { RawSocket } from "../../fixtures/raw_socket.ts";

/** A socket of the coordinator. */
class Line extends RawSocket {
  constructor(readonly url: string) {
    super();
  }

  override close(code?: number): void {
    super.close(code);
    queueMicrotask(() => this.end(code ?? 1005));
  }

  say(event: Record<string, unknown>): void {
    this.receive(JSON.stringify(event));
  }

  get token(): string {
    return JSON.parse(String(this.sent[0])).token;
  }
}

/** A socket to a coordinator that a test plays, in virtual time. */
function socketTo(options: Partial<CoordinatorSocketInit> = {}, clock = new VirtualClock()) {
  const lines: Line[] = [];
  const seen = {
    events: [] as string[],
    errors: [] as string[],
    messages: [] as string[],
    subscribed: [] as string[],
  };
  let made = 0;
  const socket = new CoordinatorSocket({
    videoUrl: "https://video.test",
    apiKey: "key",
    user: { id: "bot" },
    token: new UserToken(() => `token ${++made}`, { validityMs: 12_000, clock }),
    clock,
    subscribe: (id) => Promise.resolve(void seen.subscribed.push(id)),
    onEvent: ({ type }) => void seen.events.push(type),
    onError: ({ code, message }) => {
      seen.errors.push(code);
      seen.messages.push(message);
    },
    connect: (url) => {
      const line = new Line(url);
      lines.push(line);
      return line;
    },
    ...options,
  });
  /** Opens the latest line and greets. */
  const greet = async (greeting: Record<string, unknown> = { type: "connection.ok" }) => {
    await clock.advance(0);
    const line = lines.at(-1)!;
    line.open();
    await clock.advance(0);
    line.say({ connection_id: `connection ${lines.length}`, ...greeting });
    await clock.advance(0);
    return line;
  };
  return { clock, lines, seen, socket, greet };
}

Deno.test("CoordinatorSocket opens the next socket before it closes the one whose token expires", async () => {
  const { clock, lines, seen, socket, greet } = socketTo();
  const first = await greet();
  await socket.ready;
  assertEquals(new URL(first.url).searchParams.get("X-Stream-Client")!.slice(0, 9), "ringline-");
  // 80 % of a token's 10 s.
  await clock.advance(7999);
  assertEquals(lines.length, 1);
  await clock.advance(1);
  assertEquals([lines.length, first.closedWith], [2, undefined]);
  first.say({ type: "call.one" });
  const second = await greet();
  assertEquals([second.token, first.closedWith, second.closedWith], ["token 2", 1000, undefined]);
  second.say({ type: "call.two" });
  assertEquals(seen, {
    events: ["call.one", "call.two"],
    errors: [],
    messages: [],
    subscribed: ["connection 1", "connection 2"],
  });
  await clock.until(socket.close());
  assertEquals([second.closedWith, clock.pending], [1000, 0]);
});

Deno.test("CoordinatorSocket passes on once what both sockets bring while one takes over", async () => {
  let subscribed = Promise.withResolvers<void>();
  subscribed.resolve();
  const { clock, seen, socket, lines, greet } = socketTo({ subscribe: () => subscribed.promise });
  const first = await greet();
  subscribed = Promise.withResolvers();
  await clock.advance(8000);
  const second = await greet();
  for (const line of [first, second, first, second]) line.say({ type: "call.ring", at: 1 });
  first.say({ type: "call.ring", at: 2 });
  assertEquals(seen.events, ["call.ring", "call.ring", "call.ring"]);
  subscribed.resolve();
  await clock.advance(0);
  assertEquals([first.closedWith, lines.length], [1000, 2]);
  await clock.until(socket.close());
});

Deno.test("CoordinatorSocket remembers the latest events only, however long the next socket takes", async () => {
  let subscribed = Promise.withResolvers<void>();
  subscribed.resolve();
  const { clock, seen, socket, greet } = socketTo({ subscribe: () => subscribed.promise });
  const first = await greet();
  subscribed = Promise.withResolvers();
  await clock.advance(8000);
  for (let number = 0; number <= 100; number++) first.say({ type: `call.${number}` });
  const second = await greet();
  const { length } = seen.events;
  assertEquals(length, 101);
  for (const number of [100, 1, 0]) second.say({ type: `call.${number}` });
  assertEquals(seen.events.slice(length), ["call.0"], "the oldest was forgotten");
  subscribed.resolve();
  await clock.until(socket.close());
});

Deno.test("CoordinatorSocket does not repeat a question that was refused for good", async () => {
  for (const StatusCode of [401, 403]) {
    const { clock, lines, seen, socket, greet } = socketTo();
    const refused = assertRejects(() => socket.ready, AuthenticationError, "not you");
    await greet({ type: "connection.error", error: { code: 5, message: "not you", StatusCode } });
    await refused;
    assert(/not you; the call's events have stopped$/.test(seen.messages[0]!), seen.messages[0]);
    await clock.advance(3_600_000);
    assertEquals([lines.length, seen.errors.length, clock.pending], [1, 1, 0]);
    await socket.close();
  }
  // Also where the call is what it may not see.
  const error = rejectionError({ status: 404, message: "no call", doing: "subscribing" });
  const { clock, lines, seen, socket, greet } = socketTo({
    subscribe: () => Promise.reject(error),
  });
  socket.ready.catch(() => {});
  await greet();
  await clock.advance(3_600_000);
  assertEquals([lines.length, seen.errors], [1, ["not-found"]]);
  await clock.until(socket.close());
});

Deno.test("CoordinatorSocket comes back from a loss, later each time, and as late as the service asks", async () => {
  const limited = rejectionError({
    status: 429,
    message: "many",
    doing: "subscribing",
    retryAfterMs: 45_000,
  });
  const answers: (EdgeError | undefined)[] = [undefined, limited, undefined];
  const { clock, lines, seen, socket, greet } = socketTo({
    subscribe: () => {
      const error = answers.shift();
      return error ? Promise.reject(error) : Promise.resolve();
    },
    token: new UserToken(() => "token", { clock: new VirtualClock() }),
  });
  const first = await greet();
  first.end(1006);
  await clock.advance(400);
  assertEquals([lines.length, seen.errors], [2, ["lost"]]);
  await greet();
  await clock.advance(44_900);
  assertEquals(lines.length, 2);
  await clock.advance(200);
  assertEquals(lines.length, 3);
  await greet();
  assertEquals(seen.errors, ["lost", "rate-limited"]);
  await clock.until(socket.close());
});

Deno.test("CoordinatorSocket uses a new token after one that the service calls expired", async () => {
  const { clock, lines, seen, socket, greet } = socketTo();
  socket.ready.catch(() => {});
  await greet({
    type: "connection.error",
    error: { code: 40, message: "expired", StatusCode: 401 },
  });
  await clock.advance(400);
  const next = await greet();
  assertEquals([lines.length, next.token, seen.errors], [2, "token 2", ["token-expired"]]);
  assert(seen.subscribed.length === 1);
  await clock.until(socket.close());
});

Deno.test("CoordinatorSocket keeps a socket whose token cannot be renewed, and says so once", async () => {
  const clock = new VirtualClock();
  const tokenFor = (ms: number, name: string) =>
    `e30.${btoa(JSON.stringify({ exp: Math.round((clock.epochMs() + ms) / 1000), name }))}.e30`;
  const same = tokenFor(12_000, "same");
  let made = 0;
  const ways: [() => string, RegExp][] = [
    [() => same, /^userToken returned the token of before/],
    // This machine's clock is an hour ahead.
    [() => tokenFor(-3_000_000, `${++made}`), /^userToken returned an expired token/],
  ];
  for (const [load, message] of ways) {
    const { lines, seen, socket, greet } = socketTo(
      { token: new UserToken(load, { clock }) },
      clock,
    );
    const line = await greet();
    await socket.ready;
    for (let second = 0; second < 25; second++) await clock.advance(1000);
    assertEquals([lines.length, line.closedWith, seen.errors], [1, undefined, [
      "token-not-renewed",
    ]]);
    assert(message.test(seen.messages[0]!), seen.messages[0]);
    // The service ends it.
    line.end(1006);
    await clock.advance(400);
    await greet();
    for (let second = 0; second < 25; second++) await clock.advance(1000);
    assertEquals([lines.length, seen.errors], [2, ["token-not-renewed", "lost"]]);
    await clock.until(socket.close());
    assertEquals(clock.pending, 0);
  }
});
