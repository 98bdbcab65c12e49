/** Agents that have their user's token and no secret, on the double. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { AuthenticationError, ClosedError, ConnectionError } from "../../../src/edge/errors.ts";
import { CustomEventReceivedEvent, ErrorEvent } from "../../../src/edge/events.ts";
import { GetStreamEdge, type UserTokenSource } from "../../../src/edges/getstream/mod.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { until } from "../../fixtures/until.ts";
import { signToken } from "./double/jwt.ts";
import { API_KEY, API_SECRET, StreamDouble } from "./double/stream_double.ts";
import { CID } from "./_fixture.ts";
import { Listener } from "./listener.ts";

const tokenOf = (userId: string, claims = {}) =>
  signToken({ user_id: userId, ...claims }, API_SECRET);

function edgeWith(double: StreamDouble, userToken: UserTokenSource): GetStreamEdge {
  const basePath = double.url;
  return new GetStreamEdge({ apiKey: API_KEY, userToken, basePath, logger: silentLogger });
}

Deno.test("an agent joins, chats and ends a call by its user's token alone", async () => {
  await using double = await StreamDouble.start();
  const asked: string[] = [];
  await using edge = edgeWith(double, (userId) => {
    asked.push(userId);
    return tokenOf(userId);
  });
  const errors: unknown[] = [];
  edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(error));
  const agent = new Listener({ id: "bot", name: "Bot", custom: { team: "blue" } });
  await edge.authenticate(agent.user);
  assertEquals(double.users.get("bot"), {
    id: "bot",
    name: "Bot",
    custom: { team: "blue", is_agent: true, ringline_agent: true },
  });
  const call = await edge.createCall("kitchen", { members: [{ userId: "anna" }] });
  await using connection = await edge.join(agent, call);
  const sent: unknown[] = [];
  double.onEvent = (_, event) => void (event.type === "custom" && sent.push(event.custom));
  await connection.sendCustomEvent({ hello: 1 });
  assertEquals(sent, [{ hello: 1 }]);
  const received: unknown[] = [];
  edge.events.subscribe(CustomEventReceivedEvent, ({ data }) => void received.push(data));
  double.emit(CID, { type: "custom", custom: { hi: 2 }, user: { id: "anna" } });
  await until("the event", () => received.length === 1);

  const chat = await edge.createConversation(call, agent.user, "");
  chat.append({ role: "user", userId: "anna", text: "Hello?" });
  const message = chat.append({ role: "assistant", userId: "bot", text: "Hel", complete: false });
  await until("the first write", () => double.chat.writes.length === 1);
  chat.update(message.id, { text: "Hello!", complete: true });
  await chat.flush();
  assertEquals(double.chat.writes.map(({ kind, text }) => [kind, text]), [
    ["create", "Hel"],
    ["final", "Hello!"],
  ]);

  // What only the app may do.
  const { user } = agent;
  for (
    const act of [
      () => edge.openDemo(call),
      () => edge.createCall("hall", { createdBy: { id: "anna", name: "Anna" } }),
    ]
  ) {
    const error = await assertRejects(act, AuthenticationError, "needs the app's secret");
    assertEquals([error.code, error.retryable], ["no-secret", false]);
  }
  await edge.endCall(call);
  assertEquals(await connection.closed, "call-ended");
  assertEquals([asked, errors, double.faults], [[user.id], [], []]);
});

Deno.test("an agent's token that has expired is loaded anew, or refused for good where there is one only", async () => {
  await using double = await StreamDouble.start();
  let asked = 0;
  const past = Math.floor(Date.now() / 1000) - 60;
  const user = { id: "bot", name: "Bot" };
  // The first socket, and then a request, find an expired one.
  await using edge = edgeWith(double, (id) => tokenOf(id, asked++ === 0 ? { exp: past } : {}));
  await edge.authenticate(user);
  assertEquals(asked, 2);
  double.fail({ path: /kitchen$/, status: 401, code: 40 });
  await edge.createCall("kitchen");
  assertEquals(asked, 3);

  await using fixed = edgeWith(double, await tokenOf("bot"));
  await fixed.authenticate(user);
  double.fail({ path: /kitchen$/, status: 401, code: 40, times: 9 });
  const before = double.requests.length;
  const error = await assertRejects(() => fixed.createCall("kitchen"), AuthenticationError);
  assertEquals([error.code, error.retryable], ["token-expired", false]);
  assertEquals(double.requests.length, before + 1, "the same token is not tried again");
  double.heal();

  const other = await assertRejects(
    () => fixed.authenticate({ id: "anna", name: "Anna" }),
    AuthenticationError,
    'of the user "anna", got that of "bot"',
  );
  assertEquals([other.code, other.retryable], ["unauthorized", false]);
  await using broken = edgeWith(double, () => Promise.reject(new Error("no network")));
  const failure = await assertRejects(() => broken.authenticate(user), AuthenticationError);
  assertEquals([failure.code, failure.cause], ["no-token", undefined]);
  assert(!(failure instanceof ConnectionError));
});

Deno.test("one wrong answer of a provider of tokens costs a try, not the call's events", async () => {
  await using double = await StreamDouble.start();
  let asked = 0;
  const answers: unknown[] = [undefined, "garbage"];
  await using edge = edgeWith(
    double,
    (id) => asked < answers.length ? answers[asked++] as string : (asked++, tokenOf(id)),
  );
  await edge.authenticate({ id: "bot", name: "Bot" });
  assertEquals(asked, 3);
});

Deno.test("GetStreamEdge closes while a provider of tokens hangs", async () => {
  await using double = await StreamDouble.start();
  const edge = edgeWith(double, () => new Promise<string>(() => {}));
  const from = performance.now();
  const failed = assertRejects(
    () => edge.authenticate({ id: "bot", name: "Bot" }),
    ClosedError,
    "the edge",
  );
  await edge.close();
  await failed;
  assert(performance.now() - from < 2000);
});
