import { delay } from "@std/async/delay";
import { PROTOCOL_VERSION } from "../../../src/edges/local/wire/signalling.ts";
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { Call } from "../../../src/edge/call.ts";
import type { EdgeAgent } from "../../../src/edge/edge_agent.ts";
import { EdgeError } from "../../../src/edge/errors.ts";
import { ConnectionStateChangedEvent, ErrorEvent } from "../../../src/edge/events.ts";
import { LocalEdge, type LocalEdgeOptions } from "../../../src/edges/local/mod.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { waitFor } from "../../../src/events/waiting.ts";
import { until } from "../../fixtures/until.ts";
import { hello } from "./fakes.ts";

// These run the real media process, and no browser.

function newEdge(options: LocalEdgeOptions = {}): LocalEdge {
  return new LocalEdge({ logger: silentLogger, ...options });
}

function agent(id: string): EdgeAgent {
  return {
    user: { id, name: id },
    audioSubscription: { sampleRate: 16_000, agents: false },
    receiveRow() {},
  };
}

/** Waits at most 10 s: what does not come fails its test, and does not hang it. */
function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  return waitFor(promise, what, { timeoutMs: 10_000 });
}

/** The server's response to a page that follows a link. */
async function answer(link: URL): Promise<{ type: string; code?: string }> {
  const [, , callType, callId] = link.pathname.split("/").map(decodeURIComponent);
  const socket = new WebSocket(`${link.origin.replace("http", "ws")}/signal`, {
    headers: { origin: link.origin },
  });
  // One that cannot connect is closed already.
  const closed = new Promise((resolve) => socket.onclose = resolve);
  try {
    const opened = new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    await soon(opened, "the socket");
    const message = new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
    socket.send(JSON.stringify(hello("Ada", { callType, callId, secret: link.hash.slice(1) })));
    return JSON.parse((await soon(message, "the response")).data);
  } finally {
    socket.close(1000);
    await soon(closed, "the socket's end");
  }
}

/** The server's response to a start page that starts a call. */
async function start(url: URL): Promise<{ callId: string; secret: string; origin?: string }> {
  const socket = new WebSocket(`${url.origin.replace("http", "ws")}/signal`, {
    headers: { origin: url.origin },
  });
  const closed = new Promise((resolve) => socket.onclose = resolve);
  const started = new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
  await soon(new Promise((resolve) => socket.onopen = resolve), "the socket");
  socket.send(
    JSON.stringify({ type: "start", version: PROTOCOL_VERSION, secret: url.hash.slice(1) }),
  );
  const response = JSON.parse((await soon(started, "the started call")).data);
  await closed;
  return response;
}

Deno.test("createCall returns the call of an id and type, with the same secret", async () => {
  await using edge = newEdge();
  const call = await edge.createCall("kitchen");
  assertEquals((await edge.createCall("kitchen")).original, call.original);
  assertNotEquals((await edge.createCall("cellar")).original, call.original);
  assertNotEquals(
    (await edge.createCall("kitchen", { callType: "other" })).original,
    call.original,
  );
  // Dots vanish from a link's path, half a character cannot be written there, and no page may send
  // what turns the reading direction.
  for (const id of ["", "x".repeat(201), "a\nb", ".", "..", "\uD800", "a\u202Eb", 5 as never]) {
    await assertRejects(() => edge.createCall(id), TypeError, "callId");
  }
  for (const callType of ["", ".", ".."]) {
    await assertRejects(() => edge.createCall("kitchen", { callType }), TypeError, "callType");
  }
  for (const id of ["...", ".kitchen", "a.b"]) await edge.createCall(id);
});

Deno.test("a call that a program constructs needs a whole secret and an id that fits a link", async () => {
  await using edge = newEdge();
  for (const secret of ["", "x", "A".repeat(23), `${"A".repeat(21)}/`, 5, null]) {
    const call = new Call({ id: "kitchen", original: { secret } });
    await assertRejects(() => edge.callLink(call), TypeError, "secret");
    await assertRejects(() => edge.join(agent("echo"), call), TypeError, "secret");
  }
  await assertRejects(() => edge.callLink(new Call({ id: ".." })), TypeError, "callId");
  assertEquals(edge.mediaProcessId, undefined);
  const secret = "A".repeat(22);
  const link = await edge.callLink(new Call({ id: "kitchen", original: { secret } }));
  assertEquals(link.hash, `#${secret}`);
  assertEquals((await edge.callLink(new Call({ id: "cellar" }))).hash.length, 23);
});

Deno.test("the media process runs from the first join to the end of the last call", async () => {
  await using edge = newEdge();
  const call = await edge.createCall("kitchen");
  assertEquals(edge.mediaProcessId, undefined);
  const first = await edge.join(agent("first"), call);
  const process = edge.mediaProcessId;
  assert(process !== undefined);
  const second = await edge.join(agent("second"), await edge.createCall("cellar"));
  assertEquals(edge.mediaProcessId, process);
  await first.close();
  assertEquals(edge.mediaProcessId, process);
  await second.close();
  assertEquals(edge.mediaProcessId, undefined);
});

Deno.test("agents in one call see each other, agents of two calls do not", async () => {
  await using edge = newEdge();
  const kitchen = await edge.createCall("kitchen");
  const echo = await edge.join(agent("echo"), kitchen);
  const parrot = await edge.join(agent("parrot"), kitchen);
  const other = await edge.join(agent("other"), await edge.createCall("cellar"));
  const names = [...parrot.participants.values()].map(({ userId, kind }) => `${userId} ${kind}`);
  assertEquals(names, ["echo agent"]);
  assertEquals(other.participants.size, 0);
  // Two agents alone are no people.
  assertEquals(echo.state, "waiting");
});

Deno.test("a call's link admits a page, and a changed link does not", async () => {
  await using edge = newEdge();
  const call = await edge.createCall("the kitchen/1");
  await edge.join(agent("echo"), call);
  const link = await edge.callLink(call);
  assertEquals((await answer(link)).type, "welcome");
  const wrong = new URL(link);
  wrong.hash = "A".repeat(22);
  assertEquals((await answer(wrong)).code, "wrong-link");
  const other = new URL(link);
  other.pathname = "/call/default/cellar";
  assertEquals((await answer(other)).code, "wrong-link");
});

Deno.test("people can wait in a call that has a link and no agent yet", async () => {
  await using edge = newEdge();
  const call = await edge.createCall("kitchen");
  const link = await edge.callLink(call);
  assertEquals((await answer(link)).type, "welcome");
  const connection = await edge.join(agent("echo"), call);
  assertEquals((await edge.callLink(call)).href, link.href);
  await connection.close();
  assertEquals(edge.mediaProcessId, undefined);
});

Deno.test("endCall closes the agents' connections as call-ended", async () => {
  await using edge = newEdge();
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(agent("echo"), call);
  await edge.endCall(call);
  assertEquals(await soon(connection.closed, "the end of the call"), "call-ended");
});

/** Kills the media process; resolves when another has taken its place. */
async function replace(edge: LocalEdge): Promise<void> {
  const process = edge.mediaProcessId!;
  Deno.kill(process, "SIGKILL");
  await until("the next process", () => edge.mediaProcessId !== process && edge.mediaProcessId);
}

Deno.test("LocalEdge keeps its calls when the media process is lost, with the same links", async () => {
  await using edge = newEdge();
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(agent("echo"), call);
  const link = await edge.callLink(call);
  // No agent is in it: people wait there.
  const waiting = await edge.callLink(await edge.createCall("cellar"));
  const server = await edge.serve({ onCall() {} });
  const { href } = server.url;
  for (let loss = 1; loss <= 2; loss++) {
    await replace(edge);
    await until("being back", () => !connection.isReconnecting);
    assertEquals([connection.state, server.url.href], ["waiting", href]);
    assertEquals((await edge.callLink(call)).href, link.href);
    assertEquals((await answer(link)).type, "welcome");
    assertEquals((await answer(waiting)).type, "welcome");
    assertEquals((await fetch(server.url).then((page) => page.text())).includes("<title>"), true);
  }
});

Deno.test("LocalEdge does in the next media process what one had not done that was lost", async () => {
  await using edge = newEdge();
  const [kitchen, cellar] = [await edge.createCall("kitchen"), await edge.createCall("cellar")];
  const [echo, parrot] = [
    await edge.join(agent("echo"), kitchen),
    await edge.join(agent("p"), cellar),
  ];
  const user = { id: "anna" };
  const revoked = await edge.invite(kitchen, { user });
  const pid = edge.mediaProcessId!;
  // It has all requests, and replies to none.
  Deno.kill(pid, "SIGSTOP");
  const pending = Promise.all([
    edge.callLink(kitchen),
    edge.invite(kitchen, { user }),
    edge.serve({ onCall() {} }),
    edge.revoke(revoked),
    edge.endCall(cellar),
  ]);
  Deno.kill(pid, "SIGKILL");
  const [link, invitation, server] = await soon(pending, "the next process");
  assertEquals(await soon(parrot.closed, "the end of the call"), "call-ended");
  assertEquals((await answer(link)).type, "welcome");
  assertEquals((await answer(invitation)).type, "welcome");
  assertEquals((await answer(revoked)).code, "wrong-link");
  await start(server.url);
  await until("being back", () => !echo.isReconnecting);
  assertEquals(echo.state, "waiting");
});

Deno.test("LocalEdge that closes settles what waits for a media process that hangs", async () => {
  const edge = newEdge();
  const call = await edge.createCall("kitchen");
  await edge.join(agent("echo"), call);
  await edge.serve({ onCall() {} });
  const process = edge.mediaProcessId!;
  Deno.kill(process, "SIGSTOP");
  const pending = [
    edge.callLink(call),
    edge.endCall(call),
    edge.invite(call, { user: { id: "a" } }),
  ];
  const settled = Promise.allSettled(pending);
  const begun = performance.now();
  await edge.close();
  assert(performance.now() - begun < 2500, "it is not waited for");
  for (const one of await settled) {
    assertEquals(one.status === "rejected" && one.reason.code, "closed");
  }
  assertEquals(edge.mediaProcessId, undefined);
});

Deno.test("LocalEdge begins a lost call again for the next join, with the same link", async () => {
  await using edge = newEdge();
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(agent("echo"), call);
  const link = await edge.callLink(call);
  for (let loss = 1; loss <= 2; loss++) await replace(edge);
  await until("being back", () => !connection.isReconnecting);
  Deno.kill(edge.mediaProcessId!, "SIGKILL");
  assertEquals(await soon(connection.closed, "the end of the call"), "media-process-lost");
  await edge.join(agent("echo"), call);
  assertEquals((await edge.callLink(call)).href, link.href);
  assertEquals((await answer(link)).type, "welcome");
});

/** A page that joins, and answers the server's offer with what is no answer. */
async function answerWrongly(
  link: URL,
  resume?: string,
): Promise<{ id?: string; resume?: string; end: string }> {
  const [, , callType, callId] = link.pathname.split("/").map(decodeURIComponent);
  const socket = new WebSocket(`${link.origin.replace("http", "ws")}/signal`, {
    headers: { origin: link.origin },
  });
  const welcome: { id?: string; resume?: string } = {};
  socket.onopen = () =>
    socket.send(JSON.stringify({
      ...hello("Ada", { callType, callId, secret: link.hash.slice(1) }),
      ...(resume ? { resume } : {}),
    }));
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "welcome") Object.assign(welcome, message);
    if (message.type !== "offer") return;
    socket.send(JSON.stringify({ type: "answer", offer: message.offer, sdp: "no answer" }));
  };
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  const { reason } = await soon(closed, "the server's rejection");
  return { id: welcome.id, resume: welcome.resume, end: reason };
}

Deno.test("LocalEdge refuses the participant after whose message two media processes died", async () => {
  await using edge = newEdge();
  const errors: EdgeError[] = [];
  edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(error as EdgeError));
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(agent("echo"), call);
  const link = await edge.callLink(call);
  const replaceNow = async () => {
    await replace(edge);
    // It listens.
    await edge.callLink(call);
  };
  const first = await answerWrongly(link);
  assertEquals(first.end, "bad-message");
  await replaceNow();
  // They were never connected, and are the same participant all the same.
  const second = await answerWrongly(link, first.resume);
  assertEquals([second.id, second.end], [first.id, "bad-message"]);
  await replaceNow();
  assertEquals((await answerWrongly(link, second.resume)).end, "refused");
  assertEquals((await answer(link)).type, "welcome");
  await until("being back", () => !connection.isReconnecting);
  assertEquals([connection.state, errors.map(({ code }) => code)], ["waiting", [
    "participant-refused",
  ]]);
});

Deno.test("LocalEdge gives each call a media process of its own with mediaIsolation", async () => {
  await using edge = newEdge({ mediaIsolation: "call", limits: { calls: 2 } });
  const [kitchen, cellar] = [await edge.createCall("kitchen"), await edge.createCall("cellar")];
  const first = await edge.join(agent("echo"), kitchen);
  const second = await edge.join(agent("echo"), cellar);
  const pids = [edge.mediaProcessIdOf(kitchen), edge.mediaProcessIdOf(cellar)];
  assert(pids[0] && pids[1] && pids[0] !== pids[1] && edge.mediaProcessId === undefined, `${pids}`);
  const links = [await edge.callLink(kitchen), await edge.callLink(cellar)];
  assertNotEquals(links[0]!.origin, links[1]!.origin);
  const reconnecting: unknown[] = [];
  edge.events.subscribe(ConnectionStateChangedEvent, (event) => {
    if (event.reconnecting) reconnecting.push(event.connection);
  });
  Deno.kill(pids[0], "SIGKILL");
  await until("the first call's return", () => reconnecting.length === 1 && !first.isReconnecting);
  // The other one has not noticed.
  assertEquals([reconnecting[0] === first, edge.mediaProcessIdOf(cellar)], [true, pids[1]]);
  for (const [index, call] of [kitchen, cellar].entries()) {
    assertEquals((await edge.callLink(call)).href, links[index]!.href);
    assertEquals((await answer(links[index]!)).type, "welcome");
  }
  const attic = await edge.createCall("attic");
  for (const open of [() => edge.join(agent("echo"), attic), () => edge.callLink(attic)]) {
    assertEquals((await assertRejects(open, EdgeError, "limits.calls")).code, "too-many-calls");
  }
  await edge.endCall(kitchen);
  assertEquals([await soon(first.closed, "the end of the call"), second.state], [
    "call-ended",
    "waiting",
  ]);
  await until("the first one's end", () => edge.mediaProcessIdOf(kitchen) === undefined);
  await edge.callLink(attic);
  await second.close();
  assertThrows(() => newEdge({ mediaIsolation: "call", port: 8080 }), RangeError, "port");
  assertThrows(() => newEdge({ mediaIsolation: "calls" as never }), TypeError, "mediaIsolation");
});

Deno.test("LocalEdge keeps the process of a call that one agent leaves while the next joins", async () => {
  await using edge = newEdge({ mediaIsolation: "call" });
  const call = await edge.createCall("kitchen");
  const first = await edge.join(agent("first"), call);
  const leaving = first.close();
  const second = await soon(edge.join(agent("second"), call), "the second join");
  await soon(leaving, "the first one's end");
  const link = await soon(edge.callLink(call), "the link");
  assertEquals((await answer(link)).type, "welcome");
  assertEquals((await edge.callLink(call)).href, link.href);
  await soon(edge.endCall(call), "ending the call");
  assertEquals(await soon(second.closed, "the end of the call"), "call-ended");
});

Deno.test("a call that a page starts has its own address with mediaIsolation", async () => {
  await using edge = newEdge({ mediaIsolation: "call" });
  const joined = Promise.withResolvers<Call>();
  const server = await edge.serve({
    async onCall(call) {
      await edge.join(agent("echo"), call);
      joined.resolve(call);
    },
  });
  const { url } = server;
  const started = await start(url);
  const call = await soon(joined.promise, "the agent");
  const link = await edge.callLink(call);
  assertEquals([started.origin, started.callId], [link.origin, call.id]);
  assertNotEquals(link.origin, url.origin);
  assertEquals((await answer(link)).type, "welcome");
  await server.close();
  assertEquals(edge.connections.size, 1);
});

Deno.test("LocalEdge drops an accepted call that cannot be opened, with mediaIsolation", async () => {
  await using edge = newEdge({ mediaIsolation: "call", limits: { calls: 1 } });
  const log: string[] = [];
  const dropped = Promise.withResolvers<void>();
  await using server = await edge.serve({
    accept: () => true,
    onCall: () => void log.push("onCall"),
    onDropped({ id }) {
      log.push(id);
      dropped.resolve();
    },
  });
  await edge.callLink(await edge.createCall("kitchen"));
  const answered = await start(server.url) as unknown as { type: string; code: string };
  assertEquals([answered.type, answered.code], ["rejected", "too-many-calls"]);
  await soon(dropped.promise, "onDropped");
  assertEquals([log.length, log.includes("onCall")], [1, false]);
});

Deno.test("LocalEdge lets a person in whose call was accepted before the server was closed", async () => {
  await using edge = newEdge();
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<boolean>();
  const joined = Promise.withResolvers<Call>();
  const server = await edge.serve({
    accept() {
      asked.resolve();
      return answered.promise;
    },
    async onCall(call) {
      await edge.join(agent("echo"), call);
      joined.resolve(call);
    },
  });
  const started = start(server.url);
  await soon(asked.promise, "accept");
  await server.close();
  answered.resolve(true);
  const call = await soon(joined.promise, "the agent");
  assertEquals((await started).callId, call.id);
  assertEquals((await answer(await edge.callLink(call))).type, "welcome");
});

Deno.test("LocalEdge replaces a media process that is empty and has grown: its pages stay", async () => {
  await using edge = newEdge({ memoryLimit: { bytes: 1, checkEveryMs: 50 } });
  const errors: unknown[] = [];
  edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(error));
  const server = await edge.serve({ onCall() {} });
  const { href } = server.url;
  const waiting = await edge.callLink(await edge.createCall("cellar"));
  const process = edge.mediaProcessId!;
  await until("the next process", () => edge.mediaProcessId !== process);
  const connection = await edge.join(agent("echo"), await edge.createCall("kitchen"));
  const { mediaProcessId } = edge;
  assertEquals((await answer(waiting)).type, "welcome");
  assertEquals((await fetch(server.url).then((page) => page.text())).includes("<title>"), true);
  // It is in use, and stays.
  await delay(150);
  assertEquals([edge.mediaProcessId, server.url.href, errors], [mediaProcessId, href, []]);
  await connection.close();
});

Deno.test("join rejects when the port is in use, and leaves nothing open", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  await using edge = newEdge({ port });
  const call = await edge.createCall("kitchen");
  const error = await assertRejects(() => edge.join(agent("echo"), call), EdgeError);
  assertEquals(error.code, "address-in-use");
  assertEquals(edge.mediaProcessId, undefined);
  listener.close();
  await edge.join(agent("echo"), call);
  assertEquals(Number((await edge.callLink(call)).port), port);
});

Deno.test("a person who starts a call on the start page meets the agent of onCall", async () => {
  await using edge = newEdge();
  const joined = Promise.withResolvers<Call>();
  const server = await edge.serve({
    async onCall(call) {
      await edge.join(agent("echo"), call);
      joined.resolve(call);
    },
  });
  const { callId, secret } = await start(server.url);
  const call = await soon(joined.promise, "the agent");
  assertEquals([call.id, call.original], [callId, { secret }]);
  const welcome = await answer(await edge.callLink(call)) as unknown as { participants: unknown[] };
  assertEquals(welcome.participants.length, 1);
  await server.close();
  await server.closed;
  // The call that was begun goes on.
  assertEquals(edge.connections.size, 1);
});

Deno.test("a person who starts a call learns immediately that onCall failed", async () => {
  await using edge = newEdge();
  const errors: unknown[] = [];
  using _errors = edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(error));
  const failure = new Error("no agent today");
  const failing = Promise.withResolvers<void>();
  await using server = await edge.serve({
    onCall: () => failing.promise,
  });
  const { url } = server;
  const socket = new WebSocket(`${url.origin.replace("http", "ws")}/signal`, {
    headers: { origin: url.origin },
  });
  const started = new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
  await new Promise((resolve) => socket.onopen = resolve);
  socket.send(
    JSON.stringify({ type: "start", version: PROTOCOL_VERSION, secret: url.hash.slice(1) }),
  );
  const { callType, callId, secret } = JSON.parse((await started).data);
  const page = new WebSocket(`${url.origin.replace("http", "ws")}/signal`, {
    headers: { origin: url.origin },
  });
  const closed = new Promise<CloseEvent>((resolve) => page.onclose = resolve);
  const welcome = new Promise((resolve) => page.onmessage = resolve);
  await new Promise((resolve) => page.onopen = resolve);
  page.send(JSON.stringify(hello("Ada", { callType, callId, secret })));
  await welcome;
  const begun = performance.now();
  failing.reject(failure);
  assertEquals((await closed).reason, "no-agent");
  assert(performance.now() - begun < 5000);
  assertEquals(errors, [failure]);
});

Deno.test("an invitation admits to its call until it is revoked, in the next process too", async () => {
  await using edge = newEdge();
  const call = await edge.createCall("kitchen");
  const user = { id: "anna", name: "Anna" };
  const links = [
    await edge.invite(call, { user }),
    await edge.invite(call, { user: { id: "bob" } }),
  ];
  const elsewhere = new URL(links[0]!);
  elsewhere.pathname = "/call/default/cellar";
  await edge.callLink(await edge.createCall("cellar"));
  assertEquals((await answer(elsewhere)).code, "wrong-link");
  assertEquals((await answer(links[0]!)).type, "welcome");
  await edge.revoke(links[0]!);
  assertEquals((await answer(links[0]!)).code, "wrong-link");
  assertEquals((await answer(links[1]!)).type, "welcome");

  const connection = await edge.join(agent("echo"), call);
  await replace(edge);
  await until("being back", () => !connection.isReconnecting);
  const link = await edge.callLink(call);
  assertEquals((await answer(links[0]!)).code, "wrong-link");
  assertEquals((await answer(links[1]!)).type, "welcome");
  // A call's link has no user to revoke.
  for (const none of [link, ""]) {
    await assertRejects(() => edge.revoke(none), TypeError, "without a token");
  }
  const [head, body, signature] = links[1]!.hash.slice(1).split(".");
  for (
    const malformed of ["a.b", "a.b.c", `${head}.${body}`, `${head}.${signature}.${signature}`]
  ) {
    await assertRejects(() => edge.revoke(malformed), TypeError, "invitation");
  }
  await assertRejects(() => edge.revoke(undefined as never), TypeError, "got undefined");
  await using other = newEdge();
  const foreign = await other.invite(await other.createCall("kitchen"), { user });
  await assertRejects(() => edge.revoke(foreign), TypeError, "signed with another secret");
  for (const wrong of [{}, { user: "anna" }, { user: { id: "" } }, { user, expiresInMs: 0 }]) {
    await assertRejects(() => edge.invite(call, wrong as never));
  }
});
